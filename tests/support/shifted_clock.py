"""The real clock with its date moved: what an instance sees later, without waiting."""

from __future__ import annotations

from lib.clock import SystemClock


class ShiftedClock(SystemClock):
    """`seconds` after the present time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds
