"""GET /api/ai/admin/requests: recent requests one by one, for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from lib.contract import JsonObject
from lib.errors import StoreError
from lib.usage_query import RequestFilter
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.stats_query import whole_number
from lib.web.stats_route import unreadable

MOST: Final = 200


class Requests(Protocol):
    """What the route asks."""

    async def page(self, wanted: RequestFilter) -> JsonObject:
        """Matching requests, newest first, and what continues after them."""
        ...


@dataclass(frozen=True, slots=True)
class RequestsRoute:
    """`?limit=&before=&user=|person=&model=&error=&tag=&key=`; `error=any` for all that failed."""

    requests: Requests
    access: Access

    async def __call__(self, call: Call) -> Reply:
        """A page. Raises AuthenticationFailed, PermissionDenied, InvalidRequest, Overloaded."""
        self.access.require_admin(call.headers)
        query = call.query()
        wanted = RequestFilter(
            most=whole_number(query, "limit", 50, MOST),
            before=query.get("before", ""),
            user_id=query.get("user", ""),
            person=query.get("person", ""),
            model=query.get("model", ""),
            error=query.get("error", ""),
            tag=query.get("tag", ""),
            key_id=query.get("key", ""),
        )
        try:
            return Reply(await self.requests.page(wanted))
        except StoreError as error:
            raise unreadable(error) from error
