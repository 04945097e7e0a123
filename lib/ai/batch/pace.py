"""How fast a batch may ask for admission without going over its user's limit, which would lock the user out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.answer import LimitState

UNBOUNDED: Final = 1 << 30


@dataclass(slots=True)
class Pace:
    """Counts on what answers tell of the limit. `left` begins with how many may be asked before one has told."""

    left: int
    until: float = 0.0
    """Nothing is asked before then (seconds since the epoch)."""
    started: int = 0
    _told_by: int = -1
    """The latest started of those that have told of the limit."""

    def room(self, now: float, running: int) -> int:
        """How many more may ask now. After a pause, or when nobody has told anything, one goes ahead alone."""
        if now < self.until:
            return 0
        return max(0 if running else 1, self.left)

    def start(self) -> int:
        """One asks; its place in the order."""
        self.left -= 1
        self.started += 1
        return self.started - 1

    def told(self, place: int, limit: LimitState | None, now: float) -> None:
        """An answer has come; `limit` was so when that one was admitted (None: there is none)."""
        if place < self._told_by:
            return
        self._told_by = place
        if limit is None:
            self.left = UNBOUNDED
            return
        self.left = max(0, limit.remaining - (self.started - 1 - place))
        if not self.left:
            self.until = max(self.until, now + limit.reset_seconds)

    def refused(self, place: int, retry_after: float, now: float) -> None:
        """One was turned away: all wait."""
        self._told_by = max(self._told_by, place)
        self.left = 0
        self.until = max(self.until, now + retry_after)
