"""Calls an ASGI app without a server: one request in, the whole response out; the client can also hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import orjson

from lib.contract import Json, JsonObject
from lib.web.asgi import AsgiApp, AsgiMessage, RawHeader


@dataclass
class Response:
    """What came back; `complete` says whether the app finished the body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    chunks: list[bytes] = field(default_factory=list[bytes])
    complete: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> JsonObject:
        return json_object(self.body)


def json_object(data: bytes) -> JsonObject:
    document: Json = orjson.loads(data)
    assert isinstance(document, dict)
    return document


@dataclass
class Exchange:
    """One request under way."""

    app: AsgiApp
    method: str = "POST"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: tuple[bytes, ...] = (b"",)
    query: str = ""
    peer: str | None = "127.0.0.1"
    broken_pipe: bool = False
    """Sending fails with an OSError, as some servers report a client that went away."""
    response: Response = field(default_factory=Response)

    def __post_init__(self) -> None:
        self.unread = list(self.body)
        self._gone = asyncio.Event()
        self.progress = asyncio.Event()

    def hang_up(self) -> None:
        self._gone.set()

    async def run(self) -> Response:
        scope: dict[str, object] = {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": self.query.encode(),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()],
            "client": (self.peer, 50_000) if self.peer else None,
        }
        await self.app(scope, self._receive, self._send)
        return self.response

    async def _receive(self) -> AsgiMessage:
        if self.unread:
            piece = self.unread.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.unread)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: AsgiMessage) -> None:
        if self.broken_pipe:
            raise BrokenPipeError
        if message["type"] == "http.response.start":
            headers = cast("list[RawHeader]", message["headers"])
            self.response.status = cast("int", message["status"])
            self.response.headers = {name.decode(): value.decode("latin-1") for name, value in headers}
            return
        chunk = message["body"]
        assert isinstance(chunk, bytes)
        assert not self.response.complete
        if chunk:
            self.response.chunks.append(chunk)
        self.response.complete = not message.get("more_body", False)
        self.progress.set()


async def request(app: AsgiApp, method: str = "GET", path: str = "/", **parts: str) -> Response:
    """A request without a body; `parts` are headers, underscores standing for hyphens."""
    headers = {name.replace("_", "-"): value for name, value in parts.items()}
    return await Exchange(app, method, path, headers).run()


async def post(app: AsgiApp, document: JsonObject, path: str = "/api/ai/v2/chat", **headers: str) -> Response:
    """A JSON document posted; `headers` with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await Exchange(app, "POST", path, named, (orjson.dumps(document),)).run()
