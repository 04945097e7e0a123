"""One exchange with a provider, the same for every wire: send, judge the status, read the body whole or as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

import orjson

from lib.ai.providers.base import ProviderCall
from lib.ai.providers.failures import http_failure, transport_failure
from lib.ai.providers.sse import SseEvent, SseParser
from lib.ai.providers.values import parse_object
from lib.answer import Completion, Delta
from lib.clock import Clock
from lib.contract import JsonObject
from lib.errors import ProviderError
from lib.transport import HttpRequest, HttpResponse, Timeouts, Transport, TransportError

BODY_LIMIT: Final = 16 << 20
"""Bytes of an answer in one piece."""
ERROR_BODY_LIMIT: Final = 64 << 10
SHORTEST_KEY: Final = 8
"""A shorter placeholder such as `none` is no secret, and masking it would garble messages."""


class AnswerReader(Protocol):
    """Understands one wire's answers; remembers what it has read. Its methods raise ProviderError."""

    @property
    def done(self) -> bool:
        """Whether the provider has said that nothing follows."""
        ...

    @property
    def finished(self) -> bool:
        """Whether all that belongs to the answer has come, though the end of the stream has not."""
        ...

    def read_whole(self, answer: JsonObject) -> Sequence[Delta]:
        """The deltas of an answer in one piece."""
        ...

    def read_event(self, event: SseEvent) -> Sequence[Delta]:
        """The deltas of one event of a stream."""
        ...

    def completion(self) -> Completion:
        """The end of a whole answer; raises for one that is not whole."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """Sends calls and yields what readers make of the answers."""

    transport: Transport
    clock: Clock

    async def run(
        self, call: ProviderCall, request: HttpRequest, reader: AnswerReader
    ) -> AsyncGenerator[Delta | Completion, None]:
        """Yield deltas, then one Completion; an answer in one piece is checked before any of it is shown.

        Raises ProviderError.
        """
        deltas: Sequence[Delta] = ()
        patience = _Patience(call.timeouts)
        async with self.answered(request, call.key) as response:
            if _is_stream(call, response):
                async with aclosing(_stream(response, reader, patience, call.key)) as arriving:
                    async for few in arriving:
                        for delta in few:
                            yield delta
            else:
                body = without_key(await response.read(BODY_LIMIT), call.key)
                deltas = reader.read_whole(parse_object(body))
        completion = reader.completion()
        for delta in deltas:
            yield delta
        yield completion

    @asynccontextmanager
    async def answered(self, request: HttpRequest, key: str) -> AsyncGenerator[HttpResponse, None]:
        """The response to a request, where its status is one of success. Raises ProviderError without the key in it."""
        try:
            async with self.transport.send(request) as response:
                if not 200 <= response.status < 300:
                    body = without_key(await _error_body(response), key)
                    raise http_failure(response.status, response.headers, body, self.clock.now())
                yield response
        except TransportError as error:
            raise transport_failure(error) from error


async def _error_body(response: HttpResponse) -> bytes:
    try:
        return await response.read(ERROR_BODY_LIMIT)
    except TransportError:
        return b""


def without_key(body: bytes, key: str) -> bytes:
    """A provider's words with the key in them masked."""
    return body.replace(key.encode(), b"[key]") if len(key) >= SHORTEST_KEY else body


def _is_stream(call: ProviderCall, response: HttpResponse) -> bool:
    """A provider may answer a call for a stream in one piece; a web page is no answer at all."""
    content_type = response.headers.get("content-type", "").lower()
    if content_type.startswith("text/html"):
        raise ProviderError("malformed", "the provider answered with a web page", status=response.status)
    return call.request.stream and not content_type.startswith("application/json")


class _Patience:
    """How long the next bytes of a stream may take.

    Until the first token all of them together have `first_byte` seconds, whatever else is sent to keep the connection
    alive; after it each silence has `between_bytes`.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        self._first_token: float | None = self._loop.time() + timeouts.first_byte
        self._between = timeouts.between_bytes

    def token_came(self) -> None:
        """From now on silences count."""
        self._first_token = None

    async def chunks(self, response: HttpResponse) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises TransportError of kind `timeout`, and what the transport raises."""
        coming = response.chunks()
        while True:
            until = self._first_token
            try:
                async with asyncio.timeout_at(self._loop.time() + self._between if until is None else until):
                    chunk = await anext(coming, None)
            except TimeoutError:
                what = "the answer went silent" if until is None else "the first token did not come in time"
                raise TransportError("timeout", what, sent=True) from None
            if chunk is None:
                return
            yield chunk


async def _stream(
    response: HttpResponse, reader: AnswerReader, patience: _Patience, key: str
) -> AsyncGenerator[Sequence[Delta], None]:
    """What has come is passed on before what fails; a cut after the last word and its finish reason harms nothing."""
    parser = SseParser()
    try:
        async with aclosing(patience.chunks(response)) as chunks:
            async for chunk in chunks:
                for event in parser.feed(chunk):
                    if deltas := reader.read_event(_shown(event, key)):
                        patience.token_came()
                    yield deltas
                    if reader.done:
                        return
    except TransportError:
        if not reader.finished:
            raise
        return
    for event in parser.close():
        yield reader.read_event(_shown(event, key))


def _shown(event: SseEvent, key: str) -> SseEvent:
    """The event; one that may tell of an error without the key, which some providers repeat in it."""
    return event._replace(data=without_key(event.data, key)) if b"error" in event.data else event


def json_request(call: ProviderCall, path: str, headers: dict[str, str], body: JsonObject) -> HttpRequest:
    """The POST that carries `body` to `path` below the provider's base URL."""
    common = {
        "content-type": "application/json",
        "accept": "text/event-stream" if call.request.stream else "application/json",
        "x-client-request-id": call.request_id,
    }
    # The transport knows no tokens: after the headers it waits as long as may be right, `_Patience` is stricter.
    longest = max(call.timeouts.first_byte, call.timeouts.between_bytes)
    timeouts = replace(call.timeouts, between_bytes=longest)
    return HttpRequest("POST", call.provider.base_url + path, common | headers, orjson.dumps(body), timeouts)
