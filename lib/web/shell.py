"""The ASGI app of one function: lifespan, the routes it holds, 404 for the rest.

A function on Vercel sees the path the client asked for, rewrites included, so routing happens here once more.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from lib.errors import NotFound
from lib.web.asgi import AsgiApp, Receive, Scope, Send, Wire
from lib.web.errors import error_body, error_headers

LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """A path, without a trailing slash, and the app that answers it. `below` takes every path under it too.

    A `*` in the path stands for one segment, whatever it is.
    """

    path: str
    app: AsgiApp
    below: bool = False

    def takes(self, path: str) -> bool:
        """Whether a request's path (without trailing slash) is this route's."""
        if "*" not in self.path:
            return path == self.path or (self.below and path.startswith(f"{self.path}/"))
        asked, ours = path.split("/"), self.path.split("/")
        return len(asked) == len(ours) and all(b in ("*", a) and a for a, b in zip(asked[1:], ours[1:], strict=True))


async def _nothing() -> None:
    """For an app that holds nothing open."""


@dataclass(frozen=True, slots=True)
class Shell:
    """Routes in order, first match wins. `close` runs when the server shuts down."""

    routes: tuple[Route, ...]
    ids: Callable[[], str]
    close: Callable[[], Awaitable[None]] = _nothing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of any kind; websockets are refused."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(receive, send)
        elif kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", "/")).rstrip("/") or "/"
        for route in self.routes:
            if route.takes(path):
                await route.app(scope, receive, send)
                return
        request_id = self.ids()
        error = NotFound("There is nothing at this address.")
        wire = Wire(send, without_body=scope.get("method") == "HEAD")
        await wire.whole(404, error_headers(error, request_id), error_body(error, request_id))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
