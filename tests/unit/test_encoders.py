"""The three protocols of an answer, byte for byte as clients read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import orjson
import pytest

from lib.answer import Attempt, CacheKind, Choice, Delta, Done, Event, FinishReason, Opened, ToolCall, ToolCallDelta
from lib.contract import Json, JsonObject
from lib.errors import GatewayError, UpstreamFailed
from lib.web.encode_json import encode_json
from lib.web.encode_openai import OpenAIEncoder
from lib.web.encode_ui import UIEncoder, UIStyle
from lib.web.encoders import StreamEncoder, encode
from tests.support.asgi_client import json_object
from tests.support.events import REPORT, answer_of, done_of, stream, text_events, tool_events

WEATHER = ToolCall("c1", "weather", '{"city":"Bonn"}')
WEATHER_PIECES = (
    Delta(tool_call=ToolCallDelta(0, "c1", "weather", "")),
    Delta(tool_call=ToolCallDelta(0, arguments='{"city"')),
    Delta(tool_call=ToolCallDelta(0, arguments=':"Bonn"}')),
)


def openai(*, choices: int = 1, include_usage: bool = False) -> OpenAIEncoder:
    return OpenAIEncoder(request_id="req-1", created=1_790_000_000, choices=choices, include_usage=include_usage)


def ui(answer_id: str | None = None) -> UIEncoder:
    return UIEncoder(UIStyle(answer_id), "req-1")


async def sent(encoder: StreamEncoder, events: Iterable[Event | Exception]) -> list[Json]:
    """The payloads of the server-sent events; the end mark as the string it is."""
    data = b"".join([piece async for piece in encode(stream(events), encoder)])
    return payloads(data)


def payloads(data: bytes) -> list[Json]:
    assert data.endswith(b"\n\n")
    lines = data[:-2].split(b"\n\n")
    assert all(line.startswith(b"data: ") and b"\n" not in line for line in lines)
    return ["[DONE]" if line == b"data: [DONE]" else orjson.loads(line[6:]) for line in lines]


def whole(done: Done) -> JsonObject:
    return json_object(encode_json(done))


def kinds(parts: list[Json]) -> list[Json]:
    return [part["type"] if isinstance(part, dict) else part for part in parts]


# JSON


def test_the_json_answer_has_the_documented_fields() -> None:
    report = replace(REPORT, attempts=(Attempt("openai/gpt-4o", "ok", 200, 85, 1_234),), degraded=("kv",))
    body = whole(Done(answer_of(Choice(text="Hello.")), report))
    assert body == {
        "content": "Hello.",
        "finishReason": "stop",
        "cached": False,
        "cost": 0.001234,
        "latencyMs": 87,
        "modelUsed": "openai/gpt-4o",
        "modelRequested": "auto",
        "provider": "openai",
        "usage": {
            "inputTokens": 12,
            "outputTokens": 7,
            "totalTokens": 19,
            "cachedInputTokens": 4,
            "reasoningTokens": 2,
        },
        "metadata": {
            "requestId": "req-1",
            "health": "healthy",
            "attempts": [
                {"model": "openai/gpt-4o", "outcome": "ok", "status": 200, "milliseconds": 85, "cost": 0.001234}
            ],
            "routing": {},
            "cache": {"status": "MISS", "similarity": None, "ageSeconds": None, "ttlClass": None, "savedUsd": 0.0},
            "firstTokenMs": None,
            "estimated": False,
            "priceKnown": True,
            "ownKeys": False,
            "degraded": ["kv"],
            "droppedParams": [],
        },
    }


def test_a_cache_hit_says_how_old_it_is_and_what_it_saved() -> None:
    report = replace(
        REPORT,
        cached=CacheKind.EXACT,
        cache_status="HIT (exact)",
        age_seconds=30,
        ttl_class="stable",
        saved_micro_usd=1_234,
        cost_micro_usd=0,
    )
    body = whole(Done(answer_of(Choice(text="x")), report))
    assert (body["cached"], body["cost"]) == ("exact", 0.0)
    assert isinstance(metadata := body["metadata"], dict)
    assert metadata["cache"] == {
        "status": "HIT (exact)",
        "similarity": None,
        "ageSeconds": 30,
        "ttlClass": "stable",
        "savedUsd": 0.001234,
    }


def test_tool_calls_reasoning_and_refusal_are_there_when_there_are_any() -> None:
    choice = Choice(reasoning="hm", refusal="no", tool_calls=(WEATHER,), finish_reason=FinishReason.TOOL_CALLS)
    body = whole(done_of(choice))
    assert (body["reasoning"], body["refusal"], body["finishReason"]) == ("hm", "no", "tool_calls")
    assert body["toolCalls"] == [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bonn"}'}}
    ]


def test_several_choices_are_listed_and_the_first_stands_at_the_top() -> None:
    body = whole(done_of(Choice(text="a"), Choice(text="b", finish_reason=FinishReason.LENGTH)))
    assert body["content"] == "a"
    assert body["choices"] == [
        {"index": 0, "content": "a", "finishReason": "stop"},
        {"index": 1, "content": "b", "finishReason": "length"},
    ]


def test_logprobs_are_given_where_the_provider_gave_them() -> None:
    assert whole(done_of(Choice(text="a", logprobs={"content": []})))["logprobs"] == {"content": []}


# OpenAI chunks


async def test_openai_chunks_name_the_role_then_the_text_then_the_end() -> None:
    first, hello, world, last, end = await sent(openai(), text_events("Hel", "lo"))
    frame = {
        "id": "chatcmpl-req-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "openai/gpt-4o",
    }
    role = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    assert first == {**frame, "choices": [role]}
    assert hello == {**frame, "choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]}
    assert world == {**frame, "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": None}]}
    assert isinstance(last, dict)
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert isinstance(gateway := last["gateway"], dict)
    assert (gateway["cost"], gateway["modelRequested"], gateway["cached"]) == (0.001234, "auto", False)
    assert end == "[DONE]"


async def test_the_usage_chunk_comes_when_it_was_asked_for() -> None:
    *chunks, usage, end = await sent(openai(include_usage=True), text_events("x"))
    assert all(isinstance(chunk, dict) and chunk["usage"] is None for chunk in chunks)
    assert isinstance(usage, dict)
    assert usage["choices"] == []
    assert usage["usage"] == {
        "prompt_tokens": 12,
        "completion_tokens": 7,
        "total_tokens": 19,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert end == "[DONE]"


def choice_of(chunk: Json) -> JsonObject:
    assert isinstance(chunk, dict)
    choices = chunk["choices"]
    assert isinstance(choices, list)
    choice = choices[0]
    assert isinstance(choice, dict)
    return choice


async def test_reasoning_refusal_and_tool_calls_have_their_own_deltas() -> None:
    pieces = (Delta(reasoning="hm"), Delta(refusal="no"), *WEATHER_PIECES)
    chunks = await sent(openai(), tool_events(pieces, WEATHER))
    deltas = [choice_of(chunk)["delta"] for chunk in chunks[1:-2]]
    assert deltas == [
        {"reasoning_content": "hm"},
        {"refusal": "no"},
        {
            "tool_calls": [
                {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ':"Bonn"}'}}]},
    ]
    assert choice_of(chunks[-2])["finish_reason"] == "tool_calls"


async def test_choices_are_told_apart_and_each_ends() -> None:
    events: list[Event] = [Opened(REPORT), Delta(text="a"), Delta(text="b", choice=1), done_of(Choice(), Choice())]
    chunks = await sent(openai(choices=2), events)
    assert [choice_of(chunk)["index"] for chunk in chunks[:-1]] == [0, 1, 0, 1, 0, 1]
    assert [choice_of(chunk)["finish_reason"] for chunk in chunks[-3:-1]] == ["stop", "stop"]


async def test_logprobs_ride_beside_the_delta() -> None:
    events: list[Event] = [Opened(REPORT), Delta(text="a", logprobs={"content": []}), done_of(Choice(text="a"))]
    chunks = await sent(openai(), events)
    assert choice_of(chunks[1])["logprobs"] == {"content": []}


def test_an_openai_stream_that_breaks_ends_in_an_error_without_the_end_mark() -> None:
    [event] = payloads(openai().failed(UpstreamFailed("The model went away.")))
    assert event == {
        "error": {"message": "The model went away.", "type": "server_error", "param": None, "code": "upstream_failed"},
        "request_id": "req-1",
    }


# AI SDK's UI message stream


async def test_a_ui_stream_opens_and_closes_everything_it_sends() -> None:
    parts = await sent(ui(), text_events("Hel", "lo"))
    assert kinds(parts) == [
        "start",
        "start-step",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "finish-step",
        "finish",
        "[DONE]",
    ]
    assert parts[3] == {"type": "text-delta", "id": "text-1", "delta": "Hel"}
    assert parts[4] == {"type": "text-delta", "id": "text-1", "delta": "lo"}


async def test_the_start_names_the_message_and_the_finish_carries_what_it_cost() -> None:
    parts = await sent(ui(), text_events("x"))
    start, finish = parts[0], parts[-2]
    assert start == {
        "type": "start",
        "messageId": "msg-req-1",
        "messageMetadata": {
            "requestId": "req-1",
            "modelRequested": "auto",
            "modelUsed": "openai/gpt-4o",
            "provider": "openai",
            "cached": False,
        },
    }
    assert isinstance(finish, dict)
    assert finish["finishReason"] == "stop"
    assert isinstance(metadata := finish["messageMetadata"], dict)
    assert (metadata["cost"], metadata["latencyMs"], metadata["modelUsed"]) == (0.001234, 87, "openai/gpt-4o")
    assert isinstance(usage := metadata["usage"], dict)
    assert usage["totalTokens"] == 19


async def test_an_answer_that_goes_on_with_a_message_takes_its_id() -> None:
    start = (await sent(ui("m2"), text_events("x")))[0]
    assert isinstance(start, dict)
    assert start["messageId"] == "m2"


async def test_reasoning_and_text_are_blocks_of_their_own() -> None:
    pieces = (Delta(reasoning="hm"), Delta(reasoning="m"), Delta(text="a"), Delta(text="b", reasoning="c"))
    parts = await sent(ui(), [Opened(REPORT), *pieces, done_of(Choice(text="ab"))])
    assert kinds(parts)[2:-3] == [
        "reasoning-start",
        "reasoning-delta",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
    ]
    opened = [
        part["id"] for part in parts if isinstance(part, dict) and str(part["type"]).endswith("-start") and "id" in part
    ]
    assert opened == ["reasoning-1", "text-2", "reasoning-3", "text-4"]


async def test_a_tool_call_is_streamed_and_then_given_whole_as_parsed_json() -> None:
    parts = await sent(ui(), tool_events((Delta(text="let me see"), *WEATHER_PIECES), WEATHER, text="let me see"))
    assert parts[5:10] == [
        {"type": "tool-input-start", "toolCallId": "c1", "toolName": "weather"},
        {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": '{"city"'},
        {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": ':"Bonn"}'},
        {"type": "tool-input-available", "toolCallId": "c1", "toolName": "weather", "input": {"city": "Bonn"}},
        {"type": "finish-step"},
    ]
    assert kinds(parts)[4] == "text-end"
    assert isinstance(finish := parts[-2], dict)
    assert finish["finishReason"] == "tool-calls"


async def test_a_call_that_was_never_streamed_is_still_started_before_it_is_given() -> None:
    parts = await sent(ui(), tool_events((), ToolCall("c9", "clock", "")))
    assert parts[2:4] == [
        {"type": "tool-input-start", "toolCallId": "c9", "toolName": "clock"},
        {"type": "tool-input-available", "toolCallId": "c9", "toolName": "clock", "input": {}},
    ]


async def test_arguments_that_are_not_json_are_an_error_of_the_call_not_of_the_stream() -> None:
    parts = await sent(ui(), tool_events((), ToolCall("c9", "clock", "{oops")))
    assert isinstance(broken := parts[3], dict)
    assert (broken["type"], broken["input"]) == ("tool-input-error", "{oops")
    assert kinds(parts)[-2:] == ["finish", "[DONE]"]


async def test_only_the_first_choice_has_a_place_in_a_ui_stream() -> None:
    events: list[Event] = [Opened(REPORT), Delta(text="a"), Delta(text="b", choice=1), done_of(Choice(text="a"))]
    parts = await sent(ui(), events)
    assert [part["delta"] for part in parts if isinstance(part, dict) and "delta" in part] == ["a"]


async def test_a_refusal_is_shown_as_text() -> None:
    parts = await sent(ui(), [Opened(REPORT), Delta(refusal="I cannot."), done_of(Choice(refusal="I cannot."))])
    assert parts[3] == {"type": "text-delta", "id": "text-1", "delta": "I cannot."}


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.TOOL_CALLS, "tool-calls"),
        (FinishReason.CONTENT_FILTER, "content-filter"),
    ],
)
async def test_finish_reasons_are_spelled_as_the_ai_sdk_does(reason: FinishReason, shown: str) -> None:
    finish = (await sent(ui(), [Opened(REPORT), done_of(Choice(finish_reason=reason))]))[-2]
    assert isinstance(finish, dict)
    assert finish["finishReason"] == shown


def test_a_ui_stream_that_breaks_ends_in_an_error_part() -> None:
    assert payloads(ui().failed(UpstreamFailed("The model went away."))) == [
        {"type": "error", "errorText": "The model went away."},
        "[DONE]",
    ]


def test_the_ui_streams_version_is_in_a_header() -> None:
    headers = dict(ui().headers)
    assert headers[b"x-vercel-ai-ui-message-stream"] == b"v1"
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert b"x-vercel-ai-ui-message-stream" not in dict(openai().headers)


# All streams


@pytest.mark.parametrize("encoder", [openai(), ui()], ids=["openai", "ui"])
async def test_text_of_any_script_and_line_breaks_stays_one_event_per_piece(encoder: StreamEncoder) -> None:
    words = ("a\n\nb", "data: [DONE]", "☃ \u2028 \x00", '"}')
    parts = await sent(encoder, text_events(*words))
    texts = [str(part) for part in parts]
    for word in words:
        assert any(repr(word)[1:-1] in text for text in texts)


@pytest.mark.parametrize("events", [[], text_events("half")[:-1]], ids=["nothing", "no end"])
async def test_a_source_that_stops_early_is_an_error_whatever_it_sent(events: list[Event]) -> None:
    with pytest.raises(GatewayError, match="before it was complete"):
        await sent(openai(), events)


async def test_what_the_pipeline_raises_comes_through() -> None:
    with pytest.raises(UpstreamFailed):
        await sent(ui(), [*text_events("half")[:-1], UpstreamFailed("The model went away.")])
