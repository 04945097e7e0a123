"""Whatever JSON a provider sends, it becomes an answer or a ProviderError: no other exception, no half answer."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from lib.ai.collect import AnswerBuilder
from lib.ai.providers.anthropic_answer import AnthropicReader
from lib.ai.providers.exchange import AnswerReader
from lib.ai.providers.failures import http_failure
from lib.ai.providers.openai_answer import OpenAIReader
from lib.ai.providers.sse import SseEvent
from lib.answer import FinishReason
from lib.contract import Json, JsonObject
from lib.errors import ProviderError

NAMES = st.sampled_from(
    [
        *("choices", "index", "message", "delta", "content", "text", "tool_calls", "function", "function_call", "name"),
        *("arguments", "id", "finish_reason", "usage", "prompt_tokens", "completion_tokens", "error", "code", "type"),
        *("content_block", "input", "partial_json", "thinking", "stop_reason", "output_tokens", "object", "status"),
    ]
)
WORDS = st.sampled_from(
    [
        *("stop", "length", "tool_calls", "text", "tool_use", "text_delta", "input_json_delta", "error", "end_turn"),
        *("message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "{}", ""),
    ]
)
LEAVES: st.SearchStrategy[Json] = st.none() | st.booleans() | st.integers(-3, 600) | st.floats(-1, 1) | WORDS


def _nested(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    lists: st.SearchStrategy[Json] = st.lists(inner, max_size=3)
    objects: st.SearchStrategy[Json] = st.dictionaries(NAMES, inner, max_size=5)
    return lists | objects


VALUES: st.SearchStrategy[Json] = st.recursive(LEAVES, _nested, max_leaves=25)
OBJECTS: st.SearchStrategy[JsonObject] = st.dictionaries(NAMES, VALUES, max_size=6)


def readers() -> tuple[AnswerReader, ...]:
    return OpenAIReader("m"), OpenAIReader("m", choices=2), AnthropicReader("m")


def check_whole(reader: AnswerReader, builder: AnswerBuilder) -> None:
    for choice in builder.choices(reader.completion()):
        calls = [json.loads(call.arguments) for call in choice.tool_calls if choice.finish_reason != "length"]
        if choice.finish_reason is FinishReason.STOP:
            assert choice.text or choice.refusal or calls
        if choice.finish_reason is FinishReason.TOOL_CALLS:
            assert calls


@given(OBJECTS)
def test_an_answer_in_one_piece(answer: JsonObject) -> None:
    for reader in readers():
        builder = AnswerBuilder()
        with suppress(ProviderError):
            for delta in reader.read_whole(answer):
                builder.add(delta)
            check_whole(reader, builder)


@given(st.lists(OBJECTS, max_size=6))
def test_a_stream(events: list[JsonObject]) -> None:
    for reader in readers():
        builder = AnswerBuilder()
        with suppress(ProviderError):
            for event in events:
                for delta in reader.read_event(SseEvent("message", json.dumps(event).encode())):
                    builder.add(delta)
            check_whole(reader, builder)


@given(st.integers(300, 599), VALUES)
def test_an_error_body(status: int, body: Json) -> None:
    error = http_failure(status, {}, json.dumps(body).encode(), 0.0)
    assert error.status == status
    assert error.message
