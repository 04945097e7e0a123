"""`python -m dev.reconcile [--day D] [--import-log FILE]`: exits 0 when the books balance, 1 when they do not."""

from __future__ import annotations

import asyncio
import os
import sys

from dev.environment import local_environment
from dev.reconcile.command import arguments, closing, run
from dev.server import ROOT
from lib.app import real_world
from lib.composition import Gateway


async def main() -> int:
    """Against the store that the environment or the env files name."""
    gateway = Gateway(real_world(local_environment(ROOT, os.environ)))
    if not gateway.kv_configured:
        print("no store is configured: set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN")
        return 2
    async with closing(gateway):
        return await run(gateway, arguments())


sys.exit(asyncio.run(main()))
