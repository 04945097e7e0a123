"""What each provider demands of a conversation with tools, checked as strictly as the providers themselves do."""

from __future__ import annotations

import re
from typing import Final

import orjson

from lib.ai.providers.values import list_of, object_of, text_of
from lib.contract import Json, JsonObject

ANTHROPIC_ID: Final = re.compile(r"^[a-zA-Z0-9_-]+$")
OPENAI_FIELDS: Final = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal"},
    "tool": {"role", "content", "tool_call_id"},
}
ANTHROPIC_FIELDS: Final = {
    "text": {"type", "text", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "image": {"type", "source", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
}


def check_openai(body: JsonObject, more: frozenset[str] = frozenset()) -> None:
    """Every call is answered at once and only once, no field is foreign (but `more`), arguments are JSON objects."""
    owed: list[str] = []
    for message in map(object_of, list_of(body["messages"])):
        role = text_of(message["role"])
        assert set(message) <= OPENAI_FIELDS[role] | more, message
        if role == "tool":
            assert isinstance(message["content"], str) or _only_text(message["content"]), message
            owed.remove(text_of(message["tool_call_id"]))
            continue
        assert owed == [], f"without a result: {owed}"
        for call in map(object_of, list_of(message.get("tool_calls"))):
            assert set(call) <= {"id", "type", "function"} | more
            assert isinstance(orjson.loads(text_of(object_of(call["function"])["arguments"])), dict)
            assert 0 < len(text_of(call["id"])) <= 40
            owed.append(text_of(call["id"]))
        assert message.get("content") is not None or message.get("tool_calls"), message
    assert owed == []


def check_anthropic(body: JsonObject) -> None:
    """Sides alternate, the user first; results come first, for all calls of the turn before; no id comes twice."""
    turns = [object_of(turn) for turn in list_of(body["messages"])]
    assert [turn["role"] for turn in turns] == [("user", "assistant")[i % 2] for i in range(len(turns))]
    owed: list[str] = []
    used: list[str] = []
    for turn in turns:
        blocks = [object_of(block) for block in list_of(turn["content"])]
        assert blocks
        results = [text_of(block["tool_use_id"]) for block in blocks if block["type"] == "tool_result"]
        assert sorted(results) == sorted(owed)
        assert all(block["type"] == "tool_result" for block in blocks[: len(results)])
        owed = [text_of(block["id"]) for block in blocks if block["type"] == "tool_use"]
        used += owed
        for block in blocks:
            _check_block(block)
    assert owed == []
    assert len(used) == len(set(used))
    assert all(ANTHROPIC_ID.fullmatch(call_id) for call_id in used)


def _check_block(block: JsonObject) -> None:
    kind = text_of(block["type"])
    assert set(block) <= ANTHROPIC_FIELDS[kind], block
    if kind == "text":
        assert text_of(block["text"]).strip()
    if kind == "thinking":
        assert block["signature"]
    if kind == "tool_use":
        assert isinstance(block["input"], dict)


def _only_text(content: Json) -> bool:
    return all(object_of(part).get("type") == "text" for part in list_of(content))
