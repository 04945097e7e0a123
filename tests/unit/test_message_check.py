"""OpenAI's messages: which pass, and how the others are refused."""

from __future__ import annotations

import orjson
import pytest

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.body import parse_chat


def refused_message(message: Json) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        parse_chat(orjson.dumps({"messages": [message]}), {})
    return caught.value.param


MALFORMED: list[tuple[Json, str]] = [
    (5, "messages[0]"),
    (None, "messages[0]"),
    ({}, "messages[0].role"),
    ({"role": "wizard", "content": "x"}, "messages[0].role"),
    ({"role": None, "content": "x"}, "messages[0].role"),
    ({"role": "user"}, "messages[0].content"),
    ({"role": "user", "content": None}, "messages[0].content"),
    ({"role": "user", "content": []}, "messages[0].content"),
    ({"role": "user", "content": {"type": "text"}}, "messages[0].content"),
    ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
    ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
    ({"role": "user", "content": [{"type": "video", "video": "x"}]}, "messages[0].content[0].type"),
    ({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, "messages[0].content[0].image_url"),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]},
        "messages[0].content[0].image_url.url",
    ),
    ({"role": "system", "content": [{"type": "image_url", "image_url": {}}]}, "messages[0].content[0].type"),
    ({"role": "assistant"}, "messages[0].content"),
    ({"role": "assistant", "tool_calls": []}, "messages[0].tool_calls"),
    ({"role": "assistant", "tool_calls": ["x"]}, "messages[0].tool_calls[0]"),
    ({"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]}, "messages[0].tool_calls[0].type"),
    ({"role": "assistant", "tool_calls": [{"id": "1", "function": {}}]}, "messages[0].tool_calls[0].function.name"),
    ({"role": "assistant", "tool_calls": [{"function": {}}]}, "messages[0].tool_calls[0].id"),
    ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
    ({"role": "user", "content": "x", "name": ""}, "messages[0].name"),
]


@pytest.mark.parametrize(("message", "param"), MALFORMED)
def test_a_malformed_message_is_refused_by_the_path_to_its_field(message: Json, param: str) -> None:
    assert refused_message(message) == param


def test_every_shape_of_openai_message_passes_unchanged() -> None:
    call: JsonObject = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: list[Json] = [
        {"role": "developer", "content": "be brief"},
        {"role": "system", "content": [{"type": "text", "text": "be kind"}]},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": ""},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f-1"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "refusal": "no"},
    ]
    assert list(parse_chat(orjson.dumps({"messages": messages}), {}).request.messages) == messages
