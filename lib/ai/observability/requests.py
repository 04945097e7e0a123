"""Recent requests, newest first, a page at a time: read from the usage log, whose lists are nearly in order of time."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lib.ai.observability.log import DAY_SECONDS, records_in
from lib.ai.observability.record import HITS, UsageRecord, shows
from lib.ai.observability.stats import event_of
from lib.answer import Attempt
from lib.clock import Clock
from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.kv.keys import LOG_SHARDS, Keys, day_of
from lib.kv.retention import RETENTION, Retention
from lib.kv.store import Store
from lib.usage_query import RequestFilter

PIECE: Final = 64
"""Records of one list that are read at once."""
LOOKED_THROUGH: Final = 4_096
"""Records of a page that are looked at, whether they match or not."""
DAYS_AT_ONCE: Final = 4
"""Days that one page goes back at most; the next one goes on."""
MARK: Final = re.compile(rf"(20[0-9]{{6}})((?:-[0-9]{{1,9}}){{{LOG_SHARDS}}})?", re.ASCII)


@dataclass(slots=True)
class _List:
    """What is left of one list: `left` records that have not been read, and those that have, newest first."""

    left: int
    read: deque[UsageRecord | None] = field(default_factory=deque["UsageRecord | None"])

    @property
    def unseen(self) -> int:
        """Records that no page has told of."""
        return self.left + len(self.read)

    @property
    def newest(self) -> float:
        """When the next record was written; a line that is no record counts as new, to be passed over at once."""
        head = self.read[0]
        return head.at if head else float("inf")


class RecentRequests:
    """Reads pages. Raises StoreError."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, retention: Retention = RETENTION) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._days = retention.log_days

    async def page(self, wanted: RequestFilter) -> JsonObject:
        """Matching requests and, under `next`, what continues after them; None where there is nothing more.

        A page may hold fewer than were asked for, even none, while there is more. Raises InvalidRequest for a bad mark.
        """
        day, lists = await self._begin(wanted)
        found: list[UsageRecord] = []
        looked, days, undone = 0, 1, set[tuple[str, str]]()
        while len(found) < wanted.most and looked < LOOKED_THROUGH:
            await self._fill(day, lists)
            filled = [each for each in lists if each.read]
            if filled:
                record = max(filled, key=lambda each: each.newest).read.popleft()
                looked += 1
                found += self._told(record, wanted, undone)
                continue
            before = day_before(day, self._clock.now(), self._days)
            if before is None:
                return _page(found, None)
            if days == DAYS_AT_ONCE:
                return _page(found, mark(before, None))
            day, days, lists = before, days + 1, await self._lists(before, wanted)
        return _page(found, mark(day, [each.unseen for each in lists]))

    def _told(
        self, record: UsageRecord | None, wanted: RequestFilter, undone: set[tuple[str, str]]
    ) -> tuple[UsageRecord, ...]:
        """The record, if it is one to be told of."""
        told = record is not None and shows(record, undone) and matches(record, wanted, self._keys)
        return (record,) if record and told else ()

    async def _begin(self, wanted: RequestFilter) -> tuple[str, list[_List]]:
        if not wanted.before:
            today = day_of(self._clock.now())
            return today, await self._lists(today, wanted)
        given = MARK.fullmatch(wanted.before)
        if given is None:
            raise InvalidRequest("before must be what an earlier answer gave as next", param="before")
        day, places = given[1], given[2]
        return day, [_List(int(n)) for n in places[1:].split("-")] if places else await self._lists(day, wanted)

    async def _lists(self, day: str, wanted: RequestFilter) -> list[_List]:
        """The lists of a day; of one user's requests only their own is read."""
        only = self._keys.shard(self._keys.person(wanted.user_id)) if wanted.user_id else None
        lengths = await self._store.run_many([("LLEN", self._keys.log(day, shard)) for shard in range(LOG_SHARDS)])
        found: list[_List] = []
        for shard, length in enumerate(lengths):
            if isinstance(length, Exception):
                raise length
            found.append(_List(length if isinstance(length, int) and only in (None, shard) else 0))
        return found

    async def _fill(self, day: str, lists: Sequence[_List]) -> None:
        """Read on where everything read has been looked at."""
        empty = [(shard, each) for shard, each in enumerate(lists) if not each.read and each.left]
        if not empty:
            return
        commands = [
            ("LRANGE", self._keys.log(day, shard), max(0, each.left - PIECE), each.left - 1) for shard, each in empty
        ]
        for (_, each), lines in zip(empty, await self._store.run_many(commands), strict=True):
            if isinstance(lines, Exception):
                raise lines
            texts = lines if isinstance(lines, list) else []
            records = [next(iter(records_in([line])), None) for line in reversed(texts)]
            each.read, each.left = deque(records), max(0, each.left - PIECE)


def matches(record: UsageRecord, wanted: RequestFilter, keys: Keys) -> bool:
    """Whether a record is one of those asked for."""
    asked = (
        (wanted.user_id and keys.person(wanted.user_id), record.person),
        (wanted.person, record.person),
        (wanted.model, record.model),
        (wanted.key_id, record.key_id),
        (wanted.tag, wanted.tag if wanted.tag in record.tags else ""),
        (wanted.error, "any" if wanted.error == "any" and record.error else record.error),
    )
    return all(not name or name == found for name, found in asked)


def day_before(day: str, now: float, days: int) -> str | None:
    """The day before, if its records are still kept."""
    kept = [day_of(now - n * DAY_SECONDS) for n in range(days + 1)]
    return next((each for each in kept if each < day), None)


def mark(day: str, left: Iterable[int] | None) -> str:
    """Where the next page begins: the day, and how much of each list is left."""
    return "-".join([day, *map(str, left or ())])


def _page(found: Sequence[UsageRecord], following: str | None) -> JsonObject:
    return {"requests": [detailed(record) for record in found], "next": following}


def detailed(record: UsageRecord) -> JsonObject:
    """One request with its tries and why its model was chosen, for the operator."""
    tries = record.tries or _only_try(record)
    answered = record.cost_micro_usd - record.wasted_micro_usd
    return {
        **event_of(record),
        "user": record.person,
        "routing": record.reason or None,
        "costSplit": {"answer": answered / 1_000_000, "wasted": record.wasted_micro_usd / 1_000_000},
        "tries": [_shown(attempt) for attempt in tries],
    }


def _only_try(record: UsageRecord) -> tuple[Attempt, ...]:
    """What a record need not say of the one try that went well."""
    if record.kind in HITS or record.attempts != 1 or record.error:
        return ()
    return (Attempt(record.model, "ok", 200, record.latency_ms, record.cost_micro_usd),)


def _shown(attempt: Attempt) -> Json:
    return {
        "model": attempt.model,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "ms": attempt.milliseconds,
        "cost": attempt.cost_micro_usd / 1_000_000,
    }
