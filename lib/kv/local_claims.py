"""De-duplication within one instance, for the time without the KV: the same records as there, in this process."""

from __future__ import annotations

import sys
from collections import OrderedDict
from heapq import heapify, heappop, heappush
from typing import Final

from lib.clock import Clock
from lib.kv.deduplication import Outcome, TimedOut, outcome_of

LOOK_SECONDS: Final = 0.05
"""Waiting duplicates look this often; looking costs nothing and works from any event loop."""
REMEMBERED_BYTES: Final = 8 * 1024 * 1024
"""Of all records together; beyond it the oldest finished answer is forgotten first, then the oldest claim."""
AROUND_BYTES: Final = 600
"""What a record takes beside its text, at most: digest, end, and their places (measured)."""
SPARE_ENDS: Final = 100
"""Ends of replaced records that may always stay; beyond it at most as many as there are records."""


class LocalClaims:
    """Claims, answers and errors by the digest of their request."""

    def __init__(self, clock: Clock, most_bytes: int = REMEMBERED_BYTES) -> None:
        self._clock = clock
        self._most = most_bytes
        self._records: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """Each with its end; what is written is moved to the end."""
        self._ends: list[tuple[float, str]] = []
        """A heap, the first end on top; it has those of replaced records too."""
        self._bytes = 0

    def read(self, digest: str) -> str | None:
        """The record in force."""
        record, ends = self._records.get(digest, (None, 0.0))
        if record is not None and ends <= self._clock.now():
            self._drop(digest)
            return None
        return record

    def claim(self, digest: str, claim: str, until: float) -> bool:
        """Take the request on, unless another one of this instance is at it."""
        held = self.read(digest)
        if held is not None and held.startswith("F"):
            return False
        self._put(digest, claim, until)
        return True

    def end(self, digest: str, claim: str, record: str, milliseconds: int) -> None:
        """Put the result in the place of one's own claim; the empty text gives it up."""
        if self.read(digest) != claim:
            return
        self._drop(digest)
        if record:
            self._put(digest, record, self._clock.now() + milliseconds / 1000)

    async def follow(self, digest: str, claim: str, deadline: float) -> Outcome:
        """Wait until the record is no longer `claim`."""
        while (left := deadline - self._clock.now()) > 0:
            await self._clock.sleep(min(LOOK_SECONDS, left))
            record = self.read(digest)
            if record != claim:
                return outcome_of(record, claim)
        return TimedOut()

    @property
    def remembered(self) -> int:
        """Records in memory, some of which may have expired."""
        return len(self._records)

    def _put(self, digest: str, record: str, until: float) -> None:
        self._drop(digest)
        self._drop_ended()
        self._records[digest] = (record, until)
        heappush(self._ends, (until, digest))
        self._bytes += _size(record)
        while self._bytes > self._most and self._records:
            self._drop(self._least_missed())

    def _drop(self, digest: str) -> None:
        if digest in self._records:
            record, _ = self._records.pop(digest)
            self._bytes -= _size(record)

    def _drop_ended(self) -> None:
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            until, digest = heappop(self._ends)
            if digest in self._records and self._records[digest][1] == until:
                self._drop(digest)
        if len(self._ends) > 2 * len(self._records) + SPARE_ENDS:
            self._ends = [(until, digest) for digest, (_, until) in self._records.items()]
            heapify(self._ends)

    def _least_missed(self) -> str:
        finished = (digest for digest, (record, _) in self._records.items() if not record.startswith("F"))
        return next(finished, None) or next(iter(self._records))


def _size(record: str) -> int:
    return sys.getsizeof(record) + AROUND_BYTES
