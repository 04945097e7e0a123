"""The usage log: one append per request, rolled up into totals in batches.

Appending costs one command. Whoever appends the last record of a batch, or reads totals, rolls up; a cursor that moves
with the totals in one script makes each record count exactly once, whoever does it and however often they are killed.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lib.ai.observability.record import UNDONE, UsageRecord, decode, encode, nameless, shows
from lib.ai.observability.totals import Addition, additions
from lib.errors import StoreError, StoreUnavailable
from lib.kv.kept import with_lifetime
from lib.kv.keys import LOG_SHARDS, Keys, day_of
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.retention import RETENTION, Retention
from lib.kv.store import Store

BATCH: Final = 64
"""Records after which an append rolls up."""
READ_AT_ONCE: Final = 512
"""Records that one roll-up script adds at most."""
KEPT_WHILE_AWAY: Final = 2_000
"""Records one instance keeps while the KV is away; beyond it the oldest is only in the process log, as `unbooked …`."""
SENT_AT_ONCE: Final = 256
"""Kept records that go out with one write-back."""
MISSES: Final = 16
"""Times one roll-up finds its cursor moved before it leaves the rest to the next."""
LOOKED_THROUGH: Final = 1_000
"""Latest records of a list among which a hit that admission booked unheard is looked for."""
RANKED_AT_MOST: Final = 10_000
"""Names that a ranking keeps; who drops out of one comes back with whatever they cost next."""
DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Append:
    """Records on their way to the log, in order, and the writes that book them: one each, and lifetimes (EXPIRE)."""

    records: tuple[UsageRecord, ...]
    commands: tuple[Command, ...]

    def refuses_last(self, replies: Sequence[Reply | StoreError]) -> bool:
        """Whether the last record's write was refused; `replies` begin with those to the commands."""
        pairs = zip(self.commands, replies, strict=False)
        return isinstance([reply for command, reply in pairs if command[0] != "EXPIRE"][-1], StoreError)


