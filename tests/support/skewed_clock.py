"""Clocks of instances that disagree, exact to the millisecond."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class MillisecondClock:
    """The time as everybody should see it. Half a millisecond on, so that no rounding moves it to another one."""

    milliseconds: int

    def now(self) -> float:
        return (self.milliseconds + 0.5) / 1000

    def monotonic(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        self.milliseconds += round(seconds * 1000)


@dataclass
class SkewedClock:
    """An instance's clock, off by some milliseconds."""

    real: MillisecondClock
    skew_milliseconds: int = 0

    @property
    def milliseconds(self) -> int:
        return self.real.milliseconds + self.skew_milliseconds

    def now(self) -> float:
        return (self.milliseconds + 0.5) / 1000

    def monotonic(self) -> float:
        return self.real.now()

    async def sleep(self, seconds: float) -> None:
        await self.real.sleep(seconds)
