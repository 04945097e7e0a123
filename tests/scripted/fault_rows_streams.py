"""Faults of streams, and oddities that harm nothing and must not be taken for faults."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from lib.contract import JsonObject
from tests.scripted.fault_rows_bodies import FAILURE
from tests.scripted.faults import ANTHROPIC, MIDDLE, OPENAI, Fault, Outcome, Scene
from tests.scripted.sayings import Saying, Tool
from tests.scripted.steps import (
    Act,
    Received,
    Reply,
    Step,
    byte_by_byte,
    event_bytes,
    gives,
    interrupted,
    stream_reply,
    with_inserted,
)

ANSWER, FALLBACK, BROKEN = Outcome.ANSWER, Outcome.FALLBACK, Outcome.BROKEN
ERROR_EVENT: Final[JsonObject] = {"type": "error", "error": FAILURE}
TINY: Final = 10_000


def all_but_the_last(step: Step) -> Step:
    """The stream without its last event."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        return replace(whole, body=whole.body[:-1])

    return reply


def last_but_one_twice(step: Step) -> Step:
    """The event with the final usage sent twice."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        return replace(whole, body=(*whole.body[:-1], *whole.body[-2:]))

    return reply


def usage_on_content(step: Step) -> Step:
    """A growing usage on every chunk, with or without content."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        pieces: list[bytes] = []
        for written, piece in enumerate(piece for piece in whole.body if isinstance(piece, bytes)):
            usage = json.dumps({"prompt_tokens": 7, "completion_tokens": written, "total_tokens": 7 + written})
            pieces.append(piece.replace(b'"usage": null', b'"usage": ' + usage.encode()))
        return replace(whole, body=tuple(pieces))

    return reply


def in_threes(step: Step) -> Step:
    """The same bytes, three at a time: borders fall into characters, line ends and events."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        body = b"".join(piece for piece in whole.body if isinstance(piece, bytes))
        return replace(whole, body=tuple(body[i : i + 3] for i in range(0, len(body), 3)), chunked=True)

    return reply


def loosely_written(step: Step) -> Step:
    """Everything the event stream format allows: CRLF, comments, ids, retry, data over several lines, a BOM."""

    def reply(request: Received) -> Reply:
        whole = step(request)
        pieces = [_loose(number, piece) for number, piece in enumerate(whole.body) if isinstance(piece, bytes)]
        return replace(whole, body=(b"\xef\xbb\xbf: welcome\r\nretry: 3000\r\n\r\n", *pieces))

    return reply


def _loose(number: int, piece: bytes) -> bytes:
    name, _, data = piece.decode().strip().rpartition("data: ")
    if data.startswith("{"):
        data = json.dumps(json.loads(data), indent=1, ensure_ascii=False)
    lines = [": keep-alive", f"id: {number}", *name.split("\n")[:-1], *(f"data:{line}" for line in data.split("\n"))]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def error_event(scene: Scene) -> Step:
    """An error in the middle of the answer, and the stream's end."""

    def reply(request: Received) -> Reply:
        event = event_bytes(ERROR_EVENT, named=request.is_anthropic)
        whole = interrupted(scene.good, MIDDLE, None)(request)
        return replace(whole, body=(*whole.body, event))

    return reply


def error_first(_: Scene) -> Step:
    """A stream that has nothing but an error."""
    return lambda request: stream_reply((event_bytes(ERROR_EVENT, named=request.is_anthropic),))


def broken(name: str, what: str, end: Act | None, *kinds: str) -> Fault:
    """A stream that stops in the middle."""
    return Fault(
        name=name,
        what=what,
        befall=lambda scene: interrupted(scene.good, MIDDLE, end),
        stream=BROKEN,
        kinds=frozenset(kinds),
    )


