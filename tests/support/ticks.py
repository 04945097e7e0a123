"""Letting other tasks run, without time passing."""

from __future__ import annotations

import asyncio


async def next_tick() -> None:
    """Let everything that is ready run once."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def go_on() -> None:
        if not ready.done():  # whoever waited may have been cancelled
            ready.set_result(None)

    loop.call_soon(go_on)
    await ready
