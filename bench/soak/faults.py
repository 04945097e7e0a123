"""What may befall a call to a provider, or a request to the store: rows, drawn at random while the soak runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lib.contract import JsonObject
from tests.scripted.sayings import Saying, Tool, speaks
from tests.scripted.steps import (
    Act,
    Received,
    Reply,
    Step,
    answers_bytes,
    answers_json,
    byte_by_byte,
    delayed,
    event_bytes,
    fails,
    halved,
    interrupted,
    streams,
    with_inserted,
)

BAD_PARAMETER: Final = "400 bad parameter"
SHORTENED: Final = frozenset({"finish length", "finish content_filter", "tool call cut"})
"""Faults after which a proper answer is shorter than what was asked for, and says so by its finish reason."""


@dataclass(frozen=True, slots=True)
class Said:
    """The text a provider gives back to one call."""

    text: str

    @property
    def pieces(self) -> tuple[str, ...]:
        """Word by word."""
        first, *rest = self.text.split(" ")
        return (first, *(f" {word}" for word in rest))

    @property
    def whole(self) -> Step:
        """The proper answer."""
        return speaks(Saying(self.pieces))


def _error_event(request: Received) -> JsonObject:
    error: JsonObject = {"type": "overloaded_error", "code": "overloaded", "message": "scripted"}
    return {"type": "error", "error": error} if request.is_anthropic else {"error": error}


def _first_event_is_an_error(request: Received) -> Reply:
    return streams(_error_event(request), name_events=request.is_anthropic)(request)


def _error_within(said: Said) -> Step:
    def reply(request: Received) -> Reply:
        event = event_bytes(_error_event(request), named=request.is_anthropic)
        return with_inserted(said.whole, 3, event)(request)

    return reply


def _tool_call_cut(said: Said) -> Step:
    saying = Saying(tools=(Tool("call_1", "look_up", ('{"name": "it', "em")),), finish="tool_calls")

    def reply(request: Received) -> Reply:
        return speaks(saying)(request) if request.stream or not request.is_anthropic else said.whole(request)

    return reply


def _as_plain_text(said: Said) -> Step:
    def reply(request: Received) -> Reply:
        return replace(said.whole(request), headers={"content-type": "text/plain"})

    return reply


def _overlong(_: Received) -> Reply:
    return Reply((b" " * 1_000_000,) * 50)


def _half(said: Said, finish: str | None) -> Step:
    return speaks(Saying(said.pieces[:4], finish=finish))


def fault_step(name: str, said: Said) -> Step:
    """What a provider does under the fault of that name, asked for `said`."""
    rows: dict[str, Step] = {
        "500": fails(500),
        "503": fails(503),
        "529": fails(529, "overloaded_error"),
        "429 in seconds": fails(429, "rate_limit_error", retry_after="1"),
        "429 in ms": fails(429, "rate_limit_error", retry_after_ms="300"),
        "429 at a date": fails(429, "rate_limit_error", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        "429 absurd": fails(429, "rate_limit_error", retry_after="99999999999"),
        "401": fails(401, "authentication_error"),
        "402": fails(402, "insufficient_quota"),
        "403": fails(403, "permission_error"),
        "404 model": fails(404, "not_found_error"),
        BAD_PARAMETER: fails(400, "invalid_request_error", "scripted: no such parameter"),
        "400 context length": fails(400, "context_length_exceeded", "maximum context length is 10 tokens"),
        "silent before headers": delayed(said.whole),
        "silent after headers": with_inserted(said.whole, 0, Act.HOLD),
        "silent within": with_inserted(said.whole, 3, Act.HOLD),
        "reset before headers": delayed(said.whole, Act.RESET),
        "reset after headers": interrupted(said.whole, 0, Act.RESET),
        "reset within": interrupted(said.whole, 3, Act.RESET),
        "closed within": interrupted(said.whole, 3, Act.CLOSE),
        "ended within": interrupted(said.whole, 3, None),
        "html": answers_bytes(b"<html><body>Welcome</body></html>", "text/html"),
        "no json": answers_bytes(b"{garbage", "application/json"),
        "half json": halved(said.whole, Act.CLOSE),
        "no choices": answers_json({"id": "x", "object": "chat.completion", "model": "m", "choices": []}),
        "error with 200": answers_json({"error": {"message": "scripted", "type": "server_error"}}),
        "overlong": _overlong,
        "wrong type": _as_plain_text(said),
        "no events": streams(),
        "first event an error": _first_event_is_an_error,
        "error within": _error_within(said),
        "garbage within": with_inserted(said.whole, 3, b"data: {garbage\n\n"),
        "no finish": _half(said, None),
        "finish length": _half(said, "length"),
        "finish content_filter": _half(said, "content_filter"),
        "tool call cut": _tool_call_cut(said),
        "no usage": speaks(Saying(said.pieces, usage=None)),
        "comments": with_inserted(said.whole, 1, b": comment\r\n\r\nid: 7\r\n\r\n"),
        "byte by byte": byte_by_byte(said.whole),
    }
    return rows[name]


UPSTREAM: Final = (
    "500", "503", "529", "429 in seconds", "429 in ms", "429 at a date", "429 absurd", "401", "402", "403",
    "404 model", BAD_PARAMETER, "400 context length", "silent before headers", "silent after headers", "silent within",
    "reset before headers", "reset after headers", "reset within", "closed within", "ended within", "html", "no json",
    "half json", "no choices", "error with 200", "overlong", "wrong type", "no events", "first event an error",
    "error within", "garbage within", "no finish", "finish length", "finish content_filter", "tool call cut",
    "no usage", "comments", "byte by byte",
)  # fmt: skip
"""Names that `fault_step` knows."""
RARE: Final = frozenset({"overlong"})
"""Fifty megabytes each: drawn a twentieth as often."""
STORE: Final = (
    "refused", "drop", "drop after", "hang", "hang after", "slow", "flapping", "truncated", "half json", "short",
    "wrong shape", "wrong type", "unauthorized", "quota", "too many", "server error", "bad gateway", "html", "empty",
    "first command refused",
)  # fmt: skip
"""Names that the store's process knows."""
