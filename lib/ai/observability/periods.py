"""Usage over a range of time, as rows: by hour, day or month, and by what it was for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from lib.ai.observability.shown import Timed
from lib.ai.observability.totals import UNKNOWN, Totals
from lib.ai.observability.views import Views
from lib.kv.keys import Keys
from lib.usage_query import ALL, HOUR, KEY, MONTH, OTHERS, USER, WITH_HOURS, UsageQuery

NAMELESS: Final = "none"
"""How a row is named whose requests came to no model, task or tier."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Usage of a period and a name, before it is shown."""

    period: str
    name: str
    timed: Timed


class UsageReader:
    """Reads rows from the totals. Raises StoreError."""

    def __init__(self, views: Views, keys: Keys) -> None:
        self._views = views
        self._keys = keys

    async def spells(self, query: UsageQuery, today: str) -> AsyncGenerator[Spell, None]:
        """All rows, a month's work at a time. Without a group each period has one, otherwise only what was used."""
        days = days_between(query.first, min(query.last, today))
        for month, of_month in groupby(days, key=lambda day: day[:6]):
            for spell in await self._month(query, month, list(of_month)):
                yield spell

    async def _month(self, query: UsageQuery, month: str, days: Sequence[str]) -> list[Spell]:
        if query.user_id:
            return await self._persons(query, month, days)
        if query.granularity == MONTH:
            return await self._period(query, month)
        if query.granularity == HOUR:
            return [row for day in days for row in await self._hours(query, day)]
        if query.group_by in WITH_HOURS:
            return await self._days(query, month, days)
        return [row for day in days for row in await self._day_of_many(query, day)]

    async def _persons(self, query: UsageQuery, month: str, days: Sequence[str]) -> list[Spell]:
        blocks = (0,) if query.granularity == MONTH else tuple(int(day[6:]) for day in days)
        (found,) = await self._views.blocks([self._keys.user_month(self._keys.person(query.user_id), month)], blocks)
        periods = (month,) if query.granularity == MONTH else days
        return [Spell(dashed(p), "", Timed(totals)) for p, totals in zip(periods, found, strict=True)]

    async def _period(self, query: UsageQuery, month: str) -> list[Spell]:
        names = await self._names(query, month, month)
        views = [self._keys.view(query.group_by, name, month) for name in names]
        if query.group_by in WITH_HOURS:
            return list(rows_of(month, names, await self._views.timed(views)))
        (whole,), found = await self._views.wholes([self._keys.view(ALL, "", month)]), await self._views.wholes(views)
        return list(rows_of(month, names, (Timed(totals) for totals in found), whole))

    async def _days(self, query: UsageQuery, month: str, days: Sequence[str]) -> list[Spell]:
        names = await self._names(query, month, month)
        found = await self._views.timed([self._keys.view(query.group_by, name, day) for day in days for name in names])
        n = len(names)
        return [row for i, day in enumerate(days) for row in rows_of(day, names, found[i * n : (i + 1) * n])]

    async def _hours(self, query: UsageQuery, day: str) -> list[Spell]:
        names = await self._names(query, day[:6], day[:6])
        views = [self._keys.view(query.group_by, name, day) for name in names]
        found = await self._views.blocks(views, range(1, 25))
        hours = ((f"{day}T{hour:02}", [Timed(blocks[hour]) for blocks in found]) for hour in range(24))
        return [row for period, timed in hours for row in rows_of(period, names, timed)]

    async def _day_of_many(self, query: UsageQuery, day: str) -> list[Spell]:
        """A day by user or key, whose days are blocks of their months."""
        month, block = day[:6], (int(day[6:]),)
        names = await self._names(query, month, day)
        views = [self._keys.view(ALL, "", month), *(self._keys.view(query.group_by, name, month) for name in names)]
        (whole,), *found = await self._views.blocks(views, block)
        return list(rows_of(day, names, (Timed(totals) for (totals,) in found), whole))

    async def _names(self, query: UsageQuery, month: str, day: str) -> Sequence[str]:
        if query.group_by == ALL:
            return ("",)
        if query.group_by == USER:
            return await self._views.names(USER, day, query.most)
        return await self._views.names(query.group_by, month, query.most if query.group_by == KEY else None)


def rows_of(period: str, names: Sequence[str], found: Iterable[Timed], whole: Totals | None = None) -> Iterator[Spell]:
    """The rows of one period; with the `whole`, one for what the others lack of it."""
    rest = whole or Totals()
    for name, timed in zip(names, found, strict=True):
        rest = rest - timed.totals if whole else rest
        if timed.totals.requests or not name:
            yield Spell(dashed(period), NAMELESS if name == UNKNOWN else name, timed)
    if rest.requests > 0:
        yield Spell(dashed(period), OTHERS, Timed(rest))


def dashed(period: str) -> str:
    """`20261124T13`, `20261124` or `202611` as people write it."""
    day, _, hour = period.partition("T")
    date = "-".join(part for part in (day[:4], day[4:6], day[6:]) if part)
    return f"{date}T{hour}:00Z" if hour else date


def days_between(first: str, last: str) -> list[str]:
    """All days from the first to the last."""
    begin, end = (datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) for day in (first, last))
    return [(begin + timedelta(days=n)).strftime("%Y%m%d") for n in range((end - begin).days + 1)]
