"""/api/ai/v1/chat/completions, from body to body: OpenAI's shapes, statuses and headers."""

from __future__ import annotations

from typing import Final

import pytest

from lib.contract import Json, JsonObject
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Step, fails
from tests.support.asgi_client import Response, json_object
from tests.support.deployment import deployed
from tests.support.openai_surface import ask, error_of

HELLO: Final[JsonObject] = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
TOOLS: Final[list[Json]] = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


def choice_of(response: Response) -> JsonObject:
    choices = response.json()["choices"]
    assert isinstance(choices, list)
    [choice] = choices
    assert isinstance(choice, dict)
    return choice


async def test_an_answer_is_a_chat_completion_with_the_gateways_words_in_a_field_of_their_own() -> None:
    async with deployed() as site:
        response = await ask(site.instance(), HELLO)
    answer = response.json()
    assert (response.status, answer["object"], answer["model"]) == (200, "chat.completion", "openai/gpt-4o")
    assert answer["id"] == f"chatcmpl-{response.headers['x-request-id']}"
    assert answer["created"] == int(site.clock.now())
    assert choice_of(response) == {
        "index": 0,
        "message": {"role": "assistant", "content": "echo: Hello", "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert json_object(response.body)["usage"] == {
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    gateway = answer["gateway"]
    assert isinstance(gateway, dict)
    assert (gateway["cached"], gateway["modelUsed"]) == (False, "openai/gpt-4o")


async def test_tool_calls_come_without_content_and_reasoning_beside_it() -> None:
    calls = (Tool("c1", "weather", ('{"city":', '"Bonn"}')), Tool("c2", "weather", ('{"city":"Ulm"}',)))
    async with deployed() as site:
        site.provider.script("gpt-4o", [speaks(Saying(reasoning=("Two",), tools=calls, finish="tool_calls"))])
        response = await ask(site.instance(), {**HELLO, "tools": TOOLS})
    assert choice_of(response) == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "reasoning_content": "Two",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bonn"}'}},
                {"id": "c2", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}},
            ],
        },
        "logprobs": None,
        "finish_reason": "tool_calls",
    }


async def test_a_stream_is_chosen_by_the_body_alone() -> None:
    async with deployed() as site:
        instance = site.instance()
        plain = await ask(instance, HELLO, accept="text/event-stream", x_ai_stream_protocol="ui")
        streamed = await ask(instance, {**HELLO, "stream": True}, accept="application/json")
    assert plain.headers["content-type"] == "application/json"
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    assert b'"object":"chat.completion.chunk"' in streamed.body


async def test_fields_that_are_not_known_reach_the_provider_as_they_are() -> None:
    fields: JsonObject = {
        "reasoning_effort": "high",
        "metadata": {"trace": "7"},
        "user": "end-user",
        "logprobs": True,
        "top_logprobs": 2,
        "service_tier": "auto",
        "parallel_tool_calls": False,
        "something_new": {"a": [1]},
    }
    async with deployed() as site:
        await ask(site.instance(), {**HELLO, **fields, "seed": 7, "stop": ["END"], "n": 1})
        [sent] = site.provider.requests
    assert fields.items() <= sent.body.items()
    assert (sent.body["seed"], sent.body["stop"]) == (7, ["END"])


async def test_the_same_question_on_either_surface_is_answered_from_one_cache() -> None:
    async with deployed() as site:
        instance = site.instance()
        first = await instance.chat(HELLO)
        again = await ask(instance, HELLO)
    assert first.headers["x-cache"] == "MISS"
    assert again.headers["x-cache"] == "HIT (exact)"
    assert len(site.provider.requests) == 1


async def test_headers_and_the_gateway_object_switch_the_cache_and_name_fallbacks() -> None:
    async with deployed() as site:
        instance = site.instance()
        await ask(instance, HELLO)
        fresh = await ask(instance, HELLO, cache_control="no-cache")
        site.provider.script("gpt-4o", [fails(404, "model_not_found")])
        other: JsonObject = {**HELLO, "gateway": {"models": ["openai/gpt-4.1"]}, "temperature": 0.9}
        fallen = await ask(instance, other)
    assert fresh.headers["x-cache"] == "BYPASS"
    assert fallen.json()["model"] == "openai/gpt-4.1"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"audio": {"voice": "x", "format": "mp3"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}, "messages"),
        ({"messages": []}, "messages"),
        ({"n": 0}, "n"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].role"),
    ],
)
async def test_what_cannot_be_carried_is_refused_by_name(fields: JsonObject, param: str) -> None:
    async with deployed() as site:
        response = await ask(site.instance(), {**HELLO, **fields})
    assert (response.status, error_of(response)["param"]) == (400, param)
    assert not site.provider.requests


async def test_modalities_and_service_tiers_that_change_nothing_are_taken() -> None:
    async with deployed() as site:
        response = await ask(site.instance(), {**HELLO, "modalities": ["text"], "service_tier": None, "audio": None})
    assert response.status == 200


async def test_an_unknown_model_is_a_404() -> None:
    async with deployed() as site:
        response = await ask(site.instance(), {**HELLO, "model": "gpt-99"})
        automatic = await ask(site.instance(), {**HELLO, "model": "AUTO"})
    assert (response.status, error_of(response)["code"]) == (404, "model_not_found")
    assert automatic.status == 200


@pytest.mark.parametrize(
    ("step", "status", "again"),
    [
        (fails(400, "invalid_request_error", "messages[0] is odd"), 400, "false"),
        (fails(429, "rate_limit_error", retry_after="7"), 429, "true"),
        (fails(500), 502, "false"),
        (fails(503, "overloaded_error", retry_after="4000"), 503, "false"),
    ],
)
async def test_a_provider_that_fails_gives_the_status_and_the_advice_that_clients_go_by(
    step: Step, status: int, again: str
) -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        site.provider.script("gpt-4o", [step])
        document: JsonObject = {**HELLO, "enableFallback": False}
        response = await ask(site.instance(), document)
    assert (response.status, response.headers["x-should-retry"]) == (status, again)


async def test_a_refused_request_says_which_limit_and_when() -> None:
    async with deployed(TIER_LIMITS="pro=1/0") as site:
        instance = site.instance()
        await ask(instance, HELLO)
        response = await ask(instance, {**HELLO, "seed": 2})
    assert (response.status, error_of(response)["code"]) == (429, "rate_limit_exceeded")
    assert int(response.headers["retry-after-ms"]) > 0


async def test_a_stream_that_breaks_ends_in_an_error_and_without_the_end_mark() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [says("half an", " answer", finish=None)])
        response = await ask(site.instance(), {**HELLO, "stream": True})
    *_, last = response.body.strip().split(b"\n\n")
    assert json_object(last.removeprefix(b"data: "))["error"]
    assert b"[DONE]" not in response.body


async def test_nobody_comes_in_without_a_credential() -> None:
    async with deployed() as site:
        response = await ask(site.instance(), HELLO, authorization="Bearer wrong")
    assert (response.status, error_of(response)["type"]) == (401, "authentication_error")
