"""From the pipeline's events to bytes: which protocol, and the loop that drives an encoder.

An encoder is a plain object that turns one event into bytes; the loop sees to it that a stream that broke never looks
like one that ended.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Final, Protocol

import orjson

from lib.answer import Delta, Done, Event, FinishReason, Opened, Restarted
from lib.errors import GatewayError, InvalidRequest
from lib.web.asgi import Headers, RawHeader

PROTOCOL_HEADER: Final = "x-ai-stream-protocol"
EVENT_STREAM: Final = "text/event-stream"
DONE: Final = b"data: [DONE]\n\n"
INCOMPLETE: Final = "The answer ended before it was complete."
KEEP_ALIVE: Final = b": keep-alive\n\n"
SSE_HEADERS: Final[tuple[RawHeader, ...]] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""`connection: keep-alive` is left to the server: it is not the application's to set (ASGI, RFC 9110 7.6.1)."""


class Encoding(StrEnum):
    """How an answer is sent."""

    JSON = "json"
    OPENAI = "openai"
    """Chat-completions chunks as server-sent events."""
    UI = "ui"
    """AI SDK's UI message stream, version 1."""


class StreamEncoder(Protocol):
    """One stream in one protocol; it remembers what it has opened and is used for one answer."""

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """Of the response."""
        ...

    @property
    def keep_alive(self) -> bytes:
        """What is sent into a silence; clients skip it."""
        ...

    def opened(self, event: Opened) -> bytes:
        """What begins a stream."""
        ...

    def restarted(self, event: Restarted) -> bytes:
        """What tells the caller that all text so far is void."""
        ...

    def delta(self, event: Delta) -> bytes:
        """One piece, perhaps empty."""
        ...

    def done(self, event: Done) -> bytes:
        """What ends a successful stream."""
        ...

    def failed(self, error: GatewayError) -> bytes:
        """What ends a broken stream, in words the protocol's clients take for an error."""
        ...


def choose(*, ui: bool, stream: bool | None, headers: Headers) -> Encoding:
    """The answer's protocol: the header `x-ai-stream-protocol`, else the shape of the messages, `stream` and Accept.

    useChat always reads a stream, so UIMessages get one even where the body says nothing. `stream: false` with
    OpenAI's messages is JSON whatever else is said. Raises InvalidRequest for an unknown protocol.
    """
    named = headers.get(PROTOCOL_HEADER, "").strip().lower()
    if named not in ("", Encoding.OPENAI, Encoding.UI):
        raise InvalidRequest("The stream protocol must be openai or ui.", param=PROTOCOL_HEADER)
    if not ui and stream is False:
        return Encoding.JSON
    if named:
        return Encoding(named)
    if ui:
        return Encoding.UI
    accepts = any(kind.strip().startswith(EVENT_STREAM) for kind in headers.get("accept", "").lower().split(","))
    return Encoding.OPENAI if stream or accepts else Encoding.JSON


async def encode(events: AsyncGenerator[Event, None], encoder: StreamEncoder) -> AsyncGenerator[bytes, None]:
    """The stream's bytes, one piece per event, until `Done`; closing the source is the caller's.

    A GatewayError comes through, and so does a source that stops before `Done`: `encoder.failed` has the words for it.
    """
    async for event in events:
        if isinstance(event, Delta):
            yield encoder.delta(event)
        elif isinstance(event, Done):
            yield encoder.done(event)
            return
        elif isinstance(event, Restarted):
            yield encoder.restarted(event)
        else:
            yield encoder.opened(event)
    raise GatewayError(INCOMPLETE)


def usd(micro_usd: int) -> float:
    """Dollars, for people; sums are made in micro-dollars."""
    return micro_usd / 1_000_000


def sse(payload: object) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def ui_finish_reason(reason: FinishReason) -> str:
    """AI SDK spells finish reasons with a hyphen."""
    return reason.value.replace("_", "-")
