"""Writes that the KV is still owed: settlements of budgets, and ends of claims that others may be waiting for.

Kept in this instance while the KV is away, in bounded memory, and sent with the next write-back it takes.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from lib.kv.replies import Command

SENT_AT_ONCE: Final = 256
MOST: Final = 2_000
MOST_BYTES: Final = 4 * 1024 * 1024
TRIES: Final = 20
"""A write that the KV itself refuses so often is given up; one that it could not take is not counted."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One write."""

    command: Command
    again: Command
    """What is sent instead once the first may have run: the same effect, at most once."""
    until: float
    """Seconds since the epoch after which it would be of no use."""
    tries: int = 0

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum(len(part) for part in self.command if isinstance(part, str))


class Debts:
    """What is owed, oldest first; beyond the bounds the oldest is forgotten, with a line in the log."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._owed: deque[Owed] = deque()
        self._bytes = 0
        self._lines = logging.getLogger(__name__)

    def __len__(self) -> int:
        return len(self._owed)

    def take(self, now: float) -> list[Owed]:
        """The next to send; whoever takes them says how it went, unless they were executed."""
        taken: list[Owed] = []
        while self._owed and len(taken) < SENT_AT_ONCE:
            owed = self._owed.popleft()
            self._bytes -= owed.size
            if owed.until > now:
                taken.append(owed)
        return taken

    def keep(self, owed: Iterable[Owed]) -> None:
        """They were certainly not executed."""
        for each in owed:
            self._owed.append(each)
            self._bytes += each.size
        while len(self._owed) > self._most or self._bytes > self._most_bytes:
            oldest = self._owed.popleft()
            self._bytes -= oldest.size
            self._lines.warning("a write that the KV was owed is given up: %s", oldest.command[3:5])

    def doubt(self, owed: Iterable[Owed]) -> None:
        """They may have been executed."""
        self.keep(replace(each, command=each.again) for each in owed)

    def refused(self, owed: Iterable[Owed]) -> None:
        """The KV answered each with an error, so it was not executed."""
        self.keep(replace(each, tries=each.tries + 1) for each in owed if each.tries + 1 < TRIES)
