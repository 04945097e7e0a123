"""What /api/chat was before: a server that keeps what it is asked and answers as it is told, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from lib.web.asgi import AsgiMessage, Receive, Scope, Send, headers_of
from tests.support.loopback_server import serve

LONGEST_WAIT: Final = 20.0
"""Seconds after which a test that waits for something to happen fails."""


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class OldChat:
    """Answers everything alike. Each of `pieces` but the first waits for a `release`, where `held` says so."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    pieces: tuple[bytes, ...] = (b'{"text":"as ever"}',)
    held: bool = False
    url: str = ""
    asked: list[Asked] = field(default_factory=list[Asked])
    hang_ups: int = 0
    sent: int = 0
    """Pieces sent so far."""

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        self._release = asyncio.Event()

    def release(self) -> None:
        """Let one more piece go."""
        self._release.set()

    async def until(self, seen: Callable[[OldChat], bool]) -> None:
        """Return once `seen` holds; raises TimeoutError when it never does."""
        async with asyncio.timeout(LONGEST_WAIT):
            while not seen(self):
                await self._changed.wait()
                self._changed.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = b""
        while True:
            message = await receive()
            body += cast("bytes", message.get("body", b""))
            if not message.get("more_body"):
                break
        query = cast("bytes", scope["query_string"]).decode()
        self.asked.append(Asked(str(scope["method"]), str(scope["path"]), query, headers_of(scope), body))
        self._changed.set()
        answering, left = asyncio.create_task(self._answer(send)), asyncio.ensure_future(receive())
        await asyncio.wait({answering, left}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
            self.hang_ups += 1
            self._changed.set()
        left.cancel()
        await asyncio.gather(answering, left, return_exceptions=True)

    async def _answer(self, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for number, piece in enumerate(self.pieces):
            if number and self.held:
                await self._release.wait()
                self._release.clear()
            more: AsgiMessage = {"type": "http.response.body", "body": piece, "more_body": True}
            await send(more)
            self.sent += 1
            self._changed.set()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def old_chat() -> AsyncGenerator[OldChat]:
    """The server on a port of its own; its address is in `url`."""
    old = OldChat()
    async with serve(old) as base:
        old.url = f"{base}/old/chat"
        yield old
