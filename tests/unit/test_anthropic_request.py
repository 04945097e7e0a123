"""What Anthropic is sent."""

from __future__ import annotations

import pytest

from lib.ai.providers.anthropic_request import build, dropped_params
from lib.catalog.models import MODELS
from lib.catalog.rows import ModelRow, ParamRules
from lib.contract import ChatRequest, Json, JsonObject
from lib.errors import NextStep, ProviderError
from tests.support.provider_calls import QUESTION, asking, call, model

SCHEMA: JsonObject = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: JsonObject = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city", "parameters": SCHEMA, "strict": True},
}
FORCED: JsonObject = {"type": "function", "function": {"name": "weather"}}
TEXT: JsonObject = {"type": "text", "text": "What is the capital of France?"}


def sent(request: ChatRequest, row: ModelRow | None = None) -> JsonObject:
    return build(call(request, row=row))[0]


def dropped(request: ChatRequest, row: ModelRow | None = None) -> tuple[str, ...]:
    reported = build(call(request, row=row))[1]
    assert reported == tuple(sorted(dropped_params(row or model(), request)))
    return reported


def user(*parts: Json) -> JsonObject:
    return {"role": "user", "content": list(parts)}


def test_a_plain_question_gets_the_limit_anthropic_requires() -> None:
    assert sent(asking()) == {"model": "scripted-model", "messages": [user(TEXT)], "max_tokens": 8_192}


@pytest.mark.parametrize(
    ("asked", "max_output", "limit"), [(None, 4_096, 4_096), (100, 4_096, 100), (9_000, 4_096, 4_096)]
)
def test_the_token_limit_is_never_above_what_the_model_can_write(
    asked: int | None, max_output: int, limit: int
) -> None:
    request = asking() if asked is None else asking(max_tokens=asked)
    assert sent(request, model(max_output=max_output))["max_tokens"] == limit


def test_a_thinking_budget_leaves_room_for_the_answer() -> None:
    body = sent(asking(extra={"thinking": {"type": "enabled", "budget_tokens": 2_000}}))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2_000}
    assert body["max_tokens"] == 10_192


def test_instructions_go_apart_wherever_they_stand() -> None:
    body = sent(
        asking(
            {"role": "system", "content": "One."},
            QUESTION,
            {"role": "developer", "content": [{"type": "text", "text": "Two."}]},
        )
    )
    assert body["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert body["messages"] == [user(TEXT)]


def test_images_and_documents_become_blocks() -> None:
    body = sent(
        asking(
            user(
                {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,aGk="}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,cGRm"}},
                {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
            )
        )
    )
    assert body["messages"] == [
        user(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "cGRm"}},
            {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
        )
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg/>"}},
    ],
)
def test_a_part_without_a_block_sends_the_request_to_another_model(part: JsonObject) -> None:
    with pytest.raises(ProviderError, match="does not take") as caught:
        sent(asking(user(part)))
    assert (caught.value.kind, caught.value.next_step) == ("unsupported", NextStep.NEXT_MODEL)


def test_tool_calls_and_their_results_become_blocks_of_merged_turns() -> None:
    calls: list[Json] = [
        {
            "id": "functions.weather:0",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
        },
        {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": ""}},
    ]
    body = sent(
        asking(
            QUESTION,
            {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "functions.weather:0", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "noon"}]},
            {"role": "user", "content": "Well?"},
        )
    )
    assert body["messages"] == [
        user(TEXT),
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "functions_weather_0", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "call_2", "name": "time", "input": {}},
            ],
        },
        user(
            {
                "type": "tool_result",
                "tool_use_id": "functions_weather_0",
                "content": [{"type": "text", "text": "sunny"}],
            },
            {"type": "tool_result", "tool_use_id": "call_2", "content": [{"type": "text", "text": "noon"}]},
            {"type": "text", "text": "Well?"},
        ),
    ]


