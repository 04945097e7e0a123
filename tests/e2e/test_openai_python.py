"""OpenAI's own Python client against /api/ai/v1, the whole product behind a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import openai
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from pydantic import BaseModel

from lib.contract import JsonObject
from lib.embedding import numbers_of
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, Step, answers_json, fails, with_inserted
from tests.scripted.vectors import scripted_vector
from tests.support.served import NAMED, Served, served

MODEL: Final = "openai/gpt-4o"
HELLO: Final[list[ChatCompletionMessageParam]] = [{"role": "user", "content": "Hello"}]
WEATHER: Final[ChatCompletionFunctionToolParam] = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
PIXEL: Final = "data:image/png;base64,iVBORw0KGgo="


@asynccontextmanager
async def client_of(product: Served, **headers: str) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=product.base_url, api_key=product.key, max_retries=0, default_headers=NAMED | headers
    ) as client:
        yield client


@asynccontextmanager
async def talking(**env: str) -> AsyncGenerator[tuple[Served, openai.AsyncOpenAI]]:
    async with served(**env) as product, client_of(product) as client:
        yield product, client


async def test_an_answer_in_one_piece() -> None:
    async with talking() as (_, client):
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO, seed=1)
        answer = raw.parse()
    assert answer.choices[0].message.content == "echo: Hello"
    assert (answer.model, answer.choices[0].finish_reason) == (MODEL, "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert raw.headers["x-cache"] == "MISS"


async def test_a_stream_with_its_usage() -> None:
    async with talking() as (_, client):
        stream = await client.chat.completions.create(
            model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "echo: Hello"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.total_tokens > 0


async def test_a_conversation_with_a_tool_over_three_turns() -> None:
    async with talking() as (product, client):
        calls = (Tool("call_1", "weather", ('{"city":', '"Bonn"}')),)
        product.site.provider.script("gpt-4o", [says(tools=calls, finish="tool_calls"), says("Rain."), says("Yes.")])
        messages: list[ChatCompletionMessageParam] = [*HELLO]
        asked = await client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
        [call] = asked.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Bonn"}')
        messages.extend(
            (
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": call.id,
                            "type": "function",
                            "function": {"name": call.function.name, "arguments": call.function.arguments},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": call.id, "content": "rain"},
            )
        )
        told = await client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
        messages.extend(
            (
                {"role": "assistant", "content": told.choices[0].message.content},
                {"role": "user", "content": "An umbrella?"},
            )
        )
        last = await client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
        last_sent = product.site.provider.requests[-1].body["messages"]
    assert [told.choices[0].message.content, last.choices[0].message.content] == ["Rain.", "Yes."]
    assert isinstance(last_sent, list)
    assert [message["role"] for message in last_sent if isinstance(message, dict)] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]


async def test_parallel_tool_calls_whole_and_streamed() -> None:
    calls = (Tool("c1", "weather", ('{"city":"Bonn"}',)), Tool("c2", "weather", ('{"city":', '"Ulm"}')))
    step = speaks(Saying(("Let me see.",), tools=calls, finish="tool_calls"))
    expected = [("c1", '{"city":"Bonn"}'), ("c2", '{"city":"Ulm"}')]
    async with talking() as (product, client):
        product.site.provider.script("gpt-4o", [step, step])
        whole = await client.chat.completions.create(model=MODEL, messages=HELLO, tools=[WEATHER], temperature=1.1)
        async with client.chat.completions.stream(
            model=MODEL, messages=HELLO, tools=[WEATHER], parallel_tool_calls=True, temperature=1.2
        ) as stream:
            streamed = await stream.get_final_completion()
    for message in (whole.choices[0].message, streamed.choices[0].message):
        assert message.content == "Let me see."
        found = [(c.id, c.function.arguments) for c in message.tool_calls or [] if c.type == "function"]
        assert found == expected


@pytest.mark.parametrize("address", [PIXEL, "https://pictures.test/cat.png"])
async def test_a_picture_reaches_the_model(address: str) -> None:
    picture: ChatCompletionMessageParam = {
        "role": "user",
        "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": address}}],
    }
    async with talking() as (product, client):
        await client.chat.completions.create(model=MODEL, messages=[picture])
        [sent] = product.site.provider.requests
    assert sent.body["messages"] == [picture]


class City(BaseModel):
    name: str
    people: int


async def test_structured_output_is_parsed_by_the_client() -> None:
    async with talking() as (product, client):
        product.site.provider.script("gpt-4o", [says('{"name":"Bonn",', '"people":336000}')])
        answer = await client.chat.completions.parse(model=MODEL, messages=HELLO, response_format=City)
        [sent] = product.site.provider.requests
    assert answer.choices[0].message.parsed == City(name="Bonn", people=336_000)
    wanted = sent.body["response_format"]
    assert isinstance(wanted, dict)
    assert wanted["type"] == "json_schema"


async def test_several_choices_and_their_logprobs() -> None:
    def choice(index: int, text: str) -> JsonObject:
        token: JsonObject = {"token": text, "logprob": -0.5, "bytes": None, "top_logprobs": []}
        message: JsonObject = {"role": "assistant", "content": text}
        return {"index": index, "message": message, "logprobs": {"content": [token]}, "finish_reason": "stop"}

    async with talking() as (product, client):
        body = {"object": "chat.completion", "model": "gpt-4o", "choices": [choice(0, "Yes"), choice(1, "No")]}
        product.site.provider.script("gpt-4o", [answers_json(body)])
        answer = await client.chat.completions.create(
            model=MODEL, messages=HELLO, n=2, logprobs=True, top_logprobs=1, stop=["END"], seed=7
        )
        [sent] = product.site.provider.requests
    assert [c.message.content for c in answer.choices] == ["Yes", "No"]
    found = answer.choices[1].logprobs
    assert found is not None
    assert found.content is not None
    assert (found.content[0].token, found.content[0].logprob) == ("No", -0.5)
    assert [sent.body[name] for name in ("n", "logprobs", "top_logprobs", "stop", "seed")] == [2, True, 1, ["END"], 7]


async def test_the_gateways_own_options_go_in_the_extra_body_and_its_words_come_back() -> None:
    async with talking() as (product, client):
        product.site.provider.script("gpt-4o", [fails(404, "model_not_found")])
        answer = await client.chat.completions.create(
            model=MODEL,
            messages=HELLO,
            extra_body={"gateway": {"models": ["openai/gpt-4.1"]}},
            extra_headers={"Cache-Control": "no-store", "Idempotency-Key": "k1"},
        )
    assert answer.model == "openai/gpt-4.1"
    assert answer.model_extra is not None
    assert answer.model_extra["gateway"]["modelRequested"] == MODEL


FAILURES: Final[tuple[tuple[Step, type[openai.APIStatusError], int, str], ...]] = (
    (fails(400, "invalid_request_error", "odd"), openai.BadRequestError, 400, "bad_request"),
    (fails(429, "rate_limit_error"), openai.RateLimitError, 429, "upstream_rate_limited"),
    (fails(401, "invalid_api_key"), openai.InternalServerError, 502, "upstream_failed"),
    (fails(500), openai.InternalServerError, 502, "upstream_failed"),
    (fails(503, "overloaded_error"), openai.InternalServerError, 503, "upstream_failed"),
)


@pytest.mark.parametrize(("step", "error", "status", "code"), FAILURES)
async def test_what_fails_at_the_provider_raises_the_right_class(
    step: Step, error: type[openai.APIStatusError], status: int, code: str
) -> None:
    async with talking(RETRY_MAX_ATTEMPTS="1") as (product, client):
        product.site.provider.script("gpt-4o", [step])
        with pytest.raises(error) as caught:
            await client.chat.completions.create(model=MODEL, messages=HELLO, extra_body={"enableFallback": False})
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id


async def test_what_the_gateway_refuses_raises_the_right_class() -> None:
    async with served() as product, client_of(product) as client:
        with pytest.raises(openai.NotFoundError, match="no model of that name"):
            await client.chat.completions.create(model="gpt-99", messages=HELLO)
        with pytest.raises(openai.BadRequestError) as wrong:
            await client.chat.completions.create(model=MODEL, messages=[], temperature=1)
        async with client_of(product, **{"x-provider-key-openai": "sk-own"}) as bringing:
            with pytest.raises(openai.PermissionDeniedError):
                await bringing.chat.completions.create(model=MODEL, messages=HELLO)
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="wrong").chat.completions.create(model=MODEL, messages=HELLO)
    assert wrong.value.param == "messages"


async def test_limits_and_budgets_raise_the_right_class_and_say_when() -> None:
    async with talking(TIER_LIMITS="master=1/0") as (_, client):
        await client.chat.completions.create(model=MODEL, messages=HELLO)
        with pytest.raises(openai.RateLimitError) as limited:
            await client.chat.completions.create(model=MODEL, messages=HELLO, seed=3)
    assert int(limited.value.response.headers["retry-after-ms"]) > 0
    async with talking(TIER_DAILY_BUDGETS_USD="master=0.000001") as (_, client):
        with pytest.raises(openai.APIStatusError) as spent:
            await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (spent.value.status_code, spent.value.code) == (402, "budget_exceeded")


@pytest.mark.parametrize(("wait", "calls"), [("0", 2), ("4000", 1)])
async def test_the_client_asks_again_where_it_is_told_to_and_not_otherwise(wait: str, calls: int) -> None:
    async with talking(RETRY_MAX_ATTEMPTS="1") as (product, client):
        failure = fails(503, "overloaded_error", retry_after=wait)
        product.site.provider.script("gpt-4o", [failure])
        asking = client.with_options(max_retries=1).chat.completions.create(
            model=MODEL, messages=HELLO, extra_body={"enableFallback": False}
        )
        if calls == 2:
            assert (await asking).choices[0].message.content == "echo: Hello"
        else:
            with pytest.raises(openai.InternalServerError):
                await asking
        assert len(product.site.provider.requests) == calls


async def test_a_stream_that_breaks_raises() -> None:
    async with talking() as (product, client):
        product.site.provider.script("gpt-4o", [says("half an", " answer", finish=None)])
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="broke off"):
            [chunk async for chunk in stream]


async def test_a_client_that_leaves_ends_the_call_of_the_provider() -> None:
    async with talking() as (product, client):
        provider = product.site.provider
        provider.script("gpt-4o", [with_inserted(says("one", "two"), 2, Act.HOLD)])
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
        await provider.until(lambda p: p.hang_ups == 1)
        provider.hold()
        whole = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=HELLO, seed=2))
        await provider.until(lambda p: p.in_flight == 1)
        whole.cancel()
        await provider.until(lambda p: p.hang_ups == 2)


async def test_embeddings_as_the_client_asks_for_them_by_itself_and_as_numbers() -> None:
    expected = [numbers_of(scripted_vector(text, 8)) for text in ("one", "two")]
    async with talking() as (product, client):
        usual = await client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], dimensions=8)
        numbers = await client.embeddings.create(
            model="openai/text-embedding-3-small", input=["one", "two"], dimensions=8, encoding_format="float"
        )
    assert [item.embedding for item in usual.data] == expected
    assert [item.embedding for item in numbers.data] == expected
    assert (usual.model, usual.usage.prompt_tokens) == ("openai/text-embedding-3-small", 6)
    assert len(product.site.provider.requests) == 1


async def test_models_are_listed_and_found() -> None:
    async with talking() as (_, client):
        listed = [model.id async for model in client.models.list()]
        found = await client.models.retrieve("openai/gpt-4o")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("openai/gpt-99")
    assert {"auto", "openai/gpt-4o", "openai/text-embedding-3-large"} <= set(listed)
    assert (found.id, found.owned_by) == ("openai/gpt-4o", "openai")
