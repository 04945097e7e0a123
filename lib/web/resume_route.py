"""GET and DELETE /api/ai/v2/chat/{id}/stream: come back to the answer of a chat, or have it ended.

AI SDK's `resumeStream` asks for the first: the whole stream from its start, then live to its end; 204 where there is
nothing to come back to, whosever it is. Closing the connection does not end the answer, so that is asked for by name.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, Protocol

from lib.answer import Event
from lib.clock import Clock
from lib.errors import NotFound, Overloaded, StoreError
from lib.web.access import Access
from lib.web.asgi import Call, RawHeader
from lib.web.chat_route import ChatRules
from lib.web.encode_ui import UIEncoder, style_of
from lib.web.encoders import encode
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.hangup import WhileConnected
from lib.web.headers import header_value
from lib.web.keep_alive import KeepAlive

LONGEST_ID: Final = 256


class Resumed(Protocol):
    """A stream that is kept."""

    @property
    def note(self) -> str:
        """What its encoder has to know."""
        ...

    def events(self, deadline: float) -> AsyncGenerator[Event, None]:
        """From the start to the end. Raises GatewayError where it ends in one."""
        ...


class Streams(Protocol):
    """The streams that users may come back to. Every method raises StoreError."""

    async def find(self, user_id: str, chat_id: str) -> Resumed | None:
        """The latest answer of this user's chat."""
        ...

    async def stop(self, user_id: str, chat_id: str) -> None:
        """End it, if it is under way."""
        ...


class ResumeRoute:
    """Everything below `base`. `streams` is None where none are kept."""

    def __init__(self, base: str, streams: Streams | None, access: Access, clock: Clock, rules: ChatRules) -> None:
        self._base = base
        self._streams = streams
        self._access = access
        self._clock = clock
        self._rules = rules

    def app(self, ids: Callable[[], str]) -> Endpoint:
        """The route as an ASGI app; `ids` gives a fresh request id."""
        rules = EndpointRules(methods=("GET", "DELETE"), cors=self._rules.cors, at_once=self._rules.at_once)
        return Endpoint(self._handle, ids, rules)

    async def _handle(self, call: Call) -> None:
        chat_id, _, last = call.path.rstrip("/").removeprefix(f"{self._base}/").rpartition("/")
        if last != "stream" or not chat_id:
            raise NotFound("There is nothing at this address.")
        caller = await self._access.identify(call.headers, peer=call.peer)
        if self._streams is None or len(chat_id) > LONGEST_ID:
            await _nothing(call)
        elif call.method == "DELETE":
            await self._stop(call, self._streams, caller.user_id, chat_id)
        else:
            await self._resume(call, self._streams, caller.user_id, chat_id)

    async def _stop(self, call: Call, streams: Streams, user_id: str, chat_id: str) -> None:
        try:
            await streams.stop(user_id, chat_id)
        except StoreError as error:
            raise Overloaded("the answer cannot be stopped at the moment; try again soon", retry_after=1.0) from error
        await _nothing(call)

    async def _resume(self, call: Call, streams: Streams, user_id: str, chat_id: str) -> None:
        deadline = self._rules.deadline(self._clock.now())
        try:
            found = await streams.find(user_id, chat_id)
        except StoreError:
            await _nothing(call, (b"x-ai-degraded", b"kv"))
            return
        if found is None:
            await _nothing(call)
            return
        encoder = UIEncoder(style_of(found.note))
        async with WhileConnected(call.receive):
            await call.wire.start(200, [*encoder.headers, _request_id(call)], encoder.failed)
            if call.method == "HEAD":
                await call.wire.end()
                return
            async with (
                KeepAlive(call.wire, self._clock, self._rules.keep_alive_seconds) as wire,
                aclosing(found.events(deadline)) as events,
                aclosing(encode(events, encoder)) as pieces,
            ):
                async for piece in pieces:
                    await wire.chunk(piece)
        await call.wire.end()


async def _nothing(call: Call, *headers: RawHeader) -> None:
    await call.wire.start(204, [(b"cache-control", b"no-store"), _request_id(call), *headers])
    await call.wire.end()


def _request_id(call: Call) -> RawHeader:
    return (b"x-request-id", header_value(call.request_id))
