"""Servers that pass a chat on and do nothing else: `python -m bench.overhead.floors raw|starlette PORT PROVIDER_PORT`.

What a gateway costs beyond them is what its features cost.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, cast

import aiohttp
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

HOST: Final = "127.0.0.1"


class ToProvider(asyncio.Protocol):
    """A connection to the provider; what comes is passed on as it is."""

    def __init__(self, caller: asyncio.Transport) -> None:
        self._caller = caller

    def data_received(self, data: bytes) -> None:
        """Pass it back."""
        self._caller.write(data)


class FromCaller(asyncio.Protocol):
    """A caller's connection, with one to the provider of its own."""

    def __init__(self, provider: int) -> None:
        self._provider = provider
        self._waiting: list[bytes] = []
        self._upstream: asyncio.WriteTransport | None = None
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the provider as well."""
        caller = cast("asyncio.Transport", transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect(caller))

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self._upstream is None:
            self._waiting.append(data)
        else:
            self._upstream.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """End both."""
        if self._upstream is not None:
            self._upstream.close()

    async def _connect(self, caller: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        self._upstream, _ = await loop.create_connection(lambda: ToProvider(caller), HOST, self._provider)
        self._upstream.writelines(self._waiting)


async def raw(port: int, provider: int) -> None:
    """Bytes in, bytes out."""
    server = await asyncio.get_running_loop().create_server(lambda: FromCaller(provider), HOST, port)
    await server.serve_forever()


def starlette(provider: int) -> Starlette:
    """One route that reads the body, posts it to the provider and passes the answer on as it comes."""
    url = f"http://{HOST}:{provider}/v1/chat/completions"
    sessions: list[aiohttp.ClientSession] = []

    async def chat(request: Request) -> StreamingResponse:
        body = await request.body()
        answer = await sessions[0].post(url, data=body, headers={"content-type": "application/json"})
        return StreamingResponse(answer.content.iter_any(), answer.status, {"content-type": answer.content_type})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=512)) as session:
            sessions.append(session)
            yield

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])], lifespan=lifespan)


def main() -> None:
    """Serve until ended."""
    kind, port, provider = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if kind == "raw":
        uvloop.run(raw(port, provider))
    else:
        uvicorn.run(starlette(provider), host=HOST, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
