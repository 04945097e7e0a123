"""Letting other tasks run, without time passing."""

from __future__ import annotations

import asyncio


async def next_tick() -> None:
    """Let everything that is ready run once."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.call_soon(ready.set_result, None)
    await ready
