"""The ASGI protocol in types, the request as our endpoints see it, and the only writer of responses.

Plain ASGI rather than a framework: middleware that wraps `receive` hides disconnects, and a hang-up must reach the
pipeline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast
from urllib.parse import parse_qsl

from lib.errors import GatewayError, InvalidRequest, RequestTooLarge

Scope: TypeAlias = MutableMapping[str, object]
AsgiMessage: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Mapping[str, str]
"""Names in lower case, values decoded as Latin-1; repeated headers joined by `, ` (RFC 9110, 5.3)."""
RawHeader: TypeAlias = tuple[bytes, bytes]

BODY_LIMIT: Final = 4_500_000
"""Bytes. What Vercel's functions accept (4.5 MB)."""
NO_SNIFFING: Final[RawHeader] = (b"x-content-type-options", b"nosniff")
"""On every response: a browser takes none of them for another type than it says."""
_LONGEST_QUERY: Final = 8_192


class ClientGone(Exception):
    """The client hung up: nobody is left to answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers as one mapping."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in cast("Iterable[RawHeader]", scope.get("headers", ())):
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def peer_of(scope: Scope) -> str | None:
    """The address at the other end of the socket, where the server tells."""
    client = scope.get("client")
    if isinstance(client, (tuple, list)) and client:
        host = cast("Sequence[object]", client)[0]
        return host if isinstance(host, str) and host else None
    return None


class Wire:
    """Sends one response. Raises ClientGone where the server says that the socket is closed."""

    def __init__(self, send: Send, extra_headers: Sequence[RawHeader] = (), *, without_body: bool = False) -> None:
        self._send = send
        self._extra_headers = tuple(extra_headers)
        self._without_body = without_body
        self._on_error: Callable[[GatewayError], bytes] | None = None
        self.started = False
        self.finished = False

    async def start(
        self,
        status: int,
        headers: Iterable[RawHeader],
        on_error: Callable[[GatewayError], bytes] | None = None,
    ) -> None:
        """Send the status line and the headers; `extra_headers` follow them, and NO_SNIFFING.

        `on_error` gives what ends the body when an error strikes later; without it such a response is cut.
        """
        self.started = True
        self._on_error = on_error
        await self._out(
            {"type": "http.response.start", "status": status, "headers": [*headers, *self._extra_headers, NO_SNIFFING]},
        )

    def add_headers(self, *headers: RawHeader) -> None:
        """Let these follow the headers of whatever response comes, an error's as well."""
        self._extra_headers = (*self._extra_headers, *headers)

    async def chunk(self, data: bytes) -> None:
        """Send a piece of the body."""
        if not self._without_body:
            await self._out({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """Send the rest of the body and finish the response."""
        self.finished = True
        body = b"" if self._without_body else data
        await self._out({"type": "http.response.body", "body": body, "more_body": False})

    async def whole(self, status: int, headers: Iterable[RawHeader], body: bytes) -> None:
        """A complete response."""
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.end(body)

    async def fail(self, error: GatewayError) -> None:
        """End a response that has begun with an error in its protocol's words, where it has any."""
        if self._on_error is not None and not self.finished:
            await self.end(self._on_error(error))

    async def _out(self, message: AsgiMessage) -> None:
        try:
            await self._send(message)
        except OSError as error:
            raise ClientGone from error


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request with the means to read and to answer it."""

    request_id: str
    method: str
    path: str
    query_string: str
    headers: Headers
    peer: str | None
    receive: Receive = field(repr=False)
    wire: Wire = field(repr=False)
    body_limit: int = BODY_LIMIT
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list["Callable[[], Awaitable[None]]"])
    """What is to run once the response is complete, whatever became of it."""

    def query(self) -> dict[str, str]:
        """Query parameters; of a repeated one, the last. InvalidRequest when the query string is absurdly long."""
        if len(self.query_string) > _LONGEST_QUERY:
            raise InvalidRequest(f"The query string is longer than {_LONGEST_QUERY} characters.", param="query")
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            RequestTooLarge: beyond `body_limit` bytes, before they are all read.
            InvalidRequest: the body is compressed.
            ClientGone: the client hung up while sending it.
        """
        self._check_head()
        pieces: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = cast("bytes", message.get("body", b""))
            size += len(piece)
            self._bound(size)
            pieces.append(piece)
            more = bool(message.get("more_body", False))
        return b"".join(pieces)

    def _check_head(self) -> None:
        if self.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise InvalidRequest("Compressed bodies are not accepted.", param="content-encoding")
        announced = self.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit():
            self._bound(int(announced.lstrip("0")[:18] or "0"))

    def _bound(self, size: int) -> None:
        if size > self.body_limit:
            raise RequestTooLarge(f"The request body is larger than {self.body_limit:,} bytes.")
