"""Answers as Anthropic's clients read them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lib.answer import Choice, Delta, Done, Event, FinishReason, Thought, ToolCall, Usage
from lib.answer import ToolCallDelta as Piece
from lib.contract import Json, JsonObject
from lib.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    GatewayError,
    InvalidRequest,
    NotFound,
    Overloaded,
    PermissionDenied,
    RateLimited,
    RequestTooLarge,
    UpstreamFailed,
)
from lib.web.encode_anthropic import PING, AnthropicEncoder, error_object, message, usage
from lib.web.encoders import encode
from tests.support.asgi_client import json_object
from tests.support.conversations import data_of, streamed_message
from tests.support.events import REPORT, answer_of, done_of, stream, text_events, tool_events

SIGNED: JsonObject = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
HIDDEN: JsonObject = {"type": "redacted_thinking", "data": "eHh4"}
A, B = ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")


async def events_of(events: Iterable[Event | Exception]) -> list[JsonObject]:
    encoder = AnthropicEncoder(request_id="req-1", input_tokens=9)
    return [json_object(data) for data in data_of(b"".join([piece async for piece in encode(stream(events), encoder)]))]


async def content_of(*deltas: Delta, choice: Choice | None = None) -> Json:
    """What a client makes of a stream, which must be what the answer in one piece holds."""
    done = done_of(choice) if choice else text_events()[-1]
    streamed = streamed_message(await events_of([text_events()[0], *deltas, done]))["content"]
    if choice is not None and isinstance(streamed, list):
        plain = [{name: value for name, value in block.items() if value is not None} for block in blocks(choice)]
        assert streamed == plain
    return streamed


def blocks(choice: Choice) -> list[JsonObject]:
    content = message(done_of(choice), "req-1")["content"]
    assert isinstance(content, list)
    return [block for block in content if isinstance(block, dict)]


def tool(index: int, call_id: str = "", name: str = "", arguments: str = "") -> Delta:
    return Delta(tool_call=Piece(index, call_id, name, arguments))


async def test_a_text_begins_grows_and_ends() -> None:
    events = await events_of(text_events("Hello", ", you"))
    assert [event["type"] for event in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"] == {
        "id": "msg_req-1",
        "type": "message",
        "role": "assistant",
        "model": "openai/gpt-4o",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2]["usage"] == usage(text_answer_usage())


def text_answer_usage() -> Usage:
    return answer_of(Choice()).usage


async def test_thoughts_are_streamed_and_sealed_in_their_places() -> None:
    choice = Choice(
        text="One.Two.",
        reasoning="Hm.Hm.",
        thoughts=(Thought(SIGNED), Thought(HIDDEN), Thought(SIGNED, 4)),
    )
    deltas = (
        Delta(reasoning="Hm"),
        Delta(reasoning="."),
        Delta(thought=SIGNED),
        Delta(thought=HIDDEN),
        Delta(text="One."),
        Delta(reasoning="Hm.", thought=SIGNED),
        Delta(text="Two."),
    )
    one, two = ({"type": "text", "text": words} for words in ("One.", "Two."))
    assert await content_of(*deltas, choice=choice) == [SIGNED, HIDDEN, one, SIGNED, two]


async def test_a_thought_of_which_nothing_is_shown_still_has_its_signature() -> None:
    silent: JsonObject = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    choice = Choice(text="One.", thoughts=(Thought(silent),))
    assert await content_of(Delta(thought=silent), Delta(text="One."), choice=choice) == [
        silent,
        {"type": "text", "text": "One."},
    ]


async def test_what_other_models_think_has_no_signature() -> None:
    choice = Choice(text="One.", reasoning="Hm.")
    assert await content_of(Delta(reasoning="Hm."), Delta(text="One."), choice=choice) == [
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        {"type": "text", "text": "One."},
    ]


async def test_tool_calls_come_one_after_the_other() -> None:
    choice = Choice(text="Look.", tool_calls=(A, B), finish_reason=FinishReason.TOOL_CALLS)
    deltas = (Delta(text="Look."), tool(0, "a", "f"), tool(0, arguments='{"x"'), tool(0, arguments=":1}"))
    assert await content_of(*deltas, tool(1, "b", "g"), tool(1, arguments="{}"), choice=choice) == [
        {"type": "text", "text": "Look."},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]


async def test_calls_whose_pieces_are_mixed_are_put_in_order() -> None:
    choice = Choice(tool_calls=(A, B), finish_reason=FinishReason.TOOL_CALLS)
    deltas = (tool(0, "a", "f", '{"x"'), tool(1, "b", "g", "{"), tool(0, arguments=":1}"), tool(1, arguments="}"))
    events = await events_of([text_events()[0], *deltas, done_of(choice)])
    indexes = [event["index"] for event in events if "index" in event]
    assert indexes == sorted(indexes, key=lambda index: isinstance(index, int) and index)
    assert streamed_message(events)["content"] == blocks(choice)


async def test_what_a_calls_provider_wants_back_stands_in_its_block() -> None:
    extra: JsonObject = {"google": {"thought_signature": "c2ln"}}
    choice = Choice(tool_calls=(ToolCall("a", "f", "{}", extra),), finish_reason=FinishReason.TOOL_CALLS)
    assert await content_of(Delta(tool_call=Piece(0, "a", "f", "{}", extra)), choice=choice) == [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}, "extra_content": extra}
    ]


async def test_a_refusal_is_shown_as_text() -> None:
    choice = Choice(refusal="No.", finish_reason=FinishReason.CONTENT_FILTER)
    assert await content_of(Delta(refusal="No."), choice=choice) == [{"type": "text", "text": "No."}]


@pytest.mark.parametrize(
    ("reason", "sequence", "word"),
    [
        (FinishReason.STOP, "", "end_turn"),
        (FinishReason.STOP, "END", "stop_sequence"),
        (FinishReason.LENGTH, "", "max_tokens"),
        (FinishReason.TOOL_CALLS, "", "tool_use"),
        (FinishReason.CONTENT_FILTER, "", "refusal"),
    ],
)
async def test_the_reason_to_stop_has_anthropics_word(reason: FinishReason, sequence: str, word: str) -> None:
    done = done_of(Choice(text="x", finish_reason=reason, stop_sequence=sequence))
    whole = message(done, "req-1")
    assert (whole["stop_reason"], whole["stop_sequence"]) == (word, sequence or None)
    streamed = streamed_message(await events_of([text_events()[0], done]))
    assert (streamed["stop_reason"], streamed["stop_sequence"]) == (word, sequence or None)


def test_input_tokens_leave_out_what_the_prompt_cache_had_to_do_with() -> None:
    figures = Usage(
        input_tokens=100,
        output_tokens=9,
        cached_input_tokens=50,
        cache_write_tokens=20,
        cache_write_1h_tokens=10,
        reasoning_tokens=4,
    )
    assert usage(figures) == {
        "input_tokens": 20,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 50,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    whole = message(Done(answer_of(Choice(text="x")), REPORT), "req-1")
    assert isinstance(whole["usage"], dict)
    assert whole["usage"]["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (AuthenticationFailed("x"), "authentication_error"),
        (BudgetExceeded("x"), "billing_error"),
        (PermissionDenied("x"), "permission_error"),
        (NotFound("x"), "not_found_error"),
        (RequestTooLarge("x"), "request_too_large"),
        (RateLimited("x", limit_name="free", limit=1, window_seconds=60, retry_after=1), "rate_limit_error"),
        (GatewayError("x"), "api_error"),
        (UpstreamFailed("x", status=502), "api_error"),
        (UpstreamFailed("x", status=504), "timeout_error"),
        (Overloaded("x"), "overloaded_error"),
    ],
)
def test_errors_have_anthropics_types(error: GatewayError, kind: str) -> None:
    body = json_object(error_object(error, "req-1"))
    assert body == {
        "type": "error",
        "error": {"type": kind, "message": "x", "code": error.code, "param": None},
        "request_id": "req-1",
    }


def test_an_error_names_the_field_in_its_words() -> None:
    body = json_object(error_object(InvalidRequest("This is too long.", param="model"), "req-1"))
    assert isinstance(body["error"], dict)
    assert body["error"]["message"] == "model: This is too long."


def test_a_broken_stream_ends_in_an_error_event() -> None:
    ending = AnthropicEncoder(request_id="req-1").failed(UpstreamFailed("gone"))
    assert ending.startswith(b"event: error\ndata: ")
    assert b"message_stop" not in ending


def test_silence_is_filled_with_pings() -> None:
    assert AnthropicEncoder(request_id="req-1").keep_alive == PING == b'event: ping\ndata: {"type":"ping"}\n\n'


async def test_every_event_is_named_as_its_type() -> None:
    encoder = AnthropicEncoder(request_id="req-1")
    deltas = (Delta(reasoning="Hm."), Delta(text="Look."), tool(0, "a", "f", "{}"))
    pieces = [piece async for piece in encode(stream(tool_events(deltas, A)), encoder)]
    for event in b"".join(pieces).rstrip(b"\n").split(b"\n\n"):
        name, data = event.split(b"\n")
        assert name == b"event: " + str(json_object(data.removeprefix(b"data: "))["type"]).encode()
