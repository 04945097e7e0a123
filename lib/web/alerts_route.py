"""GET /api/ai/admin/alerts: what has been noticed, and who was told. POST: an alert to try the channels with."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, Protocol

from lib.contract import Json, JsonObject
from lib.errors import StoreError
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.stats_query import whole_number
from lib.web.stats_route import unreadable

MOST: Final = 500


class AlertList(Protocol):
    """What the route asks. Methods raise StoreError."""

    @property
    def channels(self) -> tuple[str, ...]:
        """How people are told."""
        ...

    def latest(self, most: int) -> Awaitable[list[Json]]:
        """The newest first."""
        ...

    def test(self) -> Awaitable[JsonObject]:
        """Raise an alert that says nothing, and what became of it."""
        ...


@dataclass(frozen=True, slots=True)
class AlertsRoute:
    """For the operator alone. `?limit=`."""

    alerts: AlertList
    access: Access

    async def __call__(self, call: Call) -> Reply:
        """Raises AuthenticationFailed, PermissionDenied, InvalidRequest, Overloaded."""
        self.access.require_admin(call.headers)
        try:
            if call.method == "POST":
                return Reply(await self.alerts.test())
            found = await self.alerts.latest(whole_number(call.query(), "limit", 50, MOST))
        except StoreError as error:
            raise unreadable(error) from error
        channels: list[Json] = list(self.alerts.channels)
        return Reply({"alerts": found, "channels": channels})
