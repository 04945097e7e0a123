"""`python -m dev` as a developer runs it, without any provider key or store, until it is told to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lib.catalog.providers import PROVIDERS
from lib.settings.settings import OTHER_KEY_VARIABLES

ROOT: Final = Path(__file__).resolve().parents[2]


def quiet_environment() -> dict[str, str]:
    """One without any provider key or store; those of a developer's `.env` lose against an empty variable."""
    emptied = {row.key_variable for row in PROVIDERS if row.key_variable}
    emptied |= {name for names in OTHER_KEY_VARIABLES.values() for name in names}
    emptied |= {f"{store}_{part}" for store in ("UPSTASH_REDIS_REST", "KV_REST_API") for part in ("URL", "TOKEN")}
    emptied |= {"KV_BACKEND", "GATEWAY_MODELS", "CROWELOGIC_BASE_URL", "VERCEL", "GATEWAY_ENV", "DEMO_PROVIDER"}
    return {**dict.fromkeys(emptied, ""), "PATH": os.defpath, "PORT": "0", "PYTHONUNBUFFERED": "1"}


@contextmanager
def local_product(**env: str) -> Generator[str]:
    """The URL of the running product, which must end cleanly when asked to."""
    command = [sys.executable, "-m", "dev"]
    with subprocess.Popen(
        command, cwd=ROOT, env=quiet_environment() | env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            assert first.startswith("AI Orchestrator on http://127.0.0.1:")
            yield first.rsplit(" ", 1)[-1].strip()
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        assert process.returncode == 0
