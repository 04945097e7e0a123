"""POST /api/ai/route: which model would answer a chat, and why, without asking one. The body is a chat's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from lib.contract import Caller, ChatRequest, JsonObject
from lib.errors import StoreError
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.body import parse_chat
from lib.web.json_route import Reply
from lib.web.simple_window import SimpleWindow


@dataclass(frozen=True, slots=True)
class RouteRoute:
    """`advise` gives the whole recommendation."""

    advise: Callable[[ChatRequest, Caller], Awaitable[JsonObject]]
    access: Access
    window: SimpleWindow
    default_model: str

    async def __call__(self, call: Call) -> Reply:
        """The recommendation. Raises what a chat that cannot be routed raises, and RateLimited."""
        caller = await self.access.recognise(call.headers, peer=call.peer)
        parsed = parse_chat(await call.body(), call.headers, self.default_model)
        caller = await self.access.entitled(caller, parsed.claim)
        with suppress(StoreError):  # nothing is spent here, so nothing is refused for want of a store
            await self.window.enter(caller.user_id)
        return Reply(await self.advise(parsed.request, caller))
