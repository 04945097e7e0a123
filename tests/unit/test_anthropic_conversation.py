"""Conversations with tools, thoughts and marks for the prompt cache, as Anthropic is sent them."""

from __future__ import annotations

import pytest

from lib.ai.providers.anthropic_request import build, dropped_params
from lib.catalog.rows import ModelRow, ParamRules
from lib.contract import ChatRequest, Json, JsonObject
from tests.support.provider_calls import QUESTION, asking, call, model

WEATHER: JsonObject = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
TEXT: JsonObject = {"type": "text", "text": "What is the capital of France?"}
MARK: JsonObject = {"type": "ephemeral"}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def sent(request: ChatRequest, row: ModelRow | None = None) -> JsonObject:
    return build(call(request, row=row))[0]


def dropped(request: ChatRequest, row: ModelRow | None = None) -> tuple[str, ...]:
    reported = build(call(request, row=row))[1]
    assert reported == tuple(sorted(dropped_params(row or model(), request)))
    return reported


def calling(*ids: str, **more: Json) -> JsonObject:
    calls: list[Json] = [
        {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": "{}"}} for call_id in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(call_id: str, **more: Json) -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": "sunny", **more}


def contents(body: JsonObject) -> list[Json]:
    messages = body["messages"]
    assert isinstance(messages, list)
    return [turn["content"] for turn in messages if isinstance(turn, dict)]


def kinds_and_ids(body: JsonObject) -> list[list[Json]]:
    return [
        [block.get("id", block.get("tool_use_id")) for block in blocks if isinstance(block, dict)]
        for blocks in contents(body)
        if isinstance(blocks, list)
    ]


def test_no_id_comes_twice_and_results_follow_their_calls() -> None:
    body = sent(asking(QUESTION, calling("a", "a.b"), result("a.b"), result("a"), calling("a", "a_b"), result("a")))
    assert kinds_and_ids(body)[1:] == [["a", "a_b"], ["a_b", "a"], ["a_2", "a_b_2"], ["a_2"]]


def test_its_own_thoughts_come_first_and_others_are_left_out() -> None:
    hidden: JsonObject = {"type": "redacted_thinking", "data": "eHh4"}
    unsigned: JsonObject = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    said: JsonObject = {"role": "assistant", "content": "Yes.", "thinking_blocks": [unsigned, THOUGHT, hidden]}
    body = sent(asking(QUESTION, said, QUESTION))
    assert contents(body)[1] == [THOUGHT, hidden, {"type": "text", "text": "Yes."}]


def test_a_tools_error_and_marks_for_the_cache_are_kept() -> None:
    body = sent(asking(QUESTION, calling("a"), result("a", is_error=True, cache_control=MARK)))
    assert contents(body)[2] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [{"type": "text", "text": "sunny"}],
            "is_error": True,
            "cache_control": MARK,
        }
    ]


@pytest.mark.parametrize("where", ["anthropic", "extra"])
def test_a_thinking_budget_is_left_out_where_the_open_calls_are_another_models(where: str) -> None:
    thinking: JsonObject = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
    anothers = (QUESTION, calling("a"), result("a"))
    own = (QUESTION, calling("a", thinking_blocks=[THOUGHT]), result("a"), calling("b"), result("b"))
    said: JsonObject = {"role": "assistant", "content": "Sunny."}
    answered = (*anothers, said, QUESTION)

    def asked(*messages: JsonObject) -> ChatRequest:
        return asking(*messages, anthropic=thinking) if where == "anthropic" else asking(*messages, extra=thinking)

    assert "thinking" not in sent(asked(*anothers))
    assert dropped(asked(*anothers)) == ("thinking",)
    assert "thinking" not in sent(asked(*own))
    assert sent(asked(*own[:3]))["thinking"] == thinking["thinking"]
    assert sent(asked(*answered))["thinking"] == thinking["thinking"]


def test_thinking_without_a_budget_goes_with_any_conversation() -> None:
    request = asking(QUESTION, calling("a"), result("a"), anthropic={"thinking": {"type": "adaptive"}})
    assert sent(request)["thinking"] == {"type": "adaptive"}
    assert dropped(request) == ()


def test_fields_for_anthropic_alone_reach_it_unless_the_model_rejects_them() -> None:
    request = asking(anthropic={"top_k": 3, "metadata": {"user_id": "u"}, "output_config": {"effort": "high"}})
    body = sent(request)
    assert (body["top_k"], body["metadata"], body["output_config"]) == (3, {"user_id": "u"}, {"effort": "high"})
    strict = model(ParamRules(drop=frozenset({"top_k"})))
    assert "top_k" not in sent(request, strict)
    assert dropped(request, strict) == ("top_k",)


def test_prompt_caching_marks_the_tools_the_instructions_and_the_last_lasting_turn() -> None:
    system: JsonObject = {"role": "system", "content": "Be brief."}
    said: JsonObject = {"role": "assistant", "content": "Yes."}
    body = sent(asking(system, QUESTION, said, QUESTION, tools=(WEATHER, WEATHER), prompt_caching=True))
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert isinstance(body["tools"], list)
    assert ["cache_control" in tool for tool in body["tools"] if isinstance(tool, dict)] == [False, True]
    assert contents(body) == [[TEXT], [{"type": "text", "text": "Yes.", "cache_control": MARK}], [TEXT]]


def test_a_lone_question_is_not_marked_and_a_thought_never() -> None:
    assert contents(sent(asking(prompt_caching=True))) == [[TEXT]]
    said: JsonObject = {"role": "assistant", "content": None, "thinking_blocks": [THOUGHT]}
    assert contents(sent(asking(QUESTION, said, QUESTION, prompt_caching=True)))[1] == [THOUGHT]


def test_the_callers_own_marks_are_the_only_ones() -> None:
    marked: JsonObject = {"role": "system", "content": [{"type": "text", "text": "x", "cache_control": MARK}]}
    said: JsonObject = {"role": "assistant", "content": "Yes."}
    body = sent(asking(marked, QUESTION, said, QUESTION, tools=(WEATHER,), prompt_caching=True))
    assert "cache_control" not in str([body["tools"], body["messages"]])
    top = asking(QUESTION, said, QUESTION, anthropic={"cache_control": MARK}, prompt_caching=True)
    assert "cache_control" not in str(sent(top)["messages"])
