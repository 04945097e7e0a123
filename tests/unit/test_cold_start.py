"""What a cold start imports: no provider SDK, and nothing whose place is off the hot path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SLOW: Final = (
    *("openai", "anthropic", "httpx", "httpx2", "upstash_redis", "upstash_ratelimit", "requests"),
    *("jwt", "cryptography"),
)

IMPORTED: Final = f"""
import sys
slow = [name for name in {SLOW!r} if name in sys.modules]
print("imported:", *slow)
"""

FUNCTION: Final = """
from lib.app import create
app = create({{"ALLOW_ANONYMOUS": "on", "DEMO_PROVIDER": "on"}}, {name!r})
import asyncio
sent, bodies = [], [b'{{"messages": [{{"role": "user", "content": "hi"}}]}}']
async def receive():
    if not bodies:
        await asyncio.Event().wait()
    return {{"type": "http.request", "body": bodies.pop(), "more_body": False}}
async def send(message):
    sent.append(message)
scope = {{"type": "http", "method": {method!r}, "path": {path!r}, "headers": [], "query_string": b"", "client": None}}
asyncio.run(app(scope, receive, send))
assert sent[0]["status"] == {status}, sent
"""

HIT: Final = """
import asyncio
from tests.support.deployment import deployed
async def main():
    async with deployed() as site:
        here = site.instance()
        await here.chat()
        assert (await here.chat()).headers["x-cache"] == "HIT (exact)"
asyncio.run(main())
"""


def imported_by(program: str) -> str:
    """What of SLOW a program imports; fails when the program does."""
    done = subprocess.run(
        [sys.executable, "-c", program + IMPORTED], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "method", "path", "status"),
    [
        ("health", "GET", "/api/ai/health", 200),
        ("stats", "GET", "/api/ai/stats", 401),
        ("chat", "POST", "/api/ai/v2/chat", 200),
        ("v1", "POST", "/api/ai/v1/chat/completions", 200),
        ("hooks", "POST", "/api/ai/hooks/stripe", 404),
        ("rollout", "POST", "/api/chat", 200),
        ("feedback", "POST", "/api/ai/feedback", 400),
    ],
)
def test_no_function_imports_an_sdk(name: str, method: str, path: str, status: int) -> None:
    program = FUNCTION.format(name=name, method=method, path=path, status=status)
    assert imported_by(program) == "imported:"


def test_a_provider_call_and_a_cache_hit_import_no_sdk_either() -> None:
    imported = imported_by(HIT)  # the test's own store client brings httpx
    assert "openai" not in imported
    assert "anthropic" not in imported
