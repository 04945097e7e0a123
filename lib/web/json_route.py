"""Small routes that answer with one JSON document: health, stats, diagnostics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from lib.contract import Json
from lib.web.asgi import Call, RawHeader, Receive, Scope, Send
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.errors import JSON_TYPE
from lib.web.headers import header_value


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON document and its status."""

    body: Json
    status: int = 200
    headers: tuple[RawHeader, ...] = ()


Answer: TypeAlias = Callable[[Call], Awaitable[Reply]]
"""Raises GatewayError for anything that is to be an error answer."""


class JsonEndpoint:
    """An ASGI app around a function from a request to a reply; never cached by anyone."""

    def __init__(self, answer: Answer, ids: Callable[[], str], rules: EndpointRules) -> None:
        self._answer = answer
        self._endpoint = Endpoint(self._handle, ids, rules)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._endpoint(scope, receive, send)

    async def _handle(self, call: Call) -> None:
        await send(call, await self._answer(call))


async def send(call: Call, reply: Reply) -> None:
    """Send a document."""
    headers: list[RawHeader] = [
        JSON_TYPE,
        (b"cache-control", b"no-store"),
        (b"x-request-id", header_value(call.request_id)),
        *reply.headers,
    ]
    await call.wire.whole(reply.status, headers, orjson.dumps(reply.body))