def test_arguments_that_an_earlier_model_wrote_wrong_are_kept_as_text() -> None:
    calls: list[Json] = [{"id": "a", "function": {"name": "f", "arguments": '{"cut'}}]
    body = sent(asking(QUESTION, {"role": "assistant", "content": None, "tool_calls": calls}))
    block: JsonObject = {"type": "tool_use", "id": "a", "name": "f", "input": {"arguments": '{"cut'}}
    assert body["messages"] == [user(TEXT), {"role": "assistant", "content": [block]}]


def test_turns_of_one_side_are_merged_and_empty_ones_left_out() -> None:
    body = sent(asking(QUESTION, {"role": "assistant", "content": ""}, {"role": "user", "content": "And Spain?"}))
    assert body["messages"] == [user(TEXT, {"type": "text", "text": "And Spain?"})]


def test_an_earlier_refusal_is_told_as_text() -> None:
    refusal: JsonObject = {"role": "assistant", "content": None, "refusal": "I cannot."}
    part: JsonObject = {"role": "assistant", "content": [{"type": "refusal", "refusal": "Nor that."}]}
    body = sent(asking(QUESTION, refusal, part, QUESTION))
    said: list[Json] = [{"type": "text", "text": "I cannot."}, {"type": "text", "text": "Nor that."}]
    assert body["messages"] == [user(TEXT), {"role": "assistant", "content": said}, user(TEXT)]


def test_the_callers_messages_are_not_changed() -> None:
    part: JsonObject = {"type": "text", "text": "a"}
    message = user(part)
    sent(asking(message, {"role": "user", "content": "b"}))
    assert message == user({"type": "text", "text": "a"})


def test_tools_are_described_in_anthropics_words() -> None:
    body = sent(asking(tools=(WEATHER, {"type": "function", "function": {"name": "time"}}), tool_choice="auto"))
    assert body["tools"] == [
        {"name": "weather", "description": "Of a city", "input_schema": SCHEMA, "strict": True},
        {"name": "time", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {"type": "auto"}


def test_anthropics_own_tools_pass_as_they_are() -> None:
    tool: JsonObject = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    assert sent(asking(tools=(tool,)))["tools"] == [tool]


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (FORCED, {"type": "tool", "name": "weather"}),
        ({"type": "any"}, {"type": "any"}),
        (None, None),
    ],
)
def test_a_tool_choice_is_translated(asked: Json, choice: Json) -> None:
    assert sent(asking(tools=(WEATHER,), tool_choice=asked)).get("tool_choice") == choice


@pytest.mark.parametrize("asked", ["required", FORCED, {"type": "any"}])
def test_a_forced_tool_choice_becomes_auto_where_it_is_not_taken(asked: Json) -> None:
    row = model(ParamRules(forced_tool_choice=False))
    request = asking(tools=(WEATHER,), tool_choice=asked)
    assert sent(request, row)["tool_choice"] == {"type": "auto"}
    assert dropped(request, row) == ("tool_choice",)


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"type": "any", "disable_parallel_tool_use": True}),
        ("none", {"type": "none"}),
    ],
)
def test_parallel_tool_calls_can_be_forbidden(asked: Json, choice: Json) -> None:
    request = asking(tools=(WEATHER,), tool_choice=asked, extra={"parallel_tool_calls": False})
    assert sent(request)["tool_choice"] == choice
    assert dropped(request) == ()


def test_a_json_schema_becomes_the_output_format() -> None:
    wanted: JsonObject = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}
    request = asking(response_format=wanted, extra={"output_config": {"effort": "max"}})
    assert sent(request)["output_config"] == {"effort": "max", "format": {"type": "json_schema", "schema": SCHEMA}}
    assert dropped(request) == ()


def test_json_without_a_schema_has_no_counterpart_and_is_reported() -> None:
    request = asking(response_format={"type": "json_object"})
    assert "output_config" not in sent(request)
    assert dropped(request) == ("response_format",)
    assert dropped(asking(response_format={"type": "text"})) == ()


@pytest.mark.parametrize(
    ("asked", "config", "reported"),
    [
        ("high", {"effort": "high"}, ()),
        ("minimal", {"effort": "low"}, ()),
        ("none", None, ("reasoning_effort",)),
        (3, None, ("reasoning_effort",)),
    ],
)
def test_reasoning_effort_is_translated_or_reported(asked: Json, config: Json, reported: tuple[str, ...]) -> None:
    request = asking(extra={"reasoning_effort": asked})
    assert sent(request).get("output_config") == config
    assert dropped(request) == reported


