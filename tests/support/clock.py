"""A clock for tests: it stands still until it is turned, and short sleeps turn it themselves."""

from __future__ import annotations

import asyncio
import heapq
from typing import Final

from tests.support.ticks import next_tick

START: Final = 1_795_521_600.0
"""2026-11-24 12:00 UTC."""


class HandTurnedClock:
    """Sleeps of at most `turns` seconds move the time by themselves; longer ones wait for `turn`."""

    def __init__(self, start: float = START, turns: float = 0.0) -> None:
        self._now = start
        self._turns = turns
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= self._turns:
            self.turn(seconds)
            await next_tick()
            return
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._now + seconds, len(self.slept), woken))
        await woken.wait()

    def turn(self, seconds: float) -> None:
        """Move the time on and wake whoever has slept long enough."""
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].set()
