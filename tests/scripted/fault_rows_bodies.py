"""Faults of a body that comes with status 200: not JSON, not whole, not an answer."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Final

from lib.contract import Json, JsonObject
from tests.scripted.faults import OPENAI, Fault, Outcome, Scene
from tests.scripted.sayings import Saying, Tool, anthropic_message, openai_completion
from tests.scripted.steps import (
    Act,
    Received,
    Reply,
    Step,
    answers_bytes,
    answers_json,
    gives,
    halved,
    stream_reply,
    streams,
)

ANSWER, FALLBACK, BROKEN = Outcome.ANSWER, Outcome.FALLBACK, Outcome.BROKEN
JSON_TYPE: Final = "application/json"
PAGE: Final = b"<!doctype html><title>Welcome</title><p>The answer is on another page.</p>"
FAILURE: Final[JsonObject] = {"type": "server_error", "code": "server_error", "message": "scripted failure"}
OVERLONG: Final = 50_000_000


def by_form(whole: Step, stream: Step) -> Step:
    """One step for answers in one piece, another for streams."""
    return lambda request: (stream if request.stream else whole)(request)


def whole_answer(scene: Scene, request: Received) -> JsonObject:
    """The answer in one piece, on the wire that was asked on."""
    put = anthropic_message if request.is_anthropic else openai_completion
    return put(scene.saying, request)


def as_whole(step: Step) -> Step:
    """The reply to the same request for an answer in one piece."""
    return lambda request: step(replace(request, body={**request.body, "stream": False}))


def as_stream(step: Step) -> Step:
    """The reply to the same request for a stream."""
    return lambda request: step(replace(request, body={**request.body, "stream": True}))


def truncated_json(scene: Scene) -> Step:
    """A whole HTTP response whose JSON stops in the middle of the text."""

    def reply(request: Received) -> Reply:
        body = json.dumps(whole_answer(scene, request)).encode()
        return answers_bytes(body[: len(body) // 2], JSON_TYPE)(request)

    return reply


def no_choices(scene: Scene) -> Step:
    """An answer that is complete in form and holds nothing."""

    def reply(request: Received) -> Reply:
        answer = whole_answer(scene, request)
        nothing: list[Json] = []
        answer["content" if request.is_anthropic else "choices"] = nothing
        return answers_json(answer)(request)

    def stream(request: Received) -> Reply:
        answer = whole_answer(scene, request)
        if request.is_anthropic:
            message: JsonObject = {**answer, "content": [], "stop_reason": None}
            stop: JsonObject = {"stop_reason": "end_turn", "stop_sequence": None}
            events: tuple[JsonObject, ...] = (
                {"type": "message_start", "message": message},
                {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 1}},
                {"type": "message_stop"},
            )
            return streams(*events, name_events=True)(request)
        chunk: JsonObject = {**answer, "object": "chat.completion.chunk", "choices": []}
        return streams(chunk, chunk, "[DONE]")(request)

    return by_form(reply, stream)


@cache
def padding() -> bytes:
    """50 MB of text, made once."""
    return b"much too long " * (OVERLONG // 14)


def overlong(scene: Scene) -> Step:
    """50 MB of answer, as one JSON document or as one event."""

    def reply(request: Received) -> Reply:
        answer = json.dumps(whole_answer(replace(scene, saying=Saying(("%",))), request)).encode()
        before, _, after = answer.partition(b"%")
        size = len(before) + len(padding()) + len(after)
        headers = {"content-type": JSON_TYPE, "content-length": str(size)}
        return Reply((before, padding(), after), headers=headers)

    return by_form(reply, gives(stream_reply((b'data: {"padding": "', padding(), b'"}\n\n'))))


def plain_text(scene: Scene) -> Step:
    """The right answer under the wrong content type."""
    return lambda request: replace(scene.good(request), headers={"content-type": "text/plain"})


def refused(scene: Scene) -> Step:
    """The model refuses, in the field that OpenAI has for it."""

    def reply(request: Received) -> Reply:
        answer = json.dumps(whole_answer(scene, request), ensure_ascii=False)
        said = json.dumps("".join(scene.saying.pieces), ensure_ascii=False)
        turned = answer.replace(f'"content": {said}, "refusal": null', f'"content": null, "refusal": {said}')
        return answers_bytes(turned.encode(), JSON_TYPE)(request)

    def stream(request: Received) -> Reply:
        whole = scene.good(request)
        pieces = (
            p.replace(b'"delta": {"content":', b'"delta": {"refusal":') for p in whole.body if isinstance(p, bytes)
        )
        return replace(whole, body=tuple(pieces))

    return by_form(reply, stream)


BODIES: Final = (
    Fault(
        name="web-page",
        what="HTML with status 200",
        befall=lambda _: answers_bytes(PAGE, "text/html; charset=utf-8"),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"malformed"}),
    ),
    Fault(
        name="invalid-json",
        what="not JSON",
        befall=lambda _: by_form(answers_bytes(b'{"choices": oops}', JSON_TYPE), streams('{"choices": oops}')),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"malformed"}),
    ),
    Fault(
        name="truncated-json",
        what="JSON that stops in the middle",
        befall=truncated_json,
        whole=FALLBACK,
        kinds=frozenset({"malformed"}),
    ),
    Fault(
        name="cut-body",
        what="body shorter than its content-length",
        befall=lambda scene: halved(scene.good, Act.CLOSE),
        whole=FALLBACK,
        kinds=frozenset({"truncated"}),
    ),
    Fault(
        name="reset-body",
        what="connection reset in the middle of the body",
        befall=lambda scene: halved(scene.good, Act.RESET),
        whole=FALLBACK,
        kinds=frozenset({"truncated", "reset"}),
    ),
    Fault(
        name="no-choices",
        what="no choices, no content blocks",
        befall=no_choices,
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"malformed", "empty", "truncated"}),
    ),
    Fault(
        name="empty-answer",
        what="an answer without a word",
        befall=lambda scene: scene.good,
        saying=lambda _: Saying(),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"empty"}),
    ),
    Fault(
        name="error-with-200",
        what="an error object with status 200",
        befall=lambda _: answers_json({"type": "error", "error": FAILURE}),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"server_error"}),
    ),
    Fault(
        name="overlong",
        what="50 MB",
        befall=overlong,
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"too_large", "malformed"}),
    ),
    Fault(
        name="plain-text",
        what="the right answer as text/plain",
        befall=plain_text,
        whole=ANSWER,
        stream=ANSWER,
    ),
    Fault(
        name="unasked-stream",
        what="a stream where JSON was asked for",
        befall=lambda scene: as_stream(scene.good),
        whole=FALLBACK,
        kinds=frozenset({"malformed"}),
    ),
    Fault(
        name="unasked-json",
        what="JSON where a stream was asked for",
        befall=lambda scene: as_whole(scene.good),
        stream=ANSWER,
    ),
    Fault(
        name="truncated-arguments",
        what="a tool call whose arguments stop in the middle",
        befall=lambda scene: scene.good,
        saying=lambda s: replace(s, tools=(Tool("call_1", "weather", ('{"city": "Par',)),), finish="tool_calls"),
        whole=FALLBACK,
        stream=BROKEN,
        kinds=frozenset({"malformed"}),
        wires=frozenset({OPENAI}),
    ),
    Fault(
        name="content-filter",
        what="stopped by the content filter",
        befall=lambda scene: scene.good,
        saying=lambda saying: replace(saying, finish="content_filter"),
        whole=ANSWER,
        stream=ANSWER,
    ),
    Fault(
        name="out-of-tokens",
        what="stopped at the longest answer allowed",
        befall=lambda scene: scene.good,
        saying=lambda saying: replace(saying, finish="length"),
        whole=ANSWER,
        stream=ANSWER,
    ),
    Fault(
        name="refusal",
        what="a refusal in its own field",
        befall=refused,
        whole=ANSWER,
        stream=ANSWER,
        wires=frozenset({OPENAI}),
    ),
)
