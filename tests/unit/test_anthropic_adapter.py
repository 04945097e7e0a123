"""The Anthropic adapter at a provider that says and breaks what is scripted."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from lib.answer import Delta, FinishReason, Thought, ToolCall, Usage
from lib.catalog.rows import Protocol
from lib.contract import Json, JsonObject
from lib.errors import NextStep
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import (
    Act,
    Step,
    answers_bytes,
    answers_json,
    byte_by_byte,
    fails,
    halved,
    interrupted,
    streams,
    with_inserted,
)
from tests.support.provider_calls import KEY, Line, asking, line

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
WEATHER = Tool("toolu_1", "weather", ('{"city":', '"Paris"}'))


@pytest.fixture
async def wire() -> AsyncGenerator[Line, None]:
    async with line(Protocol.ANTHROPIC) as one:
        yield one


@BOTH
async def test_an_answer_comes_with_its_usage_model_and_finish_reason(wire: Line, *, stream: bool) -> None:
    usage: JsonObject = {"input_tokens": 12, "output_tokens": 3, "cache_read_input_tokens": 100}
    wire.provider.script("*", [speaks(Saying(("Par", "is."), usage=usage, model="claude-2026"))])
    heard = await wire.hear(asking(stream=stream))
    assert heard.text == "Paris."
    assert heard.whole.finish_reasons == (FinishReason.STOP,)
    assert heard.whole.usage == Usage(input_tokens=112, output_tokens=3, cached_input_tokens=100)
    assert heard.whole.served_model == "claude-2026"


@BOTH
async def test_the_provider_sees_the_key_the_version_and_the_request(wire: Line, *, stream: bool) -> None:
    await wire.hear(asking(stream=stream))
    request = wire.provider.requests[-1]
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in request.headers
    assert request.stream is stream


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("pause_turn", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
    ],
)
@BOTH
async def test_stop_reasons_are_told_in_openais_words(
    wire: Line, word: str, reason: FinishReason, *, stream: bool
) -> None:
    wire.provider.script("*", [says("text", finish=word)])
    assert (await wire.hear(asking(stream=stream))).whole.finish_reasons == (reason,)


@BOTH
async def test_tool_calls_are_put_together(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [says("Let me see.", tools=(WEATHER, Tool("toolu_2", "time", ())), finish="tool_calls")])
    heard = await wire.hear(asking(stream=stream))
    assert heard.text == "Let me see."
    assert heard.choices[0].tool_calls == (
        ToolCall("toolu_1", "weather", '{"city":"Paris"}'),
        ToolCall("toolu_2", "time", "{}"),
    )
    assert heard.whole.finish_reasons == (FinishReason.TOOL_CALLS,)


@BOTH
async def test_thinking_is_kept_apart_from_the_text(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(("4",), reasoning=("two and ", "two")))])
    heard = await wire.hear(asking(stream=stream))
    assert (heard.reasoning, heard.text) == ("two and two", "4")


@BOTH
async def test_single_bytes_make_the_same_answer(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [byte_by_byte(says("Grüße", " 🦊"))])
    assert (await wire.hear(asking(stream=stream))).text == "Grüße 🦊"


@BOTH
async def test_a_refused_answer_may_be_empty(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [says(finish="content_filter")])
    heard = await wire.hear(asking(stream=stream))
    assert heard.whole.finish_reasons == (FinishReason.CONTENT_FILTER,)


@BOTH
async def test_usage_that_never_comes_is_none(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(("a",), usage=None))])
    assert (await wire.hear(asking(stream=stream))).whole.usage is None


async def test_later_usage_replaces_earlier_and_nulls_replace_nothing(wire: Line) -> None:
    first: JsonObject = {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 4}
    later: JsonObject = {"input_tokens": None, "output_tokens": 3, "cache_read_input_tokens": None}
    events: tuple[JsonObject, ...] = (
        {"type": "message_start", "message": {"model": "m", "usage": first}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "So"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": later},
        {"type": "message_stop"},
    )
    wire.provider.script("*", [streams(*events, name_events=True)])
    usage = (await wire.hear(asking(stream=True))).whole.usage
    assert usage == Usage(input_tokens=13, output_tokens=3, cached_input_tokens=4)


async def test_what_anthropics_own_tools_do_is_not_passed_on_as_a_tool_call(wire: Line) -> None:
    start: JsonObject = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}}
    search: JsonObject = {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}
    events: tuple[JsonObject, ...] = (
        start,
        {"type": "content_block_start", "index": 0, "content_block": search},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"q"'}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "So"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {}}},
        {"type": "a_future_event"},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )
    wire.provider.script("*", [streams(*events, name_events=True)])
    heard = await wire.hear(asking(stream=True))
    assert heard.deltas == [Delta(text="So")]
    assert heard.whole.usage == Usage(input_tokens=1, output_tokens=4)


async def test_deltas_arrive_when_the_provider_sends_them_and_leaving_hangs_up(wire: Line) -> None:
    wire.provider.script("*", [with_inserted(says("one", "two"), 4, Act.HOLD)])
    events = wire.adapter.call(wire.call(asking(stream=True)))
    assert await anext(events) == Delta(text="one")
    await events.aclose()
    await wire.provider.until(lambda p: p.hang_ups == 1 and p.in_flight == 0)


NULL_TEXT: JsonObject = {"content": [{"type": "text", "text": None}], "stop_reason": "end_turn"}
NOT_AN_ANSWER: tuple[tuple[str, Step, str], ...] = (
    ("a web page", answers_bytes(b"<html>ok</html>", "text/html"), "malformed"),
    ("half a document", answers_bytes(b'{"content": [{"type"', "application/json"), "malformed"),
    ("another shape", answers_json({"hello": "world"}), "malformed"),
    ("no content", says(), "empty"),
    (
        "null for a text",
        answers_json(NULL_TEXT),
        "empty",
    ),
    ("an error", answers_json({"type": "error", "error": {"type": "overloaded_error"}}), "overloaded"),
    ("no stop reason", says("text", finish=None), "truncated"),
    ("an unknown stop reason", says("text", finish="tired"), "malformed"),
    ("tool use announced and not made", says("text", finish="tool_calls"), "malformed"),
    ("a body cut short", halved(says("text"), Act.CLOSE), "truncated"),
)


@pytest.mark.parametrize(
    ("step", "kind"), [case[1:] for case in NOT_AN_ANSWER], ids=[case[0] for case in NOT_AN_ANSWER]
)
async def test_what_is_no_whole_answer_is_an_error_and_nothing_is_shown(wire: Line, step: Step, kind: str) -> None:
    wire.provider.script("*", [step])
    heard = await wire.hear(asking())
    assert (heard.failure.kind, heard.failure.next_step) == (kind, NextStep.RETRY)
    assert heard.deltas == []


START: JsonObject = {"type": "message_start", "message": {"model": "m"}}
HELLO: JsonObject = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}
OVERLOADED: JsonObject = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
STOP: JsonObject = {"type": "message_stop"}
BROKEN_STREAMS: tuple[tuple[str, Step, str], ...] = (
    ("no events", streams(), "truncated"),
    ("a clean end in the middle", interrupted(says("Hello", "b"), 4, None), "truncated"),
    ("a clean end before message_stop", interrupted(says("Hello"), 6, None), "truncated"),
    ("a close before message_stop", interrupted(says("Hello"), 6, Act.CLOSE), "truncated"),
    ("a reset in the middle", interrupted(says("Hello", "b"), 4, Act.RESET), "truncated or reset"),
    ("message_stop without a stop reason", streams(START, HELLO, STOP, name_events=True), "truncated"),
    ("an error event", streams(START, HELLO, OVERLOADED, name_events=True), "overloaded"),
    ("a garbage line", streams(START, HELLO, "{broken json"), "malformed"),
    ("an empty answer", says(), "empty"),
    ("cut tool input", says(tools=(Tool("t", "f", ('{"a',)),), finish="tool_calls"), "malformed"),
    ("a web page", answers_bytes(b"<html></html>", "text/html"), "malformed"),
)


@pytest.mark.parametrize(
    ("step", "kind"), [case[1:] for case in BROKEN_STREAMS], ids=[case[0] for case in BROKEN_STREAMS]
)
async def test_a_broken_stream_ends_in_an_error(wire: Line, step: Step, kind: str) -> None:
    wire.provider.script("*", [step])
    heard = await wire.hear(asking(stream=True))
    assert heard.failure.kind in kind.split(" or ")
    assert heard.failure.next_step is NextStep.RETRY
    assert heard.text in ("", "Hello")


async def test_an_error_event_has_the_status_of_its_type(wire: Line) -> None:
    wire.provider.script("*", [streams(START, HELLO, OVERLOADED, name_events=True)])
    heard = await wire.hear(asking(stream=True))
    assert (heard.failure.status, heard.failure.message) == (529, "Overloaded")
    assert heard.text == "Hello"


async def test_an_http_error_comes_with_its_status_wait_and_words(wire: Line) -> None:
    wire.provider.script("*", [fails(529, "overloaded_error", "Overloaded", retry_after="4")])
    failure = (await wire.hear(asking())).failure
    assert (failure.kind, failure.status, failure.retry_after) == ("overloaded", 529, 4.0)


async def test_dropped_parameters_are_told(wire: Line) -> None:
    assert wire.adapter.dropped_params(wire.call(asking(seed=1, n=2))) == ("n", "seed")


async def test_a_message_it_cannot_take_fails_without_a_call(wire: Line) -> None:
    audio: JsonObject = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
    failure = (await wire.hear(asking({"role": "user", "content": [audio]}))).failure
    assert (failure.kind, failure.next_step) == ("unsupported", NextStep.NEXT_MODEL)
    assert wire.provider.requests == []


@BOTH
async def test_thoughts_come_with_their_signatures(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(("Paris.",), ("Well, ", "hm."), signature="c2ln"))])
    heard = await wire.hear(asking(stream=stream))
    assert heard.reasoning == "Well, hm."
    thoughts = [delta.thought for delta in heard.deltas if delta.thought]
    assert thoughts == [{"type": "thinking", "thinking": "Well, hm.", "signature": "c2ln"}]


@BOTH
async def test_a_thought_without_a_signature_is_words_only(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(("Paris.",), ("hm.",), signature=""))])
    heard = await wire.hear(asking(stream=stream))
    assert heard.reasoning == "hm."
    assert not any(delta.thought for delta in heard.deltas)


async def test_redacted_thoughts_are_kept_in_their_places(wire: Line) -> None:
    hidden: JsonObject = {"type": "redacted_thinking", "data": "eHh4"}
    content: list[Json] = [{"type": "text", "text": "One."}, hidden, {"type": "text", "text": "Two."}]
    message: JsonObject = {"type": "message", "role": "assistant", "model": "m", "content": content}
    wire.provider.script("*", [answers_json({**message, "stop_reason": "end_turn"})])
    (choice,) = (await wire.hear(asking())).choices
    assert (choice.text, choice.thoughts) == ("One.Two.", (Thought(hidden, 4),))


@BOTH
async def test_the_stop_sequence_that_ended_an_answer_is_told(wire: Line, *, stream: bool) -> None:
    message: JsonObject = {"type": "message", "role": "assistant", "model": "m", "content": []}
    ending: JsonObject = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    text: JsonObject = {"type": "text", "text": "x"}
    events: tuple[JsonObject, ...] = (
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": text},
        {"type": "message_delta", "delta": ending},
        {"type": "message_stop"},
    )
    whole: JsonObject = {**message, "content": [text], **ending}
    wire.provider.script("*", [streams(*events, name_events=True) if stream else answers_json(whole)])
    (choice,) = (await wire.hear(asking(stream=stream))).choices
    assert (choice.finish_reason, choice.stop_sequence) == (FinishReason.STOP, "END")
