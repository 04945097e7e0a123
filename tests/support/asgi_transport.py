"""`Transport` that calls an ASGI app in this process: what the app sends is what the client reads, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.transport import HttpRequest, TransportError


class AsgiTransport:
    """Leaving an exchange tells the app `http.disconnect`; an app that raises breaks the connection.

    As with a real server, the app may go on after its client has left; `aclose` waits for all that still run. Of
    the timeouts only `total` is kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.running: set[asyncio.Task[None]] = set()
        self.errors: list[BaseException] = []
        """What the app raised, in order."""

    def send(self, request: HttpRequest) -> Exchange:
        return Exchange(self, request)

    async def aclose(self) -> None:
        while self.running:
            await asyncio.wait(self.running)

    def start(self, scope: Scope, receive: Receive, send: Send) -> asyncio.Task[None]:
        task = asyncio.ensure_future(self._serve(scope, receive, send))
        self.running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.errors.append(error)


class Exchange:
    """One request under way, as a context that gives its response."""

    def __init__(self, transport: AsgiTransport, request: HttpRequest) -> None:
        self._transport = transport
        self._request = request
        self._sent: asyncio.Queue[Message | None] = asyncio.Queue()
        """What the app sent; None when it has returned or raised."""
        self._gone = asyncio.Event()
        self._body_given = False
        self._deadline = 0.0

    async def __aenter__(self) -> _Response:
        self._deadline = asyncio.get_running_loop().time() + self._request.timeouts.total
        task = self._transport.start(self._scope(), self._receive, self._send)
        task.add_done_callback(lambda _: self._sent.put_nowait(None))
        return _Response(self, await self.next_message("reset"))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gone.set()

    async def next_message(self, otherwise: str) -> Message:
        """The next message of the app; TransportError of kind `otherwise` when it ended instead."""
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._sent.get()
        except TimeoutError:
            self._gone.set()
            raise TransportError("timeout", "no answer in time", sent=True) from None
        if message is None:
            self._gone.set()
            raise TransportError(otherwise, f"the app ended without an answer: {self._transport.errors}", sent=True)
        return message

    async def _receive(self) -> Message:
        if not self._body_given:
            self._body_given = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self._sent.put_nowait(message)
        await asyncio.sleep(0)  # noqa: TID251 - gives the reader its turn, as a socket would

    def _scope(self) -> Scope:
        request = self._request
        url = urlsplit(request.url)
        path = url.path or "/"
        headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
        headers.append((b"host", url.netloc.encode()))
        headers.append((b"content-length", str(len(request.body)).encode()))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": (url.hostname, url.port),
        }


class _Response:
    def __init__(self, exchange: Exchange, start: Message) -> None:
        self._exchange = exchange
        self.status: int = start["status"]
        self.headers: Mapping[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]
        }

    async def chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._exchange.next_message("truncated")
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                yield body

    async def read(self, limit: int) -> bytes:
        body = b""
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise TransportError("too_large", f"more than {limit} bytes", sent=True)
        return body
