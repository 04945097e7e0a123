"""An event loop in which waiting takes no time: when nothing is ready, its clock goes on to the next timer.

So a month passes as fast as it can be computed, and timeouts, leases and pauses come in the order they would come in.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Final

START: Final = 1_795_521_600.0
"""2026-11-24 12:00 UTC, in seconds since the epoch."""


class _Leaping(selectors.SelectSelector):
    """Waits for nothing but time, and for that by adding it up."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let `timeout` seconds pass. Raises RuntimeError where nothing would ever happen again."""
        if timeout is None:
            raise RuntimeError("everything waits, and for no timer")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and is counted in seconds of the simulation."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Seconds since the simulation began."""
        return self._leaping.now


class LoopClock:
    """The loop's time as the product's clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        """See lib.clock.Clock."""
        return START + self._loop.time()

    def monotonic(self) -> float:
        """See lib.clock.Clock."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """See lib.clock.Clock."""
        await asyncio.sleep(seconds)
