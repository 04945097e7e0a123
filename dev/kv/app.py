"""The REST server as an ASGI app: authentication, sizes, routes, and counters of what was asked."""

from __future__ import annotations

import hmac
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl

import orjson
from starlette.types import Message, Receive, Scope, Send

from dev.kv import protocol
from dev.kv.backend import Backend, CommandError, RawCommand, Value
from dev.kv.protocol import MAX_REQUEST_BYTES, Refused, RestRequest
from dev.kv.scripts import ScriptDialect
from lib.contract import JsonObject

Answer: TypeAlias = tuple[int, "JsonObject | list[JsonObject]"]


@dataclass(slots=True)
class Stats:
    """What was asked so far, for tests and measurements. Commands inside scripts are not counted."""

    requests: int = 0
    commands: int = 0
    by_name: Counter[str] = field(default_factory=Counter[str])

    def count(self, commands: Sequence[RawCommand]) -> None:
        """Add the commands of one request."""
        self.commands += len(commands)
        self.by_name.update(command[0].decode("utf-8", "replace").upper() for command in commands)


class EmbeddedServer:
    """Upstash's REST API over a backend: `/`, `/pipeline`, `/multi-exec`, the path form, and `/__stats`."""

    def __init__(self, backend: Backend, *, token: str, read_only_token: str | None = None) -> None:
        self.stats = Stats()
        self._backend = backend
        self._token = token.encode()
        self._read_only_token = read_only_token.encode() if read_only_token else None
        self._dialect = ScriptDialect(keep_shebang=backend.reads_shebangs)
        self._versions = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        request = RestRequest(
            method=scope["method"],
            raw_path=scope.get("raw_path") or scope["path"].encode(),
            query=tuple(parse_qsl(scope["query_string"], keep_blank_values=True)),
            headers={name.lower(): value for name, value in scope["headers"]},
            body=body,
        )
        try:
            status, content = await self._answer(request)
        except Refused as refusal:
            status, content = refusal.status, {"error": refusal.message}
        for message in self._response(status, orjson.dumps(content)):
            await send(message)

    async def aclose(self) -> None:
        """Close the backend's connections."""
        await self._backend.aclose()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.aclose()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, request: RestRequest) -> Answer:
        if request.path == b"/__stats":
            return 200, {
                "requests": self.stats.requests,
                "commands": self.stats.commands,
                "by_name": dict(self.stats.by_name),
            }
        self.stats.requests += 1
        read_only = self._is_read_only(request.token)
        if request.method not in ("GET", "POST", "PUT", "HEAD"):
            raise Refused("ERR method not allowed", 405)
        if len(request.body) > MAX_REQUEST_BYTES:
            raise Refused(f"ERR max request size exceeded. Limit: {MAX_REQUEST_BYTES} bytes")
        match request.path:
            case b"/pipeline":
                return await self._pipeline(request, read_only=read_only)
            case b"/multi-exec":
                return await self._transaction(request, read_only=read_only)
            case _:
                return await self._single(request, read_only=read_only)

    def _is_read_only(self, token: bytes) -> bool:
        if hmac.compare_digest(token, self._token):
            return False
        if self._read_only_token is not None and hmac.compare_digest(token, self._read_only_token):
            return True
        raise Refused("WRONGPASS invalid or missing auth token", 401)

    async def _single(self, request: RestRequest, *, read_only: bool) -> Answer:
        command = protocol.command_in(request)
        self.stats.count([command])
        protocol.check(command, read_only=read_only)
        (value,) = await self._run([command])
        return 400 if isinstance(value, CommandError) else 200, protocol.cell(value, as_base64=request.wants_base64)

    async def _pipeline(self, request: RestRequest, *, read_only: bool) -> Answer:
        commands = protocol.batch_in(request.body)
        self.stats.count(commands)
        values: list[Value] = []
        allowed: list[tuple[int, RawCommand]] = []
        for place, command in enumerate(commands):
            try:
                protocol.check(command, read_only=read_only)
            except Refused as refusal:
                values.append(CommandError(refusal.message))
            else:
                values.append(None)
                allowed.append((place, command))
        replies = await self._run([command for _, command in allowed])
        for (place, _), value in zip(allowed, replies, strict=True):
            values[place] = value
        return 200, [protocol.cell(value, as_base64=request.wants_base64) for value in values]

    async def _transaction(self, request: RestRequest, *, read_only: bool) -> Answer:
        commands = protocol.batch_in(request.body)
        self.stats.count(commands)
        for command in commands:
            protocol.check(command, read_only=read_only)
        value = await self._backend.run_as_transaction([self._dialect.to_server(command) for command in commands])
        if not isinstance(value, list):
            return 400, protocol.cell(value, as_base64=False)
        return 200, [protocol.cell(one, as_base64=request.wants_base64) for one in value]

    async def _run(self, commands: Sequence[RawCommand]) -> list[Value]:
        if not commands:
            return []
        values = await self._backend.run([self._dialect.to_server(command) for command in commands])
        return [self._dialect.to_client(*pair) for pair in zip(commands, values, strict=True)]

    def _response(self, status: int, content: bytes) -> tuple[Message, Message]:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"upstash-sync-token", b"embedded-%d" % next(self._versions)),
        ]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        return start, {"type": "http.response.body", "body": content}


async def _body(receive: Receive) -> bytes | None:
    """The body, not read further than just over the limit; None when the client has gone."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_REQUEST_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            break
    return b"".join(parts)
