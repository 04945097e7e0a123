"""What an OpenAI-compatible provider is sent."""

from __future__ import annotations

import pytest

from lib.ai.providers.openai_request import build
from lib.catalog.models import MODELS
from lib.catalog.rows import ModelRow, ParamRules
from lib.contract import ChatRequest, Json, JsonObject
from tests.support.provider_calls import QUESTION, asking, call, model

WEATHER: JsonObject = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
FORCED: JsonObject = {"type": "function", "function": {"name": "weather"}}


def sent(request: ChatRequest, row: ModelRow | None = None) -> JsonObject:
    return build(call(request, row=row))[0]


def dropped(request: ChatRequest, row: ModelRow | None = None) -> tuple[str, ...]:
    return build(call(request, row=row))[1]


def test_a_plain_question_carries_nothing_that_was_not_asked() -> None:
    assert sent(asking()) == {"model": "scripted-model", "messages": [QUESTION]}


def test_every_parameter_goes_by_its_openai_name() -> None:
    request = asking(
        max_tokens=100,
        temperature=0.0,
        top_p=0.5,
        stop=("END",),
        seed=0,
        n=2,
        tools=(WEATHER,),
        tool_choice="required",
        response_format={"type": "json_object"},
    )
    assert sent(request) == {
        "model": "scripted-model",
        "messages": [QUESTION],
        "max_tokens": 100,
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["END"],
        "seed": 0,
        "n": 2,
        "tools": [WEATHER],
        "tool_choice": "required",
        "response_format": {"type": "json_object"},
    }
    assert dropped(request) == ()


def test_a_stream_asks_for_its_usage() -> None:
    body = sent(asking(stream=True, extra={"stream_options": {"include_usage": False}}))
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_stream_options_are_left_out_where_a_provider_refuses_them() -> None:
    row = model(ParamRules(drop=frozenset({"stream_options"})))
    assert "stream_options" not in sent(asking(stream=True), row)
    assert dropped(asking(stream=True), row) == ()


def test_unknown_fields_pass_and_never_override_ours() -> None:
    extra: JsonObject = {"model": "other", "messages": [], "n": 9, "logprobs": True, "future_field": {"a": [1]}}
    body = sent(asking(extra=extra))
    assert body == {"model": "scripted-model", "messages": [QUESTION], "logprobs": True, "future_field": {"a": [1]}}


def test_what_the_model_rejects_is_left_out_and_reported() -> None:
    row = model(ParamRules(drop=frozenset({"temperature", "top_p", "stop", "n", "logprobs"})))
    request = asking(temperature=0.2, top_p=0.9, stop=("a",), n=3, seed=1, extra={"logprobs": True})
    assert sent(request, row) == {"model": "scripted-model", "messages": [QUESTION], "seed": 1}
    assert dropped(request, row) == ("logprobs", "n", "stop", "temperature", "top_p")
    assert dropped(asking(seed=1), row) == ()


def test_the_token_limit_has_the_models_name_for_it() -> None:
    body = sent(asking(max_tokens=50), model(ParamRules(max_tokens_name="max_completion_tokens")))
    assert body["max_completion_tokens"] == 50
    assert "max_tokens" not in body


def test_the_token_limit_is_never_above_what_the_model_can_write() -> None:
    """A model refuses such a limit, and a fallback is asked with the limit meant for another model."""
    assert sent(asking(max_tokens=50_000), model(max_output=4_096))["max_tokens"] == 4_096


def test_a_token_limit_that_is_not_taken_is_reported() -> None:
    row = model(ParamRules(drop=frozenset({"max_tokens"})))
    assert "max_tokens" not in sent(asking(max_tokens=5), row)
    assert dropped(asking(max_tokens=5), row) == ("max_tokens",)


@pytest.mark.parametrize("choice", ["required", FORCED])
def test_a_forced_tool_choice_becomes_auto_where_it_is_not_taken(choice: Json) -> None:
    row = model(ParamRules(forced_tool_choice=False))
    request = asking(tools=(WEATHER,), tool_choice=choice)
    assert sent(request, row)["tool_choice"] == "auto"
    assert dropped(request, row) == ("tool_choice",)


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_free_tool_choice_stays(choice: Json) -> None:
    request = asking(tools=(WEATHER,), tool_choice=choice)
    assert build(call(request, row=model(ParamRules(forced_tool_choice=False))))[0]["tool_choice"] == choice


def test_a_tool_choice_without_tools_is_not_sent() -> None:
    assert "tool_choice" not in sent(asking(tool_choice="auto"))


def test_a_prefilled_answer_is_left_out_and_reported_where_it_is_rejected() -> None:
    request = asking(QUESTION, {"role": "assistant", "content": "The capital"})
    assert sent(request)["messages"] == [QUESTION, {"role": "assistant", "content": "The capital"}]
    row = model(ParamRules(prefill=False))
    assert sent(request, row)["messages"] == [QUESTION]
    assert dropped(request, row) == ("prefill",)


def test_messages_go_as_they_came_with_their_reasoning_and_tool_calls() -> None:
    earlier: JsonObject = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [{"id": "1"}]}
    result: JsonObject = {"role": "tool", "tool_call_id": "1", "content": "sunny"}
    assert sent(asking(QUESTION, earlier, result))["messages"] == [QUESTION, earlier, result]


def test_the_developer_role_goes_by_the_name_every_provider_knows() -> None:
    request = asking({"role": "developer", "content": "Be brief."}, QUESTION)
    assert sent(request)["messages"] == [{"role": "system", "content": "Be brief."}, QUESTION]


@pytest.mark.parametrize("row", [row for row in MODELS if row.provider in ("openai", "google")], ids=lambda row: row.id)
def test_no_model_is_sent_what_its_row_says_it_rejects(row: ModelRow) -> None:
    request = asking(max_tokens=9, temperature=0.5, top_p=0.5, stop=("x",), seed=1)
    body, reported = build(call(request, row=row))
    assert not body.keys() & row.params.drop
    assert set(reported) == row.params.drop & {"temperature", "top_p", "stop", "seed", "max_tokens"}
    assert body["model"] == row.wire_name
    assert body[row.params.max_tokens_name] == 9
