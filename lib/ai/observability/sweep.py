"""Finding completions that were lost: requests opened in the usage log and never closed, because a function was killed.

The sweep reads each shard's lists once, in order, and remembers its place together with what is open there. Place and
lost records are written by one script that only one of several sweepers wins, so each is booked exactly once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import orjson

from lib.ai.observability.log import DAY_SECONDS, READ_AT_ONCE, UsageLog, logged_days
from lib.ai.observability.record import ABOUT_OTHERS, LOST, OPEN, UsageRecord, decode, encode
from lib.clock import Clock
from lib.errors import StoreError
from lib.json_text import value_in
from lib.kv.keys import LOG_SHARDS, Keys, day_of
from lib.kv.lua import script
from lib.kv.replies import Command
from lib.kv.store import Store

OPEN_AT_MOST: Final = 900.0
"""Seconds after which nobody closes a request any more: a function's life, and some for a store that was away."""
SWEEP_EVERY: Final = 300.0
"""Seconds between two sweeps of one instance that happen on the way of something else."""
EARLY: Final = 64
LISTS_AT_ONCE: Final = 2
"""Pieces of each shard's log that such a sweep reads."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far one shard has been read: `read` records of `day`, and what is open after them, by request id.

    `early` are the latest ids that were closed without having been open: a slow store may open them afterwards.
    """

    day: str
    read: int = 0
    open: Mapping[str, UsageRecord] = field(default_factory=dict[str, UsageRecord])
    early: tuple[str, ...] = ()

    def encode(self) -> str:
        """As it is kept; equal places have equal texts."""
        lines = [encode(record) for record in self.open.values()]
        return orjson.dumps([self.day, self.read, lines, self.early]).decode()

    def after(self, records: Iterable[UsageRecord | None], count: int) -> Place:
        """The place `count` lines on; None stands for a line that is no record."""
        still, early = dict(self.open), deque(self.early, EARLY)
        for record in records:
            if record is None or record.kind in ABOUT_OTHERS - {OPEN}:
                continue
            if record.kind != OPEN:
                if still.pop(record.request_id, None) is None:
                    early.append(record.request_id)
            elif record.request_id not in early:
                still[record.request_id] = record
        return replace(self, read=self.read + count, open=still, early=tuple(early))

    def without_overdue(self, horizon: float, seconds: float) -> tuple[Place, list[UsageRecord]]:
        """The place without what was opened `seconds` before `horizon`, up to which all records have been read."""
        overdue = [record for record in self.open.values() if record.at + seconds <= horizon]
        gone = {record.request_id for record in overdue}
        kept = {name: record for name, record in self.open.items() if name not in gone}
        return replace(self, open=kept), [lost_of(record) for record in overdue]


def lost_of(record: UsageRecord) -> UsageRecord:
    """What is booked for an open record that nobody closes."""
    return replace(record, kind=LOST, error="lost", price_known=True)


def place_in(text: str) -> Place | None:
    """A place read back; None for a text that is none."""
    match value_in(text):
        case [str(day), int(read), list(lines), list(early)]:
            records = [record for line in lines if isinstance(line, str) and (record := decode(line))]
            return Place(day, read, {record.request_id: record for record in records}, tuple(map(str, early)))
        case _:
            return None


