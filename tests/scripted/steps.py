"""What a scripted provider does with one request: a `Step` turns it into a `Reply`, faults included.

A fault is a change to the reply of another step, so that each can befall any answer on either wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from lib.contract import JsonObject


class Act(Enum):
    """What a reply does between its bytes."""

    HOLD = "hold"
    """Say nothing until the provider's next `release()`."""
    RESET = "reset"
    """Break the connection off with a TCP reset."""
    CLOSE = "close"
    """Close the connection in an orderly way, whatever is still owed."""


@dataclass(frozen=True)
class Received:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: JsonObject

    @property
    def model(self) -> str:
        """The wire name asked for."""
        return str(self.body.get("model", ""))

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.body.get("stream") is True

    @property
    def is_anthropic(self) -> bool:
        """Whether it came over Anthropic's wire."""
        return self.path.endswith("/messages")


@dataclass(frozen=True)
class Reply:
    """One response. Each piece of a chunked body is written, and arrives, as a chunk of its own."""

    body: tuple[bytes | Act, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    chunked: bool = False
    before: tuple[Act, ...] = ()
    """Done before the status line is sent."""
    bare: bool = False
    """True when the body is all that is sent, status line and headers included."""
    hold_seconds: float = 0.0
    """How long an Act.HOLD lasts where a clock runs."""


Step: TypeAlias = Callable[[Received], Reply]


def gives(reply: Reply) -> Step:
    """The same reply whatever was asked."""
    return lambda _: reply


def answers_json(value: object, status: int = 200, **headers: str) -> Step:
    """A JSON document; in header names `_` stands for `-`."""
    return answers_bytes(json.dumps(value).encode(), "application/json", status, **headers)


def answers_bytes(body: bytes, content_type: str, status: int = 200, **headers: str) -> Step:
    """Any body of any type."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return gives(Reply((body,), status, {"content-type": content_type, **named}))


def fails(status: int, kind: str = "server_error", message: str = "scripted failure", **headers: str) -> Step:
    """An HTTP error; its body is an error on both wires. `kind` is its type and its code."""
    error = {"type": kind, "code": kind, "message": message, "param": None}
    return answers_json({"type": "error", "error": error}, status, **headers)


def sends(raw: bytes) -> Step:
    """These bytes instead of an HTTP response, then a close."""
    return gives(Reply((raw, Act.CLOSE), bare=True))


def streams(*events: str | JsonObject, name_events: bool = False) -> Step:
    """Server-sent events: objects as JSON, texts as they are (`[DONE]`, garbage); named by their type for Anthropic."""
    return gives(stream_reply(tuple(event_bytes(event, named=name_events) for event in events)))


def stream_reply(pieces: tuple[bytes | Act, ...]) -> Reply:
    """A chunked event stream."""
    return Reply(pieces, headers={"content-type": "text/event-stream; charset=utf-8"}, chunked=True)


def event_bytes(event: str | JsonObject, *, named: bool = False) -> bytes:
    """One event on the wire."""
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    name = f"event: {event['type']}\n" if named and isinstance(event, dict) else ""
    return f"{name}data: {data}\n\n".encode()


def interrupted(step: Step, after: int, act: Act | None) -> Step:
    """The first `after` pieces of a reply, then the act; None ends it there as if it were whole."""
    end = () if act is None else (act,)

    def reply(request: Received) -> Reply:
        whole = step(request)
        return replace(whole, body=(*whole.body[:after], *end))

    return reply


def with_inserted(step: Step, after: int, *pieces: bytes | Act) -> Step:
    """The reply with more pieces after its first `after` ones."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        return replace(whole, body=(*whole.body[:after], *pieces, *whole.body[after:]))

    return reply


def halved(step: Step, act: Act) -> Step:
    """The first half of a body in one piece, of a length that promised all of it, then the act."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        body = b"".join(piece for piece in whole.body if isinstance(piece, bytes))
        headers = {**whole.headers, "content-length": str(len(body))}
        return replace(whole, headers=headers, body=(body[: len(body) // 2], act), chunked=False)

    return reply


def delayed(step: Step, act: Act = Act.HOLD) -> Step:
    """The act before anything is sent: silence, or a connection broken off."""
    return lambda request: replace(step(request), before=(act,))


def byte_by_byte(step: Step) -> Step:
    """Each byte of the body in a chunk of its own."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        body = b"".join(piece for piece in whole.body if isinstance(piece, bytes))
        return replace(whole, body=tuple(body[i : i + 1] for i in range(len(body))), chunked=True)

    return reply
