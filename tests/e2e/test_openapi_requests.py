"""Requests made up from the description, valid and broken: every answer is one that the description allows."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import pytest

from lib.web.shell import Shell
from tests.support.deployment import ADMIN, SERVICE, deployed
from tests.support.loopback_server import serve
from tests.support.routes import routes_of

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CRON: Final = "cron-secret"
SECRETS: Final = f"""
[auth.openapi.bearer]
bearer = "{SERVICE}"
[auth.openapi.apiKey]
api_key = "{SERVICE}"
[auth.openapi.admin]
bearer = "{ADMIN}"
[auth.openapi.cron]
bearer = "{CRON}"
"""
ENVIRONMENT: Final = {
    "GATEWAY_ENV": "production",
    "DEMO_PROVIDER": "on",
    "TEST_ENDPOINTS": "on",
    "TIER_LIMITS": "master=1000000/1",
    "IP_LIMIT_PER_MINUTE": "1000000",
    "CRON_SECRET": CRON,
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
    "QSTASH_TOKEN": "queue-token",
    "QSTASH_CURRENT_SIGNING_KEY": "sig_0123456789abcdef",
    "GATEWAY_URL": "https://gateway.example.com",
}
BOUNDARIES: Final = (
    "--phases=coverage",
    "--exclude-path=/api/chat",
    "--exclude-path=/api/ai/v2/chat",
    "--exclude-path=/api/ai/route",
    "--exclude-path=/api/ai/v2/batch",
    "--exclude-path=/api/ai/v1/chat/completions",
    "--exclude-path=/api/ai/v1/messages",
)
"""Each boundary of each field: hundreds of requests for bodies of this size, so chats have the other kind alone."""


@pytest.mark.parametrize("kind", [("--phases=examples,fuzzing", "--max-examples=3"), BOUNDARIES], ids=("any", "edges"))
async def test_every_answer_is_one_that_the_description_allows(kind: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(SECRETS)
    async with deployed(0.5, **ENVIRONMENT) as deployment:
        site = deployment.instance().site
        async with serve(Shell(tuple(routes_of(site)), site.ids)) as url:
            process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).parent / "schemathesis"),
                *("--config-file", str(config), "run", f"{url}/api/ai/openapi.json", *kind),
                *("--checks=all", "--generation-deterministic", "--continue-on-failure", "--warnings=off"),
                *("-H", "x-user-id: u1", "-H", "x-user-tier: master"),
                cwd=ROOT,
                env={"PATH": os.defpath, "SCHEMATHESIS_HOOKS": "tests.support.openapi_hooks"},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")[-20_000:]
