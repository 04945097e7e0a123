"""De-duplication within one instance, for the time without the KV: the same records as there, in this process."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from lib.clock import Clock
from lib.kv.deduplication import Outcome, TimedOut, outcome_of

LOOK_SECONDS: Final = 0.05
"""Waiting duplicates look this often; looking costs nothing and works from any event loop."""
REMEMBERED_BYTES: Final = 8 * 1024 * 1024
"""Of all records together; beyond it the oldest finished answer is forgotten first, then the oldest claim."""


class LocalClaims:
    """Claims, answers and errors by the digest of their request."""

    def __init__(self, clock: Clock, most_bytes: int = REMEMBERED_BYTES) -> None:
        self._clock = clock
        self._most = most_bytes
        self._records: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """Each with its end; what is written is moved to the end."""
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
        while self._records and next(iter(self._records.values()))[1] <= self._clock.now():
            self._drop(next(iter(self._records)))
        self._records[digest] = (record, until)
        self._bytes += len(record)
        if self._bytes > self._most:
            self._shrink()

    def _drop(self, digest: str) -> None:
        record, _ = self._records.pop(digest, ("", 0.0))
        self._bytes -= len(record)

    def _shrink(self) -> None:
        now = self._clock.now()
        ended = [d for d, (_, until) in self._records.items() if until <= now]
        finished = [d for d, (record, _) in self._records.items() if not record.startswith("F")]
        for digest in (*ended, *finished, *self._records.copy()):
            if self._bytes <= self._most:
                return
            self._drop(digest)
