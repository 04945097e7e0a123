"""Records that come late: from a process log, or from an instance that was cut off until after they were given up.

A lost record whose request's own record is there after all is taken back by one that subtracts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from lib.ai.observability.log import READ_AT_ONCE, records_in
from lib.ai.observability.record import ABOUT_OTHERS, FOUND, LOST, UsageRecord, encode
from lib.kv.keys import LOG_SHARDS, Keys, day_of
from lib.kv.lua import script
from lib.kv.retention import RETENTION, Retention
from lib.kv.store import Store

IMPORTED: Final = "imported"


class Latecomers:
    """Puts late records where they belong, each once. Methods raise StoreError."""

    def __init__(self, store: Store, keys: Keys, retention: Retention = RETENTION) -> None:
        self._kept_seconds = retention.log_seconds
        self._store = store
        self._keys = keys
        self._script = script("append_once")

    async def bring_in(self, records: Iterable[UsageRecord], days: Collection[str]) -> list[UsageRecord]:
        """Append what the log lacks; what was appended. `days` are those whose lists still count."""
        by_list: defaultdict[tuple[str, int], dict[str, UsageRecord]] = defaultdict(dict)
        for record in records:
            if (day := day_of(record.at)) in days:
                by_list[day, self._keys.shard(record.person)][record.request_id] = record
        appended: list[UsageRecord] = []
        for (day, shard), wanted in by_list.items():
            async with aclosing(self.records(day, shard)) as present:
                async for record in present:
                    if record.kind not in ABOUT_OTHERS:
                        wanted.pop(record.request_id, None)
            appended += [record for record in wanted.values() if await self._append_once(IMPORTED, record)]
        return appended

    async def take_back(self, days: Sequence[str]) -> list[UsageRecord]:
        """Take back the lost records of these days that have been closed after all; what was written for it."""
        written: list[UsageRecord] = []
        for shard in range(LOG_SHARDS):
            lost = {r.request_id: r async for r in self._all(days, shard) if r.kind == LOST}
            closed = await self._closed(lost, days, shard) if lost else ()
            found = [replace(record, kind=FOUND) for name, record in lost.items() if name in closed]
            written += [record for record in found if await self._append_once(FOUND, record)]
        return written

    async def _closed(self, names: Collection[str], days: Sequence[str], shard: int) -> set[str]:
        """Which of these requests have a record of their own."""
        records = self._all(days, shard)
        return {r.request_id async for r in records if r.request_id in names and r.kind not in ABOUT_OTHERS}

    async def records(self, day: str, shard: int, until: int | None = None) -> AsyncGenerator[UsageRecord, None]:
        """A list's records, the first `until` lines only where that is given."""
        begin = 0
        while until is None or begin < until:
            end = begin + READ_AT_ONCE if until is None else min(until, begin + READ_AT_ONCE)
            lines = await self._store.run("LRANGE", self._keys.log(day, shard), begin, end - 1)
            if not isinstance(lines, list) or not lines:
                return
            for record in records_in(lines):
                yield record
            begin += len(lines)

    async def _all(self, days: Sequence[str], shard: int) -> AsyncGenerator[UsageRecord, None]:
        for day in days:
            async with aclosing(self.records(day, shard)) as records:
                async for record in records:
                    yield record

    async def _append_once(self, kind: str, record: UsageRecord) -> bool:
        mark = self._keys.booked_once(kind, record.request_id)
        log = self._keys.log(day_of(record.at), self._keys.shard(record.person))
        return await self._store.run("EVAL", self._script, 2, mark, log, encode(record), self._kept_seconds) == 1