STREAMS: Final = (
    Fault(
        name="zero-events",
        what="a stream without an event",
        befall=lambda _: gives(stream_reply(())),
        stream=FALLBACK,
        kinds=frozenset({"truncated"}),
    ),
    Fault(
        name="first-event-error",
        what="the first event is an error",
        befall=error_first,
        stream=FALLBACK,
        kinds=frozenset({"server_error"}),
    ),
    Fault(
        name="slow-first-token",
        what="6 s before the first word",
        befall=lambda scene: with_inserted(scene.good, 1, Act.HOLD),
        stream=FALLBACK,
        kinds=frozenset({"timeout"}),
        tries=1,
        silence=6.0,
    ),
    broken("cut-by-reset", "connection reset in the middle", Act.RESET, "reset", "truncated"),
    broken("cut-by-close", "connection closed in the middle", Act.CLOSE, "truncated"),
    broken("ended-early", "a proper end in the middle", None, "truncated"),
    Fault(
        name="done-without-finish",
        what="an end mark without a finish reason",
        befall=lambda scene: scene.good,
        saying=lambda saying: replace(saying, finish=None),
        stream=BROKEN,
        kinds=frozenset({"truncated"}),
    ),
    Fault(
        name="no-message-stop",
        what="no message_stop",
        befall=lambda scene: all_but_the_last(scene.good),
        stream=BROKEN,
        kinds=frozenset({"truncated"}),
        wires=frozenset({ANTHROPIC}),
    ),
    Fault(
        name="error-event",
        what="an error event in the middle",
        befall=error_event,
        stream=BROKEN,
        kinds=frozenset({"server_error"}),
    ),
    Fault(
        name="stall",
        what="12 s of silence in the middle",
        befall=lambda scene: with_inserted(scene.good, MIDDLE, Act.HOLD),
        stream=BROKEN,
        kinds=frozenset({"timeout"}),
        tries=1,
        silence=12.0,
    ),
    Fault(
        name="garbage-event",
        what="an event in the middle that is not JSON",
        befall=lambda scene: with_inserted(scene.good, MIDDLE, b'data: {"choices": [{"del\n\n'),
        stream=BROKEN,
        kinds=frozenset({"malformed"}),
    ),
    Fault(
        name="truncated-input",
        what="a tool call whose input stops in the middle",
        befall=lambda scene: scene.good,
        saying=lambda s: replace(s, tools=(Tool("toolu_1", "weather", ('{"city"', ': "Par')),), finish="tool_calls"),
        stream=BROKEN,
        kinds=frozenset({"malformed"}),
        wires=frozenset({ANTHROPIC}),
    ),
)

HARMLESS: Final = (
    Fault(
        name="no-done-mark",
        what="finish reason, but no [DONE]",
        befall=lambda scene: all_but_the_last(scene.good),
        stream=ANSWER,
        wires=frozenset({OPENAI}),
    ),
    Fault(
        name="garbage-line",
        what="a line that is no field, which the format says to ignore",
        befall=lambda scene: with_inserted(scene.good, MIDDLE, b"%%% what is this\n"),
        stream=ANSWER,
    ),
    Fault(
        name="split-characters",
        what="chunk borders inside UTF-8 characters",
        befall=lambda scene: in_threes(scene.good),
        whole=ANSWER,
        stream=ANSWER,
    ),
    Fault(
        name="one-byte-chunks",
        what="one byte per chunk",
        befall=lambda scene: byte_by_byte(scene.good),
        whole=ANSWER,
        stream=ANSWER,
    ),
    Fault(
        name="loose-events",
        what="CRLF, comments, ids, data over several lines",
        befall=lambda scene: loosely_written(scene.good),
        stream=ANSWER,
    ),
    Fault(
        name="tiny-chunks",
        what="10,000 tiny chunks",
        befall=lambda scene: scene.good,
        saying=lambda _: Saying(tuple(f"{number % 10} " for number in range(TINY))),
        stream=ANSWER,
    ),
    Fault(
        name="usage-missing",
        what="no usage",
        befall=lambda scene: scene.good,
        saying=lambda saying: replace(saying, usage=None),
        whole=ANSWER,
        stream=ANSWER,
    ),
    Fault(
        name="usage-twice",
        what="the final usage sent twice",
        befall=lambda scene: last_but_one_twice(scene.good),
        stream=ANSWER,
    ),
    Fault(
        name="usage-on-content",
        what="usage on every chunk",
        befall=lambda scene: usage_on_content(scene.good),
        stream=ANSWER,
        wires=frozenset({OPENAI}),
    ),
)
