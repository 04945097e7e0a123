"""Conversations that other models and protocols had a part in, as each OpenAI-compatible provider takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.ai.providers.openai_messages import LONGEST_CALL_ID
from lib.ai.providers.openai_request import build
from lib.ai.providers.values import list_of, object_of
from lib.catalog.providers import PROVIDERS
from lib.contract import ChatRequest, Json, JsonObject
from tests.support.provider_calls import QUESTION, asking, call

MARK: JsonObject = {"type": "ephemeral"}
SIGNATURE: JsonObject = {"google": {"thought_signature": "c2ln"}}


def sent(provider: str, *messages: JsonObject, tools: tuple[JsonObject, ...] = ()) -> list[Json]:
    return list_of(body_for(provider, asking(*messages, tools=tools))["messages"])


def body_for(provider: str, request: ChatRequest) -> JsonObject:
    row = next(row for row in PROVIDERS if row.id == provider)
    return build(replace(call(request), provider=row))[0]


def calling(call_id: str, **more: Json) -> JsonObject:
    function: JsonObject = {"name": "weather", "arguments": "{}"}
    told: Json = {"id": call_id, "type": "function", "function": function, **more}
    return {"role": "assistant", "content": None, "tool_calls": [told]}


def result(call_id: str, content: Json = "sunny", **more: Json) -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def ids(messages: list[Json]) -> list[Json]:
    calls = [object_of(call) for said in messages for call in list_of(object_of(said).get("tool_calls"))]
    return [
        *(call["id"] for call in calls),
        *(m["tool_call_id"] for m in map(object_of, messages) if m["role"] == "tool"),
    ]


def test_what_anthropic_alone_understands_stays_away() -> None:
    thought: Json = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    marked: JsonObject = {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]}
    said = calling("a", cache_control=MARK)
    said |= {"thinking_blocks": [thought], "reasoning_content": "Hm."}
    assert sent("openai", marked, said, result("a", is_error=True, cache_control=MARK)) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        calling("a"),
        result("a"),
    ]


def test_a_tools_marks_stay_away_and_the_tool_itself_is_not_changed() -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "f"}, "cache_control": MARK}
    body = body_for("openai", asking(QUESTION, tools=(tool,)))
    assert body["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert tool["cache_control"] == MARK


@pytest.mark.parametrize("provider", ["deepseek", "moonshot"])
def test_reasoning_goes_back_to_who_wants_it(provider: str) -> None:
    said = calling("a") | {"reasoning_content": "Hm."}
    assert sent(provider, QUESTION, said, result("a"))[1] == said


@pytest.mark.parametrize("provider", ["openai", "xai", "mistral", "groq", "cohere", "google"])
def test_reasoning_stays_away_from_who_refuses_it(provider: str) -> None:
    said: JsonObject = {"role": "assistant", "content": "Hi.", "reasoning_content": "Hm."}
    assert sent(provider, QUESTION, said, QUESTION)[1] == {"role": "assistant", "content": "Hi."}


def test_pictures_in_results_follow_as_the_users() -> None:
    picture: Json = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    words: Json = {"type": "text", "text": "A map."}
    messages = sent("openai", QUESTION, calling("a"), result("a", [words, picture]), result("b"), QUESTION)
    assert messages[2:] == [
        result("a", [words, {"type": "text", "text": "(The picture follows below.)"}]),
        result("b"),
        {"role": "user", "content": [picture]},
        QUESTION,
    ]
    assert sent("openai", QUESTION, calling("a"), result("a", [picture]))[-1] == {"role": "user", "content": [picture]}


def test_mistral_gets_ids_of_nine_letters_and_digits() -> None:
    messages = sent(
        "mistral", QUESTION, calling("toolu_01A"), result("toolu_01A"), calling("abcDEF123"), result("abcDEF123")
    )
    first, second, *answered = ids(messages)
    assert answered == [first, second]
    assert second == "abcDEF123"
    assert isinstance(first, str)
    assert first.isalnum()
    assert len(first) == 9


def test_ids_longer_than_openai_takes_are_shortened_alike() -> None:
    longest, longer, other = "x" * LONGEST_CALL_ID, "x" * 41, "y" * 41
    messages = sent("openai", *(m for name in (longest, longer, other) for m in (calling(name), result(name))))
    kept, *made = ids(messages)[:3]
    assert ids(messages)[3:] == [kept, *made]
    assert kept == longest
    assert len({*map(str, made)}) == 2
    assert all(len(str(name)) <= LONGEST_CALL_ID for name in made)


def test_gemini_gets_its_signatures_and_is_told_where_there_are_none() -> None:
    signed, unsigned = calling("a", extra_content=SIGNATURE), calling("b")
    messages = sent("google", QUESTION, unsigned, result("b"), QUESTION, signed, result("a"), unsigned, result("b"))
    calls = [object_of(list_of(object_of(messages[at])["tool_calls"])[0]) for at in (1, 4, 6)]
    skipped: JsonObject = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert [call.get("extra_content") for call in calls] == [None, SIGNATURE, skipped]


def test_signatures_stay_away_from_others() -> None:
    assert sent("openai", QUESTION, calling("a", extra_content=SIGNATURE), result("a"))[1] == calling("a")


def test_a_turn_that_only_thought_has_at_least_an_empty_text() -> None:
    silent: JsonObject = {"role": "assistant", "content": None, "thinking_blocks": [{"type": "redacted_thinking"}]}
    assert sent("openai", QUESTION, silent, QUESTION)[1] == {"role": "assistant", "content": ""}


def test_what_was_meant_for_anthropic_alone_is_reported() -> None:
    body, dropped = build(call(asking(anthropic={"top_k": 3, "thinking": {"type": "adaptive"}})))
    assert set(body) == {"model", "messages"}
    assert dropped == ("thinking", "top_k")
