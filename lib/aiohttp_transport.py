"""`Transport` over aiohttp: one session per event loop, one TLS context, no cookies, no redirects, no inflating.

A compressed body is refused instead of inflated (kind `malformed` once it is read): what a peer sends stays the size
it has on the wire, so no reply can grow in memory. Why aiohttp: docs/decisions/0001-http-client.md.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from types import TracebackType
from typing import Final

import aiohttp

from lib.tls import default_tls
from lib.transport import HttpRequest, Timeouts, TransportError

FAILURES: Final = (aiohttp.ClientError, OSError, ValueError)
"""All that aiohttp raises for trouble on the wire (its timeouts are OSErrors) or for a request that cannot be sent."""
STREAMED_ABOVE: Final = 1024 * 1024
"""aiohttp warns about larger bodies given as bytes: writing them in one go would hold up the loop."""
CERTAINLY_READING: Final = 64 * 1024
"""aiohttp pauses reading, and its read timer, only beyond this many buffered bytes."""


class AiohttpTransport:
    """Connections are kept for `keepalive_seconds` and bounded by `max_connections` per event loop.

    `tls` replaces the default context, which trusts certifi's list and the file that SSL_CERT_FILE names. Nothing is
    sent twice, but for a GET, PUT or DELETE on a kept connection that turns out to be closed (RFC 9110, 9.2.2).
    """

    def __init__(
        self,
        *,
        max_connections: int = 512,
        keepalive_seconds: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._sessions = _Sessions(max_connections, keepalive_seconds)
        self._given_tls = tls

    def send(self, request: HttpRequest) -> _Exchange:
        """See `Transport.send`. Failures before a connection stood are TransportErrors with `sent` False."""
        return _Exchange(self._sessions, request, self._tls if request.url.startswith("https:") else None)

    async def aclose(self) -> None:
        """Close the connections of the running loop, and what loops left behind that ended."""
        await self._sessions.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made for the first https request: reading the certificates takes 20 ms."""
        return self._given_tls or default_tls()


class _Sessions:
    """aiohttp's sessions by event loop. One refers to its loop, so weak references would never free either."""

    def __init__(self, max_connections: int, keepalive_seconds: float) -> None:
        self._max_connections = max_connections
        self._keepalive_seconds = keepalive_seconds
        self._by_loop: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def current(self) -> aiohttp.ClientSession:
        """The running loop's session, made when it is first asked for."""
        loop = asyncio.get_running_loop()
        session = self._by_loop.get(loop)
        if session is None:
            session = self._by_loop[loop] = self._new()
            await self._drop_ended_loops()
        return session

    async def close(self) -> None:
        """Close the running loop's session."""
        await self._drop_ended_loops()
        session = self._by_loop.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    def _new(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keepalive_seconds,
            ttl_dns_cache=60,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )

    async def _drop_ended_loops(self) -> None:
        for loop in [loop for loop in self._by_loop if loop.is_closed()]:
            await self._by_loop.pop(loop).close()


class _Exchange:
    """One request and its response, as a context."""

    __slots__ = ("_request", "_response", "_sessions", "_tls")

    def __init__(self, sessions: _Sessions, request: HttpRequest, tls: ssl.SSLContext | None) -> None:
        self._sessions = sessions
        self._request = request
        self._tls = tls
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> _Response:
        request = self._request
        body = request.body
        session = await self._sessions.current()
        try:
            response = await session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=body if len(body) <= STREAMED_ABOVE else io.BytesIO(body),
                allow_redirects=False,
                timeout=_until_headers(request.timeouts),
                ssl=self._tls or True,
            )
        except FAILURES as error:
            raise _transport_error(error) from error
        self._response = response
        _await_body(response, request.timeouts.between_bytes)
        return _Response(response)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        response = self._response
        if response is None:
            return
        if response.content.is_eof():
            response.release()
        else:
            response.close()


class _Response:
    """`HttpResponse` over aiohttp's."""

    __slots__ = ("_headers", "_response")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._headers: dict[str, str] | None = None

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        if self._headers is None:
            self._headers = {name.lower(): value for name, value in self._response.headers.items()}
        return self._headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `HttpResponse.chunks`."""
        self._refuse_compressed()
        while chunk := await self._next():
            yield chunk

    async def read(self, limit: int) -> bytes:
        """See `HttpResponse.read`."""
        self._refuse_compressed()
        if (self._response.content_length or 0) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        while chunk := await self._next():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _next(self) -> bytes:
        """The bytes that have come, at least one; none at the end."""
        try:
            return await self._response.content.readany()
        except FAILURES as error:
            raise _transport_error(error) from error

    def _refuse_compressed(self) -> None:
        encoding = self._response.headers.get("Content-Encoding", "identity")
        if encoding.strip().lower() not in ("", "identity"):
            message = f"the body is compressed ({encoding[:40]}) although identity was asked for"
            raise TransportError("malformed", message, sent=True)


def _until_headers(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    # aiohttp has one read timer: it first bounds the wait for the headers, `_await_body` then sets it for the body.
    return aiohttp.ClientTimeout(total=timeouts.total, connect=timeouts.connect, sock_read=timeouts.first_byte)


def _await_body(response: aiohttp.ClientResponse, seconds: float) -> None:
    connection = response.connection
    if connection is None or connection.protocol is None:
        return  # the whole body came with the headers
    connection.protocol.read_timeout = seconds
    if response.content.total_bytes < CERTAINLY_READING:
        connection.protocol.start_timeout()


def _transport_error(error: Exception) -> TransportError:
    """`sent` is False only for what fails before a connection stands or a byte is written."""
    said = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)  # not the whole URL
    message = f"{type(error).__name__}: {said}"[:300]
    for types, kind, sent in _KINDS:
        if isinstance(error, types):
            return TransportError(kind, message, sent=sent)
    return TransportError("reset", message, sent=True)


_KINDS: Final[tuple[tuple[tuple[type[Exception], ...], str, bool], ...]] = (
    ((aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.ClientSSLError), "connect", False),
    ((TimeoutError,), "timeout", True),
    ((aiohttp.ClientPayloadError,), "truncated", True),
    ((aiohttp.ClientResponseError,), "malformed", True),
    ((ValueError,), "malformed", False),  # a URL or header that cannot be put on the wire
)


def _too_large(limit: int) -> TransportError:
    return TransportError("too_large", f"the body is larger than {limit} bytes", sent=True)
