"""Refusals of one user within a second are booked together: a flood of them must stay cheap, and none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lib.ai.observability.record import UsageRecord

GATHERED_SECONDS: Final = 1.0
REFUSERS: Final = 10_000
"""Users whose seconds run at a time; beyond it the oldest is booked early."""


class Refusals:
    """What this instance has refused lately."""

    def __init__(self) -> None:
        self._seconds: dict[str, tuple[float, UsageRecord | None]] = {}

    def add(self, record: UsageRecord) -> UsageRecord | None:
        """The record, to be booked now, when it opens its user's second; None when it is gathered for `due`."""
        begun = self._seconds.get(record.person)
        if begun is None:
            self._seconds[record.person] = (record.at, None)
            return record
        since, gathered = begun
        count = gathered.count if gathered else 0
        self._seconds[record.person] = (since, replace(record, count=count + record.count))
        return None

    def due(self, now: float) -> Iterator[UsageRecord]:
        """What was gathered in seconds that have passed; each is given once."""
        while self._seconds:
            person, (since, gathered) = next(iter(self._seconds.items()))
            if since > now - GATHERED_SECONDS and len(self._seconds) <= REFUSERS:
                return
            del self._seconds[person]
            if gathered is not None:
                yield gathered
