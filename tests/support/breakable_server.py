"""Servers on loopback sockets: one that is scripted byte by byte, one that serves an ASGI app and can break."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Self, TypeAlias

from starlette.types import ASGIApp

from lib.transport import HttpRequest, Timeouts, TransportError
from tests.support.asgi_transport import AsgiTransport

Script: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 64 * 1024 * 1024


@asynccontextmanager
async def byte_server(script: Script) -> AsyncGenerator[str]:
    """Runs `script` for every connection, then closes it; yields the server's URL. Scripts still running are ended."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        if connections:
            await asyncio.wait(connections)
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of one request with a content length. Raises IncompleteReadError at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head, await reader.readexactly(int(value))
    return head, b""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port: int = unused.getsockname()[1]
        return port


class BreakableServer:
    """An ASGI app on a socket. An app that raises resets its connection, as a crashing server does.

    `refuse` closes the port, with all connections; `accept` opens it again at the same URL.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        """Accepted so far."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def accept(self) -> None:
        self._server = await asyncio.start_server(self._accepted, HOST, self._port, limit=MAX_BODY_BYTES)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for writer in list(self._writers):
            reset(writer)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await server.wait_closed()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = AsgiTransport(self._app)
        try:
            while True:
                await self._exchange(transport, await read_request(reader), writer)
        except TransportError:
            reset(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            self._writers.discard(writer)

    async def _exchange(
        self, transport: AsgiTransport, received: tuple[bytes, bytes], writer: asyncio.StreamWriter
    ) -> None:
        head, body = received
        start, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, path, _ = start.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        request = HttpRequest(method, self.url + path, headers, body, Timeouts(total=3600))
        async with transport.send(request) as response:
            named = [f"{name}: {value}\r\n" for name, value in response.headers.items()]
            writer.write(f"HTTP/1.1 {response.status} Scripted\r\n{''.join(named)}\r\n".encode("latin-1"))
            async for chunk in response.chunks():
                writer.write(chunk)
                await writer.drain()
