"""Usage without its user: records lose what names them, totals are added to nobody's. Sums stay what they were.

Whoever reads the log while this goes on must not bring the name back: roll-ups are ahead of every record that is
rewritten, so one that had read it before finds its cursor moved; a sweep finds its place written anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import orjson

from lib.ai.observability.log import DAY_SECONDS, UsageLog, position
from lib.ai.observability.record import NOBODY, UsageRecord
from lib.ai.observability.sweep import place_in
from lib.ai.observability.totals import COUNTERS, LATENCY_BIT, WIDTH
from lib.ai.privacy.places import Places
from lib.errors import StoreError
from lib.json_text import parse
from lib.kv.keys import day_of
from lib.kv.lua import script
from lib.kv.replies import Command
from lib.usage_query import KEY, USER

TRIES: Final = 50
"""Times somebody else may be faster."""
LONGEST_MONTH: Final = 31


class Anonymiser:
    """Methods raise StoreError and may be repeated: what is done already is not done again."""

    def __init__(self, places: Places, log: UsageLog) -> None:
        self._places = places
        self._log = log
        self._set = script("set_lines")
        self._replace = script("replace")
        self._fold = script("fold")

    async def records(self, person: str) -> int:
        """Rewrite the records of all days, the number of them; the sweep's notes as well."""
        keys, shard, days = self._places.keys, self._places.keys.shard(person), self._places.days()
        lengths = await self._places.all(*(("LLEN", keys.log(day, shard)) for day in days))
        changed = 0
        for day, length in zip(days, lengths, strict=True):
            if isinstance(length, int) and length:
                await self._rolled_up(day, shard, length)
                changed += await self._rewrite(keys.log(day, shard), person)
        await self._sweep(shard, person)
        return changed

    async def _rolled_up(self, day: str, shard: int, length: int) -> None:
        for _ in range(TRIES):
            await self._log.roll_up(day, shard)
            if position(await self._places.store.run("GET", self._places.keys.cursor(day, shard))) >= length:
                return
        raise StoreError("a usage log could not be rolled up")

    async def _rewrite(self, key: str, person: str) -> int:
        changed = 0
        async for lines in self._places.lines(key, person):
            pieces = [piece for place, line in lines.items() for piece in (place, nobodys(line))]
            await self._places.store.run("EVAL", self._set, 1, key, *pieces)
            changed += len(lines)
        return changed

    async def _sweep(self, shard: int, person: str) -> None:
        key, seconds = self._places.keys.sweep(shard), self._log.retention.log_seconds + DAY_SECONDS
        for _ in range(TRIES):
            text = await self._places.store.run("GET", key)
            before = text if isinstance(text, str) else ""
            after = without(before, person)
            if await self._places.store.run("EVAL", self._replace, 1, key, before, after, seconds) == 1:
                return
        raise StoreError("the place of a sweep changes faster than it can be read")

    async def totals(self, person: str, key_ids: list[str]) -> int:
        """Add a user's totals to nobody's, and drop those of their API keys; the number of months with any."""
        keys, months = self._places.keys, self._months()
        folded = await self._places.all(*(self._fold_command(person, month) for month in months))
        for month in months:
            views = [keys.view(KEY, key_id, month) for key_id in key_ids]
            if views:
                await self._places.all(("DEL", *views), ("ZREM", keys.ranking(KEY, month), *key_ids))
        return sum(reply for reply in folded if isinstance(reply, int))

    def _months(self) -> list[str]:
        now, days = self._places.clock.now(), self._log.retention.totals_days + LONGEST_MONTH
        return list(dict.fromkeys(day_of(now - back * DAY_SECONDS)[:6] for back in range(-1, days)))

    def _fold_command(self, person: str, month: str) -> Command:
        keys = self._places.keys
        rankings = [keys.ranking(USER, month)]
        rankings += [keys.ranking(USER, f"{month}{day:02}") for day in range(1, days_in(month) + 1)]
        views = (keys.user_month(person, month), keys.user_month(NOBODY, month))
        lifetime = self._log.retention.totals_seconds
        scores = (LATENCY_BIT // 8, WIDTH, COUNTERS.index("cost_micro_usd"))
        named = (*views, *rankings)
        return ("EVAL", self._fold, len(named), *named, person, NOBODY, lifetime, *scores)


def days_in(month: str) -> int:
    """Of a month as `202611`."""
    year, number = int(month[:4]), int(month[4:])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return (following - datetime(year, number, 1, tzinfo=UTC)).days


def nobodys(line: str) -> str:
    """A record without what names its user, or tells what was asked. What a script reads of it stays as it was."""
    try:
        record = parse(line)
    except ValueError:
        return ""
    if not isinstance(record, dict):
        return ""
    told = ("tags", "key", "c", "d")
    return orjson.dumps({name: v for name, v in record.items() if name not in told} | {"u": NOBODY}).decode()


def without(text: str, person: str) -> str:
    """The place of a sweep without this user; never the same text."""
    place = place_in(text)
    if place is None:
        return text.rstrip() + " " * (1 - text.endswith(" "))
    opened = {name: _nobodys(record, person) for name, record in place.open.items()}
    after = replace(place, open=opened).encode()
    return after + " " if after == text else after


def _nobodys(record: UsageRecord, person: str) -> UsageRecord:
    if record.person != person:
        return record
    return replace(record, person=NOBODY, tags=(), key_id="", answer_digest="", duplicate_digest="")
