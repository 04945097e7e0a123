"""Hedging: when a model's first token is later than it usually is, ask the next one as well and take whoever answers.

After Dean and Barroso, "The Tail at Scale" (CACM 2013): the second request goes out after the 95th percentile of the
model's own latency, and a budget keeps hedges a small share of all requests.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

REMEMBERED: Final = 200
ENOUGH: Final = 20
"""First tokens seen by this instance below which a percentile says nothing."""


class HedgeBudget:
    """Lets at most `percent` of the requests of this instance be hedged; 0 switches hedging off."""

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._earned = 0.0

    @property
    def enabled(self) -> bool:
        """Whether hedging is on at all."""
        return self._percent > 0

    def earn(self) -> None:
        """Call once per request. Unused hedges are kept up to one, so that a quiet time allows no burst."""
        self._earned = min(1.0 + self._percent / 100, self._earned + self._percent / 100)

    def spend(self) -> bool:
        """Whether this request may be hedged; takes the hedge if so."""
        if self._earned < 1.0:
            return False
        self._earned -= 1.0
        return True


class FirstTokens:
    """How long each model's first token took lately, as this instance saw it."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def note(self, model: str, seconds: float) -> None:
        """Remember one."""
        self._seconds.setdefault(model, deque(maxlen=REMEMBERED)).append(seconds)

    def p95(self, model: str) -> float | None:
        """The 95th percentile in seconds, or None while too few were seen."""
        seen = sorted(self._seconds.get(model, ()))
        return seen[math.ceil(0.95 * len(seen)) - 1] if len(seen) >= ENOUGH else None
