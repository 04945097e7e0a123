"""Whether the stored totals are those of the records, view by view."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lib.ai.observability.late import Latecomers
from lib.ai.observability.log import UsageLog, logged_days
from lib.ai.observability.sweep import end_of
from lib.ai.observability.totals import COUNTERS, Totals, as_totals, names_of, read_block, totals_of
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import LOG_SHARDS, Keys, day_of
from lib.kv.replies import Reply
from lib.kv.store import Store
from lib.usage_query import KEY, WITH_HOURS

TRIES: Final = 5
"""Times the log is read anew because somebody rolled up meanwhile."""


@dataclass(frozen=True, slots=True)
class Books:
    """Totals by the key of their view, as the records say and as they are stored."""

    counted: Mapping[str, Totals]
    stored: Mapping[str, Totals]
    sums: Mapping[str, Totals]
    """Over all users, models, tasks, tiers and days of the present month, as stored."""

    def differences(self) -> list[str]:
        """What does not agree, one line each; empty when the books balance."""
        found = [
            f"{key}: {name} is {getattr(stored, name)}, the records say {getattr(self.counted[key], name)}"
            for key, stored in self.stored.items()
            for name in COUNTERS
            if getattr(stored, name) != getattr(self.counted[key], name)
        ]
        for name in COUNTERS:
            values = {what: getattr(totals, name) for what, totals in self.sums.items()}
            if len(set(values.values())) > 1:
                found.append(f"sums of {name} differ: {', '.join(f'{what} {n}' for what, n in values.items())}")
        return found


@dataclass(slots=True)
class _Views:
    """Keys of the views and what they should hold."""

    counted: defaultdict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))
    of_the_month: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Views of the present month whose sums must be equal: months by user, model, …, and the days by each."""


class Auditor:
    """Reads the records still held and the views they were added to."""

    def __init__(self, store: Store, keys: Keys, log: UsageLog, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._log = log
        self._clock = clock
        self._lists = Latecomers(store, keys)

    def days(self, day: str | None = None) -> list[str]:
        """The days looked at: all that are held in full, or the one."""
        return [day] if day else logged_days(self._clock.now(), self._log.retention)[1:]

    async def read(self, day: str | None = None) -> Books:
        """Roll up, then read. Raises StoreError, also when others keep adding up while the log is read."""
        days = self.days(day)
        lists = [*days, day_after(days[-1])]  # clocks differ: a record may lie in the list of the day after
        for _ in range(TRIES):
            await self._log.roll_up_days(lists)
            before = await self._cursors(lists)
            views = await self._count(days, before)
            stored = await self._stored(list(views.counted))
            if await self._cursors(lists) == before:
                return self._books(views, stored)
        raise StoreError("others add the log up faster than it can be read; try again when there is less traffic")

    async def _count(self, days: Sequence[str], cursors: Mapping[tuple[str, int], int]) -> _Views:
        month, views, wanted = day_of(self._clock.now())[:6], _Views(), frozenset(days)
        in_full = len(days) > 1 and days[0] <= f"{month}01"
        for (listed, shard), rolled in cursors.items():
            async for record in self._lists.records(listed, shard, rolled):
                day, totals = day_of(record.at), totals_of(record)
                if totals == Totals():
                    continue
                present = day[:6] == month and in_full
                for what, name in names_of(record):
                    periods = [day] if what in WITH_HOURS and day in wanted else []
                    for period in (*periods, month) if present else periods:
                        key = self._keys.view(what, name, period)
                        views.counted[key] += totals
                        if present and what != KEY:
                            views.of_the_month[f"{what} {'months' if period == month else 'days'}"].add(key)
        return views

    async def _stored(self, keys: Sequence[str]) -> dict[str, Totals]:
        replies = await self._store.run_many([read_block(key) for key in keys])
        return {key: as_totals(_numbers(reply)) for key, reply in zip(keys, replies, strict=True)}

    async def _cursors(self, days: Sequence[str]) -> dict[tuple[str, int], int]:
        lists = [(day, shard) for day in days for shard in range(LOG_SHARDS)]
        replies = await self._store.run("MGET", *(self._keys.cursor(*each) for each in lists))
        known = replies if isinstance(replies, list) else []
        return {each: int(str(cursor or 0)) for each, cursor in zip(lists, known, strict=True)}

    @staticmethod
    def _books(views: _Views, stored: Mapping[str, Totals]) -> Books:
        sums = {what: sum((stored[key] for key in keys), Totals()) for what, keys in sorted(views.of_the_month.items())}
        return Books(views.counted, stored, sums)


def day_after(day: str) -> str:
    """The next UTC day."""
    return day_of(end_of(day))


def _numbers(reply: Reply | StoreError) -> list[int]:
    if isinstance(reply, StoreError):
        raise reply
    return [n for n in reply if isinstance(n, int)] if isinstance(reply, list) else []