class Sweep:
    """Books lost requests. `open_at_most` is in seconds."""

    def __init__(
        self, store: Store, keys: Keys, log: UsageLog, clock: Clock, open_at_most: float = OPEN_AT_MOST
    ) -> None:
        self._store = store
        self._keys = keys
        self._log = log
        self._clock = clock
        self._open_at_most = open_at_most
        self._kept_seconds = log.retention.log_seconds
        self._script = script("sweep")
        self._due_at = 0.0

    async def when_due(self) -> None:
        """A bounded part of a sweep, at most once in SWEEP_EVERY; a store that cannot say is left for the next time."""
        now = self._clock.monotonic()
        if now < self._due_at:
            return
        self._due_at = now + SWEEP_EVERY
        try:
            await self.run(LISTS_AT_ONCE)
        except StoreError:
            return

    async def run(self, pieces: int | None = None) -> list[UsageRecord]:
        """Sweep every shard, at most so many pieces of each. The lost records this call booked. Raises StoreError."""
        shards = range(LOG_SHARDS)
        found = await asyncio.gather(*(self._shard(shard, pieces) for shard in shards))
        lost = [record for records in found for record in records]
        for day, shard in sorted({(day_of(r.at), self._keys.shard(r.person)) for r in lost}):
            await self._log.roll_up(day, shard)
        return lost

    async def _shard(self, shard: int, pieces: int | None) -> list[UsageRecord]:
        booked: list[UsageRecord] = []
        known = await self._known(shard)
        place = place_in(known) or Place(await self._first_day_after(self._oldest_day(), shard))
        while pieces is None or pieces > 0:
            step = await self._step(place, shard)
            text = step.place.encode()
            if text != known:
                if not await self._commit(shard, known, text, step.lost):
                    return booked  # another sweeper is at work here
                booked += step.lost
            place, known = step.place, text
            if step.at_the_end:
                return booked
            pieces = pieces - 1 if pieces is not None else None
        return booked

    async def _known(self, shard: int) -> str:
        text = await self._store.run("GET", self._keys.sweep(shard))
        return text if isinstance(text, str) else ""

    async def _step(self, place: Place, shard: int) -> _Step:
        """One piece read, or the step into the next day that has records."""
        now, key = self._clock.now(), self._keys.log(place.day, shard)
        reply = await self._store.run("LRANGE", key, place.read, place.read + READ_AT_ONCE - 1)
        lines = reply if isinstance(reply, list) else []
        records = [decode(line) if isinstance(line, str) else None for line in lines]
        to_its_end, ends = len(lines) < READ_AT_ONCE, end_of(place.day)
        horizon = min(now, ends if to_its_end else latest(records))
        place, lost = place.after(records, len(lines)).without_overdue(horizon, self._open_at_most)
        if not to_its_end or now < ends + self._open_at_most:
            return _Step(place, lost, at_the_end=to_its_end)
        following = await self._first_day_after(place.day, shard)
        return _Step(replace(place, day=following, read=0), lost, at_the_end=False)

    async def _commit(self, shard: int, known: str, text: str, lost: Sequence[UsageRecord]) -> bool:
        keys = [self._keys.sweep(shard), *(self._keys.log(day_of(record.at), shard) for record in lost)]
        lifetimes = (self._kept_seconds + DAY_SECONDS, self._kept_seconds)
        command: Command = (
            "EVAL", self._script, len(keys), *keys, known, text, *lifetimes, *map(encode, lost)
        )  # fmt: skip
        return await self._store.run(*command) == 1

    def _oldest_day(self) -> str:
        return day_of(self._clock.now() - self._kept_seconds - DAY_SECONDS)

    async def _first_day_after(self, day: str, shard: int) -> str:
        """The first day after `day` that has records, today where none has."""
        held = logged_days(self._clock.now(), self._log.retention)
        days = [one for one in held if one > day] or held[-1:]
        lengths = await self._store.run_many([("LLEN", self._keys.log(one, shard)) for one in days])
        return next((one for one, n in zip(days, lengths, strict=True) if isinstance(n, int) and n > 0), days[-1])


@dataclass(frozen=True, slots=True)
class _Step:
    place: Place
    lost: list[UsageRecord]
    at_the_end: bool


def end_of(day: str) -> float:
    """The moment a UTC day ends, in seconds since the epoch."""
    return datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() + DAY_SECONDS


def latest(records: Iterable[UsageRecord | None]) -> float:
    """The time of the latest of some records."""
    return max((record.at for record in records if record is not None), default=0.0)
