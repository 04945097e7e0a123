"""The store of a simulation: the embedded server in this process, a fixed time away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Message

from dev.kv import EmbeddedServer
from lib.transport import HttpRequest, HttpResponse

ROUND_TRIP_SECONDS: Final = 0.002
"""Between a function and a store of its region."""


@dataclass(frozen=True, slots=True)
class ReadyResponse:
    """A response whose body is there; see lib.transport.HttpResponse."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in one piece."""
        yield self.body

    async def read(self, limit: int) -> bytes:
        """The body, which nobody here makes too long."""
        return self.body[:limit]


@dataclass(frozen=True, slots=True)
class StoreTransport:
    """Calls the embedded server's ASGI app; see lib.transport.Transport."""

    server: EmbeddedServer

    def send(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
        """One call of the REST API."""
        return self._exchange(request)

    async def aclose(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def _exchange(self, request: HttpRequest) -> AsyncGenerator[HttpResponse]:
        await asyncio.sleep(ROUND_TRIP_SECONDS)
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        path = urlsplit(request.url).path or "/"
        headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
        scope = {
            "type": "http",
            "method": request.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
        }
        await self.server(scope, receive, send)
        start, *rest = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        yield ReadyResponse(start["status"], names, b"".join(message["body"] for message in rest))
