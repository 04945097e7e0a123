"""GET /api/ai/test-rate-limit and /api/ai/test-cache: limits and store at work. Off in production by default."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lib.contract import Json, JsonObject
from lib.errors import NotFound, StoreError
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.simple_window import Guard
from lib.web.stats_route import unreadable


@dataclass(frozen=True, slots=True)
class DiagnosticsRoute:
    """`guard` makes the limiter on first use, so that nothing else pays for its import."""

    access: Access
    enabled: bool
    guard: Callable[[], Guard]
    person: Callable[[str], str]
    """A user id as the KV may know it."""
    try_cache: Callable[[], Awaitable[JsonObject]]

    async def rate_limit(self, call: Call) -> Reply:
        """One call counts one against the caller's own window of the test route."""
        caller = await self._caller(call)
        try:
            answer = await self.guard().limit(self.person(caller))
        except StoreError as error:
            raise unreadable(error) from error
        body: dict[str, Json] = {
            "allowed": answer.allowed,
            "limit": answer.limit,
            "remaining": answer.remaining,
            "reset": round(answer.reset, 3),
        }
        return Reply(body, 200 if answer.allowed else 429)

    async def cache(self, call: Call) -> Reply:
        """Write, read and remove an entry, and say how long each took."""
        await self._caller(call)
        try:
            return Reply(await self.try_cache())
        except StoreError as error:
            raise unreadable(error) from error

    async def _caller(self, call: Call) -> str:
        if not self.enabled:
            raise NotFound("There is nothing at this address.")
        return (await self.access.identify(call.headers, peer=call.peer)).user_id