class UsageLog:
    """Appends records and rolls them up."""

    def __init__(self, store: Store, keys: Keys, retention: Retention = RETENTION) -> None:
        self.retention = retention
        self._store = store
        self._keys = keys
        self._script = script("rollup")
        self._push_instead = script("nameless", "append_instead")
        self._push_script = script("nameless", "append")
        self._touched: set[str] = set()
        self._complete: set[tuple[str, int]] = set()
        self._waiting: deque[UsageRecord] = deque()
        self._perhaps_booked: set[str] = set()
        self._lines = logging.getLogger("lib.usage")

    def append(
        self, record: UsageRecord | None, *, perhaps_booked: bool = False, texts: Sequence[Command] = ()
    ) -> Append:
        """The writes that book a record, if any, and some that could not be delivered before.

        `perhaps_booked`: admission may have booked the request as a hit, which its own record then replaces.
        `texts`: SETs of what is kept with the record, which tells their names; see `outlives`.
        Whoever sends them says how it went: `after_append`, `keep` or `doubt`.
        """
        if record and perhaps_booked:
            self._perhaps_booked.add(record.request_id)
        kept = [self._waiting.popleft() for _ in range(min(len(self._waiting), SENT_AT_ONCE))]
        records = (*kept, record) if record else tuple(kept)
        commands: list[Command] = []
        for each in records:
            key = self._key_of(each)
            self._complete.discard(self._list_of(each))
            commands.append(self._push(key, each, texts if each is record else ()))
            if key not in self._touched:
                commands.append(("EXPIRE", key, self.retention.log_seconds))
                self._touched.add(key)
        return Append(records, tuple(commands))

    def outlives(self, write: Command) -> bool:
        """Whether the record of today is certain to be there for as long as what this SET keeps."""
        return with_lifetime(write)[0] <= 1000 * (self.retention.log_seconds - DAY_SECONDS)

    def _push(self, key: str, record: UsageRecord, texts: Sequence[Command]) -> Command:
        line, named = encode(record), [key, self._keys.tombstone(record.person)]
        if record.request_id not in self._perhaps_booked:
            named += [str(write[1]) for write in texts]
            kept = [part for write in texts for part in with_lifetime(write)]
            return ("EVAL", self._push_script, len(named), *named, line, *kept, *nameless(record))
        which = f'"id":"{record.request_id}"'
        return ("EVAL", self._push_instead, 2, *named, line, which, LOOKED_THROUGH, UNDONE, *nameless(record))

    async def book(self, record: UsageRecord) -> None:
        """Append a record on its own. Raises nothing: what the KV does not take is kept, or logged to be imported."""
        self._lines.info(encode(record))
        append = self.append(record)
        try:
            replies = await self._store.run_many(append.commands)
        except StoreUnavailable:
            self.keep(append.records)
        except StoreError:
            self.doubt(append.records)
        else:
            with suppress(StoreError):  # totals are added up later
                await self.after_append(append, replies)

    def keep(self, records: Iterable[UsageRecord]) -> None:
        """Keep records whose writes were certainly not executed; they go out with the next one."""
        kept = tuple(records)
        self._forget_lifetimes(kept)
        for record in kept:
            if len(self._waiting) == KEPT_WHILE_AWAY:
                self.doubt([self._waiting.popleft()])
            self._waiting.append(record)

    def doubt(self, records: Iterable[UsageRecord]) -> None:
        """It is unknown whether these were booked: they are not sent again but logged, to be imported where missing."""
        doubtful = tuple(records)
        self._forget_lifetimes(doubtful)
        for record in doubtful:
            self._perhaps_booked.discard(record.request_id)
            self._unbooked(record)

    def _forget_lifetimes(self, records: Iterable[UsageRecord]) -> None:
        self._touched.difference_update(map(self._key_of, records))

    def _unbooked(self, record: UsageRecord) -> None:
        self._lines.warning("unbooked %s", encode(record))

    @property
    def waiting(self) -> int:
        """Records kept for want of a KV."""
        return len(self._waiting)

    def _key_of(self, record: UsageRecord) -> str:
        return self._keys.log(*self._list_of(record))

    def _list_of(self, record: UsageRecord) -> tuple[str, int]:
        return day_of(record.at), self._keys.shard(record.person)

    async def after_append(self, append: Append, replies: Sequence[Reply | StoreError]) -> None:
        """Keep what was refused, roll up where a batch was filled. `replies` to its commands. Raises StoreError."""
        pairs = zip(append.commands, replies, strict=True)
        lengths = [reply for command, reply in pairs if command[0] != "EXPIRE"]
        refused: list[UsageRecord] = []
        full: list[UsageRecord] = []
        for record, length in zip(append.records, lengths, strict=True):
            if isinstance(length, StoreError):
                refused.append(record)
                continue
            self._perhaps_booked.discard(record.request_id)
            if isinstance(length, int) and length % BATCH == 0:
                full.append(record)
        self.keep(refused)
        for record in full:
            await self.roll_up(*self._list_of(record))

    async def after_hit(self, record: UsageRecord, length: int) -> None:
        """Roll up when what the admission script wrote about this request filled a batch. Raises StoreError."""
        if length and length % BATCH == 0:
            await self.roll_up(*self._list_of(record))

    async def roll_up(self, day: str, shard: int) -> int:
        """Add one list's new records to the totals; the number added by this call. Raises StoreError."""
        added = misses = 0
        while misses < MISSES:
            begin = position(await self._store.run("GET", self._keys.cursor(day, shard)))
            lines = await self._store.run("LRANGE", self._keys.log(day, shard), begin, begin + READ_AT_ONCE - 1)
            if not isinstance(lines, list) or not lines:
                return added
            adds = additions(records_in(lines), self._keys)
            moved = await self._store.run(*self._commit(day, shard, begin, len(lines), adds))
            if moved != 1:
                misses += 1  # somebody else added these, though perhaps not all; or an old cursor was read
                continue
            added += len(lines)
            if len(lines) < READ_AT_ONCE:
                break
        return added

    def _commit(self, day: str, shard: int, begin: int, count: int, adds: list[Addition]) -> Command:
        ranked = dict.fromkeys(rank.ranking for add in adds for rank in add.ranks)
        rankings = {name: place for place, name in enumerate(ranked, 1)}
        lifetimes = (self.retention.log_seconds + DAY_SECONDS, self.retention.totals_seconds)
        arguments: list[str | int] = [begin, begin + count, *lifetimes, len(adds), RANKED_AT_MOST]
        for add in adds:
            arguments.append(len(add.increments))
            for increment in add.increments:
                arguments.extend(increment)
            arguments.append(len(add.ranks))
            for rank in add.ranks:
                arguments += (rankings[rank.ranking], rank.increment, rank.name)
        keys = (self._keys.cursor(day, shard), *(add.key for add in adds), *rankings)
        return ("EVAL", self._script, len(keys), *keys, *arguments)

    async def roll_up_days(self, days: Sequence[str], shards: Sequence[int] = range(LOG_SHARDS)) -> int:
        """Add all new records of these days to the totals, the number added. Raises StoreError.

        `days` ends today or, as clocks differ, tomorrow. What this instance has seen complete of days before the last
        three is not asked for again.
        """
        open_lists = [(d, s) for d in days for s in shards if (d, s) not in self._complete]
        added = sum([await self.roll_up(day, shard) for day, shard in await self._pending(open_lists)])
        self._complete.update(pair for pair in open_lists if pair[0] not in days[-3:])
        return added

    async def _pending(self, lists: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        if not lists:
            return []
        cursors, *lengths = await self._store.run_many(
            [
                ("MGET", *(self._keys.cursor(d, s) for d, s in lists)),
                *(("LLEN", self._keys.log(d, s)) for d, s in lists),
            ]
        )
        if isinstance(cursors, StoreError):
            raise cursors
        known = cursors if isinstance(cursors, list) else [None] * len(lists)
        return [
            pair
            for pair, cursor, length in zip(lists, known, lengths, strict=True)
            if isinstance(length, int) and length > position(cursor)
        ]

    async def recent(self, person: str, day: str, most: int) -> list[UsageRecord]:
        """A user's latest records of a day, newest first. Raises StoreError."""
        lines = await self._store.run("LRANGE", self._keys.log(day, self._keys.shard(person)), -20 * most, -1)
        undone: set[tuple[str, str]] = set()
        own = (r for r in reversed(records_in(lines)) if r.person == person and shows(r, undone))
        return list(islice(own, most))


def records_in(lines: Reply) -> list[UsageRecord]:
    """The records of a piece of a list; what is no record is passed over."""
    texts = lines if isinstance(lines, list) else ()
    return [record for line in texts if isinstance(line, str) and (record := decode(line))]


def logged_days(now: float, retention: Retention = RETENTION) -> list[str]:
    """The days whose records are still in the log, ending today."""
    return [day_of(now - days * DAY_SECONDS) for days in range(retention.log_seconds // DAY_SECONDS, -1, -1)]


def position(reply: Reply) -> int:
    """A cursor as a number. Raises StoreError when it is none."""
    if reply is None:
        return 0
    if not isinstance(reply, str) or not reply.isdecimal():
        raise StoreError("the cursor of a usage log is no number")
    return int(reply)
