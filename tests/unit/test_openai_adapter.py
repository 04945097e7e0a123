"""The OpenAI-compatible adapter at a provider that says and breaks what is scripted."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from lib.answer import Delta, FinishReason, ToolCall, ToolCallDelta, Usage
from lib.catalog.rows import ParamRules, Protocol
from lib.contract import Json, JsonObject
from lib.errors import NextStep
from lib.transport import Timeouts
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import (
    Act,
    Step,
    answers_bytes,
    answers_json,
    byte_by_byte,
    delayed,
    fails,
    halved,
    interrupted,
    sends,
    streams,
    with_inserted,
)
from tests.support.provider_calls import KEY, QUESTION, REQUEST_ID, Line, asking, hear, line, model

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
WEATHER = Tool("call_1", "weather", ('{"city":', '"Paris"}'))
CUT_WEATHER = Tool("call_1", "weather", ('{"city":', '"Par'))


@pytest.fixture
async def wire() -> AsyncGenerator[Line, None]:
    async with line(Protocol.OPENAI) as one:
        yield one


def chunk(delta: JsonObject, finish: str | None = None, **more: JsonObject) -> JsonObject:
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


@BOTH
async def test_an_answer_comes_with_its_usage_model_and_finish_reason(wire: Line, *, stream: bool) -> None:
    usage: JsonObject = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    wire.provider.script("*", [speaks(Saying(("Par", "is."), usage=usage, model="scripted-2026"))])
    heard = await wire.hear(asking(stream=stream))
    assert heard.text == "Paris."
    assert heard.whole.finish_reasons == (FinishReason.STOP,)
    assert heard.whole.usage == Usage(input_tokens=12, output_tokens=3)
    assert heard.whole.served_model == "scripted-2026"


@BOTH
async def test_the_provider_sees_the_key_the_request_and_its_id(wire: Line, *, stream: bool) -> None:
    await wire.hear(asking(stream=stream))
    request = wire.provider.requests[-1]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-client-request-id"] == REQUEST_ID
    assert request.body["messages"] == [QUESTION]


async def test_deltas_arrive_when_the_provider_sends_them(wire: Line) -> None:
    wire.provider.script("*", [with_inserted(says("one", "two"), 2, Act.HOLD)])
    events = wire.adapter.call(wire.call(asking(stream=True)))
    assert await anext(events) == Delta(text="one")
    await wire.provider.until(lambda p: p.stalled == 1)
    wire.provider.release()
    assert await anext(events) == Delta(text="two")
    await events.aclose()


async def test_leaving_the_answer_ends_the_exchange(wire: Line) -> None:
    wire.provider.script("*", [with_inserted(says("one", "two"), 2, Act.HOLD)])
    events = wire.adapter.call(wire.call(asking(stream=True)))
    await anext(events)
    await events.aclose()
    await wire.provider.until(lambda p: p.hang_ups == 1 and p.in_flight == 0)


async def test_a_finished_stream_leaves_its_connection_to_the_next_call(wire: Line) -> None:
    for _ in range(3):
        assert (await wire.hear(asking(stream=True))).text == "echo: What is the capital of France?"
    assert wire.provider.connections == 1


@BOTH
async def test_single_bytes_make_the_same_answer(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [byte_by_byte(says("Grüße", " 🦊"))])
    assert (await wire.hear(asking(stream=stream))).text == "Grüße 🦊"


@BOTH
async def test_tool_calls_are_put_together(wire: Line, *, stream: bool) -> None:
    time = Tool("call_2", "time", ("{}",))
    wire.provider.script("*", [says(tools=(WEATHER, time), finish="tool_calls")])
    choice = (await wire.hear(asking(stream=stream))).choices[0]
    assert choice.tool_calls == (
        ToolCall("call_1", "weather", '{"city":"Paris"}'),
        ToolCall("call_2", "time", "{}"),
    )
    assert choice.finish_reason is FinishReason.TOOL_CALLS


@BOTH
async def test_reasoning_is_kept_apart_from_the_text(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(("4",), reasoning=("two and ", "two")))])
    heard = await wire.hear(asking(stream=stream))
    assert (heard.reasoning, heard.text) == ("two and two", "4")


@BOTH
async def test_a_filtered_answer_may_be_empty(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [says(finish="content_filter")])
    heard = await wire.hear(asking(stream=stream))
    assert heard.whole.finish_reasons == (FinishReason.CONTENT_FILTER,)
    assert heard.text == ""


@BOTH
async def test_an_answer_whose_budget_went_into_reasoning_may_be_empty(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(reasoning=("hm",), finish="length"))])
    assert (await wire.hear(asking(stream=stream))).whole.finish_reasons == (FinishReason.LENGTH,)


async def test_usage_on_a_chunk_with_content_counts_and_the_last_one_wins(wire: Line) -> None:
    first = chunk({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 1})
    last = chunk({}, "stop", usage={"prompt_tokens": 7, "completion_tokens": 2})
    wire.provider.script("*", [streams(first, last, "[DONE]")])
    assert (await wire.hear(asking(stream=True))).whole.usage == Usage(input_tokens=7, output_tokens=2)


@BOTH
async def test_usage_that_never_comes_is_none(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [speaks(Saying(("a",), usage=None))])
    assert (await wire.hear(asking(stream=stream))).whole.usage is None


async def test_several_choices_are_told_apart(wire: Line) -> None:
    def of(index: int, text: str, finish: str | None = None) -> JsonObject:
        return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}

    steps = streams(of(0, "a"), of(1, "x"), of(0, "b", "stop"), of(1, "y", "length"), "[DONE]")
    wire.provider.script("*", [steps])
    heard = await wire.hear(asking(n=2, stream=True))
    assert [choice.text for choice in heard.choices] == ["ab", "xy"]
    assert heard.whole.finish_reasons == (FinishReason.STOP, FinishReason.LENGTH)


async def test_fewer_choices_than_asked_for_are_no_whole_answer(wire: Line) -> None:
    wire.provider.script("*", [says("only one")])
    assert (await wire.hear(asking(n=2))).failure.kind == "truncated"


async def test_a_provider_that_answers_a_stream_in_one_piece_is_understood(wire: Line) -> None:
    message: JsonObject = {"role": "assistant", "content": "whole"}
    wire.provider.script("*", [answers_json({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})])
    assert (await wire.hear(asking(stream=True))).text == "whole"


async def test_a_missing_tool_input_id_or_index_is_made_good(wire: Line) -> None:
    """Some providers give parallel calls the same index, no ids, or no arguments to a function that takes none."""
    one: JsonObject = {"index": 0, "id": "a", "function": {"name": "f"}}
    two: JsonObject = {"index": 0, "id": "b", "function": {"name": "g", "arguments": '{"x":1}'}}
    three: JsonObject = {"function": {"name": "h", "arguments": {"y": 2}}, "index": 5}
    wire.provider.script("*", [streams(chunk({"tool_calls": [one, two, three]}), chunk({}, "tool_calls"), "[DONE]")])
    heard = await wire.hear(asking(stream=True))
    calls = (
        ToolCall("a", "f", "{}"),
        ToolCall("b", "g", '{"x":1}'),
        ToolCall("call_req-of-the-test_0_2", "h", '{"y":2}'),
    )
    assert heard.choices[0].tool_calls == calls
    assert heard.deltas[-1] == Delta(tool_call=ToolCallDelta(0, arguments="{}"))


async def test_a_stream_that_ends_without_its_last_blank_line_is_whole(wire: Line) -> None:
    body = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n'
    wire.provider.script("*", [answers_bytes(body, "text/event-stream")])
    assert (await wire.hear(asking(stream=True))).text == "a"


async def test_chunks_without_choices_or_content_say_nothing(wire: Line) -> None:
    other: JsonObject = {"model": "m", "x_groq": {}}
    step = streams(other, chunk({"content": ""}), chunk({"content": "a"}), chunk({}, "stop"), "[DONE]")
    wire.provider.script("*", [step])
    assert (await wire.hear(asking(stream=True))).deltas == [Delta(text="a")]


async def test_content_in_parts_and_the_older_function_call_are_understood(wire: Line) -> None:
    thinking: JsonObject = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    message: JsonObject = {
        "content": [thinking, {"type": "text", "text": "Let me see."}],
        "function_call": {"name": "weather", "arguments": "{}"},
    }
    wire.provider.script("*", [answers_json({"choices": [{"message": message, "finish_reason": "function_call"}]})])
    choice = (await wire.hear(asking())).choices[0]
    assert (choice.reasoning, choice.text) == ("hm", "Let me see.")
    assert choice.tool_calls == (ToolCall("call_req-of-the-test_0_0", "weather", "{}"),)
    assert choice.finish_reason is FinishReason.TOOL_CALLS


async def test_a_refusal_and_log_probabilities_are_passed_on(wire: Line) -> None:
    logprobs: JsonObject = {"content": [{"token": "a", "logprob": -0.1}]}
    choice: JsonObject = {"index": 0, "message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}
    wire.provider.script("*", [answers_json({"choices": [{**choice, "logprobs": logprobs}]})])
    assert (await wire.hear(asking())).deltas == [Delta(refusal="No.", logprobs=logprobs)]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("eos", FinishReason.STOP),
        ("STOP", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
    ],
)
async def test_other_words_for_a_finish_reason_are_known(wire: Line, word: str, reason: FinishReason) -> None:
    wire.provider.script("*", [says("a", finish=word)])
    assert (await wire.hear(asking())).whole.finish_reasons == (reason,)


async def test_an_answer_of_endless_tool_calls_is_malformed(wire: Line) -> None:
    calls: list[Json] = [{"id": f"c{i}", "function": {"name": "f", "arguments": "{}"}} for i in range(1_001)]
    wire.provider.script("*", [answers_json({"choices": [{"message": {"tool_calls": calls}}]})])
    assert (await wire.hear(asking())).failure.kind == "malformed"


async def test_dropped_parameters_are_told(wire: Line) -> None:
    one = wire.call(asking(temperature=0.5), model(ParamRules(drop=frozenset({"temperature"}))))
    assert wire.adapter.dropped_params(one) == ("temperature",)


async def test_a_cut_after_the_finish_reason_harms_nothing(wire: Line) -> None:
    wire.provider.script("*", [interrupted(says("a", "b"), 4, Act.CLOSE), interrupted(says("a", "b"), 4, None)])
    for _ in range(2):
        heard = await wire.hear(asking(stream=True))
        assert heard.text == "ab"
        assert heard.whole.usage is None


CHOICE_THREE: JsonObject = {"choices": [{"index": 3, "message": {"content": "x"}, "finish_reason": "stop"}]}
NOT_AN_ANSWER: tuple[tuple[str, Step, str], ...] = (
    ("a web page", answers_bytes(b"<html>ok</html>", "text/html"), "malformed"),
    ("a web page that claims to be JSON", answers_bytes(b"<html>ok</html>", "application/json"), "malformed"),
    ("an empty body", answers_bytes(b"", "application/json"), "malformed"),
    ("no content", answers_bytes(b"", "application/json", 204), "malformed"),
    ("half a document", answers_bytes(b'{"choices": [{"message"', "application/json"), "malformed"),
    ("a list", answers_json([]), "malformed"),
    ("another shape", answers_json({"hello": "world"}), "malformed"),
    ("no choices", answers_json({"choices": []}), "malformed"),
    (
        "text not in UTF-8",
        answers_bytes(b'{"choices":[{"message":{"content":"\xff"}}]}', "application/json"),
        "malformed",
    ),
    ("an error", answers_json({"error": {"message": "busy", "type": "overloaded_error"}}), "overloaded"),
    ("an error with a numeric code", answers_json({"error": {"message": "slow down", "code": 429}}), "rate_limited"),
    ("an unknown error", answers_json({"error": {"message": "odd", "type": "odd"}}), "server_error"),
    ("a flat error", answers_json({"object": "error", "message": "no", "type": "rate_limit_error"}), "rate_limited"),
    ("an empty text", says(), "empty"),
    ("no finish reason", says("text", finish=None), "truncated"),
    ("an unknown finish reason", says("text", finish="tired"), "malformed"),
    ("tool calls announced and not made", says("text", finish="tool_calls"), "malformed"),
    ("cut tool arguments", says(tools=(CUT_WEATHER,), finish="tool_calls"), "malformed"),
    ("a tool call without a name", says(tools=(Tool("c", "", ("{}",)),), finish="tool_calls"), "malformed"),
    ("a body cut short", halved(says("text"), Act.CLOSE), "truncated"),
    ("a reset before the headers", delayed(says("text"), Act.RESET), "reset"),
    ("a close before the headers", delayed(says("text"), Act.CLOSE), "reset"),
    ("bytes that are not HTTP", sends(b"SSH-2.0-OpenSSH_9.6\r\n"), "malformed"),
    ("a redirect", answers_bytes(b"", "text/html", 302, location="http://127.0.0.1:9/"), "redirect"),
    ("a choice nobody asked for", answers_json(CHOICE_THREE), "malformed"),
    ("a body without end", answers_bytes(b" " * (17 << 20), "application/json"), "too_large"),
)


@pytest.mark.parametrize(
    ("step", "kind"), [case[1:] for case in NOT_AN_ANSWER], ids=[case[0] for case in NOT_AN_ANSWER]
)
async def test_what_is_no_whole_answer_is_an_error_and_nothing_is_shown(wire: Line, step: Step, kind: str) -> None:
    wire.provider.script("*", [step])
    heard = await wire.hear(asking())
    assert heard.failure.kind == kind
    assert heard.failure.next_step is (NextStep.NEXT_MODEL if kind == "redirect" else NextStep.RETRY)
    assert heard.deltas == []


HELLO = chunk({"content": "Hello"})
BROKEN_STREAMS: tuple[tuple[str, Step, str], ...] = (
    ("no events", streams(), "truncated"),
    ("only comments", answers_bytes(b": nothing\n\n", "text/event-stream"), "truncated"),
    ("[DONE] and no finish reason", says("Hello", finish=None), "truncated"),
    ("a clean end in the middle", interrupted(says("Hello", "b"), 2, None), "truncated"),
    ("a close in the middle", interrupted(says("Hello", "b"), 2, Act.CLOSE), "truncated"),
    ("a reset in the middle", interrupted(says("Hello", "b"), 2, Act.RESET), "truncated or reset"),
    ("a garbage line", streams(HELLO, "{broken json", chunk({}, "stop"), "[DONE]"), "malformed"),
    ("a number for an event", streams(HELLO, "7", chunk({}, "stop"), "[DONE]"), "malformed"),
    ("an error event", streams(HELLO, {"error": {"message": "x", "type": "server_error"}}), "server_error"),
    ("an overloaded provider", streams(HELLO, {"error": {"message": "x", "code": 503}}), "overloaded"),
    ("an empty answer", says(), "empty"),
    ("an unknown finish reason", says("Hello", finish="tired"), "malformed"),
    ("cut tool arguments", says(tools=(CUT_WEATHER,), finish="tool_calls"), "malformed"),
    ("an event without end", streams("x" * (2 << 20)), "malformed"),
    ("a web page", answers_bytes(b"<html></html>", "text/html; charset=utf-8"), "malformed"),
    ("text that is no event stream", answers_bytes(b"upstream connect error", "text/plain"), "truncated"),
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


@BOTH
async def test_a_silence_before_the_headers_is_a_timeout(wire: Line, *, stream: bool) -> None:
    wire.provider.script("*", [delayed(says("late"))])
    one = wire.call(asking(stream=stream), timeouts=Timeouts(first_byte=0.05, between_bytes=0.05))
    assert (await hear(wire.adapter, one)).failure.kind == "timeout"


async def test_a_silence_in_the_middle_is_a_timeout_after_what_has_come(wire: Line) -> None:
    wire.provider.script("*", [with_inserted(says("Hello", "late"), 2, Act.HOLD)])
    one = wire.call(asking(stream=True), timeouts=Timeouts(first_byte=5.0, between_bytes=0.05))
    heard = await hear(wire.adapter, one)
    assert heard.failure.kind == "timeout"
    assert heard.text == "Hello"


async def test_a_provider_that_is_not_there_is_a_connect_error(wire: Line) -> None:
    one = wire.call(asking())
    await wire.provider.__aexit__(None, None, None)
    failure = (await hear(wire.adapter, one)).failure
    assert (failure.kind, failure.next_step) == ("connect", NextStep.RETRY)


async def test_an_http_error_comes_with_its_status_wait_and_words(wire: Line) -> None:
    wire.provider.script("*", [fails(429, "rate_limit_error", "slow down", retry_after="7")])
    failure = (await wire.hear(asking())).failure
    assert (failure.kind, failure.status, failure.retry_after) == ("rate_limited", 429, 7.0)
    assert failure.message == "slow down"
    assert failure.next_step is NextStep.RETRY


async def test_the_key_is_never_repeated_from_a_providers_error(wire: Line) -> None:
    wire.provider.script("*", [fails(401, "invalid_api_key", f"Incorrect API key provided: {KEY}.")])
    failure = (await wire.hear(asking())).failure
    assert KEY not in str(failure)
    assert failure.message == "Incorrect API key provided: [key]."


async def test_an_error_whose_body_is_cut_keeps_its_status(wire: Line) -> None:
    wire.provider.script("*", [halved(fails(503), Act.CLOSE)])
    failure = (await wire.hear(asking())).failure
    assert (failure.kind, failure.status) == ("overloaded", 503)
