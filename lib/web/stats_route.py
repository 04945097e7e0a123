"""GET /api/ai/stats: usage totals for the operator, by day, month, model or user."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from lib.contract import JsonObject
from lib.errors import GatewayError, InvalidRequest, Overloaded, StoreError
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply

DAY: Final = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)", re.ASCII)
MONTH: Final = re.compile(r"(20\d\d)-?(\d\d)", re.ASCII)


class Stats(Protocol):
    """What the route asks."""

    async def get_daily_stats(self, day: str | None = None) -> JsonObject:
        """A day, in all and by model."""
        ...

    async def get_monthly_stats(self, month: str | None = None) -> JsonObject:
        """A month, in all and by model."""
        ...

    async def get_model_stats(self, model: str, day: str | None = None) -> JsonObject:
        """One model's day."""
        ...

    async def get_user_usage(self, user_id: str) -> JsonObject:
        """One user's totals and latest requests."""
        ...


async def nothing() -> None:
    """For records that are always up to date."""


@dataclass(frozen=True, slots=True)
class StatsRoute:
    """`?user=`, `?model=&date=`, `?month=` or `?date=` (UTC; default today)."""

    stats: Stats
    access: Access
    first: Callable[[], Awaitable[None]] = nothing
    """Brings the records up to date where that is due."""

    async def __call__(self, call: Call) -> Reply:
        """The totals asked for. Raises AuthenticationFailed, InvalidRequest, Overloaded."""
        self.access.require_admin(call.headers)
        query = call.query()
        day, month = dated(query, "date", DAY), dated(query, "month", MONTH)
        try:
            await self.first()
            return Reply(await self._read(query, day, month))
        except StoreError as error:
            raise unreadable(error) from error

    async def _read(self, query: dict[str, str], day: str | None, month: str | None) -> JsonObject:
        if user := query.get("user"):
            return await self.stats.get_user_usage(user)
        if model := query.get("model"):
            return await self.stats.get_model_stats(model, day)
        if month:
            return await self.stats.get_monthly_stats(month)
        return await self.stats.get_daily_stats(day)


def dated(query: dict[str, str], name: str, form: re.Pattern[str]) -> str | None:
    """A date parameter without its dashes, or None. Raises InvalidRequest naming it."""
    given = query.get(name)
    if not given:
        return None
    found = form.fullmatch(given)
    if found is None or not is_date(found.groups()):
        raise InvalidRequest(f"{name} must look like {'2026-11-24' if name == 'date' else '2026-11'}", param=name)
    return "".join(found.groups())


def is_date(parts: Sequence[str]) -> bool:
    """Whether year, month and day, or year and month, are in the calendar."""
    year, month, day = map(int, (*parts, "1")[:3])
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def unreadable(error: StoreError) -> GatewayError:
    """The KV could not be read: nothing else knows the totals."""
    return Overloaded(
        "usage cannot be read at the moment: the store does not answer", retry_after=5.0, detail=str(error)
    )
