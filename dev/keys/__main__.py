"""`python -m dev.keys create|list|change|rotate|revoke`, against the store of the environment or the env files."""

from __future__ import annotations

import asyncio
import os
import sys

from dev.environment import local_environment
from dev.keys.command import arguments, run
from dev.server import ROOT
from lib.app import real_world
from lib.composition import Gateway
from lib.site import Site


async def main() -> int:
    """The exit status."""
    given = arguments()
    gateway = Gateway(real_world(local_environment(ROOT, os.environ)))
    if not gateway.kv_configured:
        print("no store is configured: set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN", file=sys.stderr)
        return 2
    try:
        return await run(Site(gateway), given)
    finally:
        await gateway.world.aclose()


sys.exit(asyncio.run(main()))