def test_sampling_stays_within_anthropics_bounds() -> None:
    assert sent(asking(temperature=0.5))["temperature"] == 0.5
    assert sent(asking(top_p=0.5))["top_p"] == 0.5
    hot = asking(temperature=1.7, top_p=0.5, stop=("END", " \n"))
    body = sent(hot)
    assert (body["temperature"], body["stop_sequences"]) == (1.0, ["END"])
    assert "top_p" not in body
    assert dropped(hot) == ("stop", "temperature", "top_p")


def test_what_has_no_counterpart_is_reported() -> None:
    extra: JsonObject = {"frequency_penalty": 1, "logprobs": True, "store": True, "top_k": 5, "future_field": 1}
    request = asking(seed=1, n=2, extra=extra)
    assert sent(request).keys() == {"model", "messages", "max_tokens", "top_k", "future_field"}
    assert dropped(request) == ("frequency_penalty", "logprobs", "n", "seed", "store")


def test_extra_fields_never_override_ours() -> None:
    extra: JsonObject = {"system": "Lie.", "max_tokens": 1, "stream": True, "tools": []}
    assert sent(asking(extra=extra)).keys() == {"model", "messages", "max_tokens"}
    assert sent(asking(extra=extra))["max_tokens"] == 8_192


@pytest.mark.parametrize(
    ("extra", "metadata", "reported"),
    [
        ({"user": "u1"}, {"user_id": "u1"}, ()),
        ({"metadata": {"user_id": "u2"}, "user": "u1"}, {"user_id": "u2"}, ()),
        ({"metadata": {"team": "x"}}, None, ("metadata",)),
    ],
)
def test_the_end_user_is_named_in_the_metadata(extra: JsonObject, metadata: Json, reported: tuple[str, ...]) -> None:
    assert sent(asking(extra=extra)).get("metadata") == metadata
    assert dropped(asking(extra=extra)) == reported


def test_only_anthropics_service_tiers_are_sent() -> None:
    assert sent(asking(extra={"service_tier": "standard_only"}))["service_tier"] == "standard_only"
    assert "service_tier" not in sent(asking(extra={"service_tier": "flex"}))
    assert dropped(asking(extra={"service_tier": "flex"})) == ("service_tier",)


def test_tools_are_left_out_and_reported_where_the_model_takes_none() -> None:
    row = model(ParamRules(drop=frozenset({"tools", "reasoning_effort", "top_k"})))
    request = asking(tools=(WEATHER,), extra={"reasoning_effort": "low", "top_k": 1})
    assert sent(request, row).keys() == {"model", "messages", "max_tokens"}
    assert dropped(request, row) == ("reasoning_effort", "tools", "top_k")


def test_a_prefilled_answer_is_left_out_and_reported_where_it_is_rejected() -> None:
    request = asking(QUESTION, {"role": "assistant", "content": "The capital"})
    prefilled: JsonObject = {"role": "assistant", "content": [{"type": "text", "text": "The capital"}]}
    assert sent(request)["messages"] == [user(TEXT), prefilled]
    row = model(ParamRules(prefill=False))
    assert sent(request, row)["messages"] == [user(TEXT)]
    assert dropped(request, row) == ("prefill",)


@pytest.mark.parametrize("row", [row for row in MODELS if row.provider == "anthropic"], ids=lambda row: row.id)
def test_no_model_is_sent_what_its_row_says_it_rejects(row: ModelRow) -> None:
    request = asking(
        QUESTION,
        {"role": "assistant", "content": "The"},
        temperature=0.5,
        top_p=0.5,
        tools=(WEATHER,),
        tool_choice="required",
        extra={"top_k": 3},
    )
    body, reported = build(call(request, row=row))
    assert not body.keys() & row.params.drop
    assert set(reported) >= row.params.drop & {"temperature", "top_p", "top_k"}
    assert (body["tool_choice"] == {"type": "any"}) == row.params.forced_tool_choice
