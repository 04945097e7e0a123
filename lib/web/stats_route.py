"""GET /api/ai/stats: usage, everything for the operator and their own for users; as JSON or CSV."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeAlias

from lib.clock import Clock
from lib.contract import CallerKind, Json, JsonObject
from lib.errors import AuthenticationFailed, GatewayError, InvalidRequest, Overloaded, PermissionDenied, StoreError
from lib.usage_query import ALL, UsageQuery, UsageRow
from lib.web.access import Access
from lib.web.asgi import Call, RawHeader
from lib.web.headers import header_value
from lib.web.json_route import Reply, send
from lib.web.stats_query import A_DAY, A_MONTH, FORMATS, OF_A_RANGE, chosen, dated, usage_query
from lib.web.usage_csv import csv_pieces

FOR_OPERATORS: Final = ("date", "month", "model", "compare", "groupBy")
"""What is told of all users together."""


class Stats(Protocol):
    """What the route asks."""

    async def get_daily_stats(self, date: str | None = None) -> JsonObject:
        """A day, in all and by model."""
        ...

    async def get_monthly_stats(self, month: str | None = None) -> JsonObject:
        """A month, in all and by model."""
        ...

    async def get_model_stats(self, model: str, date: str | None = None) -> JsonObject:
        """One model's day."""
        ...

    async def get_user_usage(self, user_id: str) -> JsonObject:
        """One user's totals and latest requests."""
        ...

    async def get_rollout_stats(self, date: str | None = None) -> JsonObject:
        """Both sides of the gradual rollout over a day."""
        ...

    async def get_usage(self, query: UsageQuery) -> JsonObject:
        """A range as one document."""
        ...

    def usage_rows(self, query: UsageQuery) -> AsyncGenerator[UsageRow, None]:
        """A range row by row."""
        ...


Section: TypeAlias = Callable[[], Awaitable[JsonObject | list[Json]]]
"""Raises StoreError."""


async def nothing() -> None:
    """For records that are always up to date."""


@dataclass(frozen=True, slots=True)
class StatsRoute:
    """Without a range: `?user=`, `?model=&date=`, `?compare=rollout&date=`, `?month=` or `?date=` (default today).

    With any of OF_A_RANGE: rows. All dates are UTC.
    """

    stats: Stats
    access: Access
    clock: Clock
    sections: Mapping[str, Section] = field(default_factory=dict[str, Section])
    """What else the operator is told with a day of all users, by its name there."""
    first: Callable[[], Awaitable[None]] = nothing
    """Brings the records up to date where that is due."""

    async def handle(self, call: Call) -> None:
        """Answer. Raises AuthenticationFailed, PermissionDenied, InvalidRequest, Overloaded."""
        query = call.query()
        user = await self._user(call, query)
        range_of = usage_query(query, self.clock.now(), user) if any(query.get(name) for name in OF_A_RANGE) else None
        as_csv = range_of is not None and chosen(query, "format", FORMATS, "json") == "csv"
        read = self._reader(query, user, range_of)
        try:
            await self.first()
            if range_of and as_csv:
                await self._csv(call, range_of)
            else:
                await send(call, Reply(await read()))
        except StoreError as error:
            raise unreadable(error) from error

    async def _user(self, call: Call, query: Mapping[str, str]) -> str:
        """The only user whose usage may be told: the caller, unless they are the operator. Empty for everybody."""
        caller = await self.access.recognise(call.headers, peer=call.peer)
        if caller.kind is CallerKind.ADMIN:
            return query.get("user", "")
        if caller.kind is CallerKind.ANONYMOUS:
            raise AuthenticationFailed("Usage is told to callers with a credential.", code="missing_credentials")
        if query.get("user", caller.user_id) != caller.user_id:
            raise PermissionDenied("The usage of other users is told to the operator only.", param="user")
        if asked := next((name for name in FOR_OPERATORS if query.get(name, "none") != "none"), None):
            raise PermissionDenied(f"{asked} is for the operator: this needs the admin token.", param=asked)
        return caller.user_id

    def _reader(
        self, query: dict[str, str], user: str, range_of: UsageQuery | None
    ) -> Callable[[], Awaitable[JsonObject]]:
        """What reads the answer, once all of the question is known to be right."""
        if range_of:
            return partial(self.stats.get_usage, range_of)
        day, month = dated(query, "date", A_DAY), dated(query, "month", A_MONTH)
        if compare := query.get("compare"):
            if compare != "rollout":
                raise InvalidRequest("compare must be rollout", param="compare")
            return partial(self.stats.get_rollout_stats, day)
        if user:
            return partial(self.stats.get_user_usage, user)
        if model := query.get("model"):
            return partial(self.stats.get_model_stats, model, day)
        if month:
            return partial(self.stats.get_monthly_stats, month)
        return partial(self._day, day)

    async def _day(self, day: str | None) -> JsonObject:
        shown = await self.stats.get_daily_stats(day)
        more: JsonObject = {name: await read() for name, read in self.sections.items()}
        return {**shown, **more}

    async def _csv(self, call: Call, query: UsageQuery) -> None:
        name = f"usage-{query.first}-{query.last}.csv"
        headers: list[RawHeader] = [
            (b"content-type", b"text/csv; charset=utf-8; header=present"),
            (b"content-disposition", f'attachment; filename="{name}"'.encode()),
            (b"cache-control", b"no-store"),
            (b"x-request-id", header_value(call.request_id)),
        ]
        group = "" if query.group_by == ALL else query.group_by
        async with aclosing(self.stats.usage_rows(query)) as rows, aclosing(csv_pieces(rows, group)) as pieces:
            async for piece in pieces:
                if not call.wire.started:  # only now, as the store may not answer
                    await call.wire.start(200, headers)
                await call.wire.chunk(piece)
        await call.wire.end()


def unreadable(error: StoreError) -> GatewayError:
    """The KV could not be read: nothing else knows the totals."""
    return Overloaded(
        "usage cannot be read at the moment: the store does not answer", retry_after=5.0, detail=str(error)
    )
