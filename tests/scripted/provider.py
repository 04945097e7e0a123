"""A scripted provider: real sockets on loopback, raw HTTP/1.1, both wires, every fault that can be scripted.

Nothing in it waits for time unless it is given a clock: silences last until `release()`, and tests wait for what they
have seen, by `until()`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Final, Self

from lib.clock import Clock
from lib.contract import Json
from tests.scripted.sayings import echo
from tests.scripted.steps import Act, Received, Reply, Step, fails
from tests.scripted.vectors import embeds

ANY_MODEL: Final = "*"
LONGEST_WAIT: Final = 20.0
"""Seconds after which a test that waits for something to happen fails."""
CALLERS_AT_ONCE: Final = 2_048
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset."""


class ScriptedProvider:
    """Answers with the steps scripted for a model, in order, then with an echo of what was asked.

    It keeps every request, and counts how many are in flight, were at most, and were hung up on. With a `clock`,
    silences last as long as their reply says. `otherwise` takes the place of the echo.
    """

    def __init__(self, *, port: int = 0, clock: Clock | None = None, otherwise: Step = echo) -> None:
        self.requests: list[Received] = []
        self.in_flight = 0
        self.peak = 0
        self.hang_ups = 0
        self.stalled = 0
        """Replies that are now silent on purpose."""
        self.connections = 0
        """Connections opened so far."""
        self._steps: defaultdict[str, deque[Step]] = defaultdict(deque)
        self._gate = asyncio.Event()
        self._gate.set()
        self._released = asyncio.Event()
        self._changed = asyncio.Event()
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self._port = port
        self._clock = clock
        self._otherwise = otherwise

    @property
    def base_url(self) -> str:
        """For a provider row or an SDK; `/chat/completions` and `/messages` are below it."""
        return f"http://127.0.0.1:{self._port}/v1"

    def script(self, model: str, steps: Iterable[Step]) -> None:
        """Queue steps for the requests that name the model, or for `*`: any that has no steps of its own."""
        self._steps[model].extend(steps)

    def hold(self) -> None:
        """Keep every request from now on unanswered until `release`."""
        self._gate.clear()

    def release(self) -> None:
        """Let all go on that are held now, by `hold` or by Act.HOLD."""
        self._gate.set()
        self._released.set()
        self._released = asyncio.Event()

    async def until(self, seen: Callable[[ScriptedProvider], bool]) -> None:
        """Return once `seen` holds; raises TimeoutError when it never does."""
        async with asyncio.timeout(LONGEST_WAIT):
            while not seen(self):
                await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._serve), "127.0.0.1", self._port, backlog=CALLERS_AT_ONCE
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._serving.values()):
            writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving[task] = writer
            task.add_done_callback(self._serving.pop)
        self.connections += 1
        try:
            while (request := await _read_request(reader)) is not None:
                if not await self._answer(connection, request, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, connection: _Connection, request: Received, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can be used again. A client that leaves before the end has hung up."""
        self.requests.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        self._change()
        play = asyncio.create_task(self._play(request, writer))
        left = asyncio.create_task(connection.left.wait())
        try:
            await asyncio.wait({play, left}, return_when=asyncio.FIRST_COMPLETED)
            if not play.done():
                self.hang_ups += 1
                return False
            return play.result()
        finally:
            play.cancel()
            left.cancel()
            await asyncio.gather(play, left, return_exceptions=True)
            self.in_flight -= 1
            self._change()

    async def _play(self, request: Received, writer: asyncio.StreamWriter) -> bool:
        await self._gate.wait()
        reply = self._next_step(request)(request)
        for act in reply.before:
            if not await self._act(act, reply, writer):
                return False
        if not reply.bare:
            writer.write(_head(reply))
        for piece in reply.body:
            if isinstance(piece, Act):
                await writer.drain()
                if not await self._act(piece, reply, writer):
                    return False
            else:
                writer.write(_framed(reply, piece))
                await writer.drain()
        if reply.chunked:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        return not reply.bare

    def _next_step(self, request: Received) -> Step:
        if not request.path.endswith(("/chat/completions", "/messages", "/embeddings")):
            return fails(404, "not_found_error", "no such path")
        steps = self._steps[request.model] or self._steps[ANY_MODEL]
        usual = embeds if request.path.endswith("/embeddings") else self._otherwise
        return steps.popleft() if steps else usual

    async def _act(self, act: Act, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        """Whether the reply goes on."""
        if act is Act.HOLD:
            self.stalled += 1
            self._change()
            try:
                await (self._clock.sleep(reply.hold_seconds) if self._clock else self._released.wait())
            finally:
                self.stalled -= 1
            return True
        if act is Act.RESET:
            connected: socket.socket = writer.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
        return False


class _Connection(asyncio.StreamReaderProtocol):
    """A connection that knows when the client has left, while a reply is being written as well."""

    def __init__(
        self,
        serve: Callable[[_Connection, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> None:
        self.left = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(self, reader, writer)

        super().__init__(asyncio.StreamReader(loop=loop), connected, loop=loop)

    def eof_received(self) -> bool | None:
        self.left.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()
        super().connection_lost(exc)


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    """The next request of a connection, or None when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    body: Json = json.loads(await reader.readexactly(length)) if length else {}
    return Received(first.split(" ")[1], headers, body if isinstance(body, dict) else {})


def _head(reply: Reply) -> bytes:
    size = sum(len(piece) for piece in reply.body if isinstance(piece, bytes))
    framing = {"transfer-encoding": "chunked"} if reply.chunked else {"content-length": str(size)}
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{n}: {v}" for n, v in {**framing, **reply.headers}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _framed(reply: Reply, piece: bytes) -> bytes:
    if not reply.chunked:
        return piece
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
