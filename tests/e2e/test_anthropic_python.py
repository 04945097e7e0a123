"""Anthropic's own Python client against /api/ai/v1/messages, the whole product behind a real server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import anthropic
import pytest
from anthropic.types import (
    ImageBlockParam,
    MessageParam,
    RawMessageStreamEvent,
    TextBlock,
    ThinkingBlock,
    ToolParam,
    ToolUseBlock,
)
from pydantic import BaseModel

from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, Step, fails, interrupted, with_inserted
from tests.support.served import NAMED, Served, served
from tests.support.valid_conversation import check_anthropic

MODEL: Final = "claude-sonnet-5-5"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
WEATHER: Final[ToolParam] = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
PIXEL: Final[ImageBlockParam] = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
}
BONN: Final = Tool("toolu_1", "weather", ('{"city":', '"Bonn"}'))
ROME: Final = Tool("toolu_2", "weather", ('{"city":"Rome"}',))


@asynccontextmanager
async def client_of(product: Served, key: str = "") -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=f"{product.url}/api/ai", api_key=key or product.key, max_retries=0, default_headers=NAMED
    ) as client:
        yield client


@asynccontextmanager
async def talking(*steps: Step, **env: str) -> AsyncGenerator[tuple[Served, anthropic.AsyncAnthropic]]:
    async with served(**env) as product, client_of(product) as client:
        product.site.provider.script(MODEL, steps)
        yield product, client


async def test_an_answer_in_one_piece() -> None:
    async with talking() as (_, client):
        raw = await client.messages.with_raw_response.create(model=MODEL, max_tokens=100, messages=HELLO)
        message = await raw.parse()
    (block,) = message.content
    assert isinstance(block, TextBlock)
    assert (block.text, message.stop_reason, message.model) == ("echo: Hello", "end_turn", f"anthropic/{MODEL}")
    assert message.usage.input_tokens > 0
    assert raw.headers["request-id"] == message.id.removeprefix("msg_")


async def test_a_stream_and_what_it_adds_up_to() -> None:
    async with (
        talking() as (_, client),
        client.messages.stream(model="gpt-4o", max_tokens=100, messages=HELLO) as stream,
    ):
        texts = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert "".join(texts) == "echo: Hello"
    assert (message.model, message.stop_reason) == ("openai/gpt-4o", "end_turn")
    assert message.usage.output_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_three_turns_with_tools_and_thoughts(*, stream: bool) -> None:
    steps = (
        speaks(Saying(("Let me look.",), ("Two.",), (BONN, ROME), "tool_calls")),
        speaks(Saying(tools=(Tool("toolu_3", "weather", ('{"city":"Oslo"}',)),), finish="tool_calls")),
        says("Sunny."),
    )
    messages: list[MessageParam] = [{"role": "user", "content": "Weather?"}]
    async with talking(*steps) as (product, client):
        for _ in steps:
            answer = await ask(client, messages, stream=stream)
            messages.append({"role": "assistant", "content": answer.content})
            calls = [block for block in answer.content if isinstance(block, ToolUseBlock)]
            if calls:
                messages.append(
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": c.id, "content": "sunny"} for c in calls],
                    }
                )
        for received in product.site.provider.requests:
            check_anthropic(received.body)
        third = product.site.provider.requests[-1].body["messages"]
    thought = answer_block(messages[1], 0)
    assert isinstance(thought, ThinkingBlock)
    assert (thought.thinking, thought.signature) == ("Two.", "c2ln")
    assert isinstance(third, list)
    assert isinstance(third[1], dict)
    assert isinstance(third[1]["content"], list)
    assert third[1]["content"][0] == {"type": "thinking", "thinking": "Two.", "signature": "c2ln"}


async def ask(
    client: anthropic.AsyncAnthropic, messages: list[MessageParam], *, stream: bool
) -> anthropic.types.Message:
    if not stream:
        return await client.messages.create(model=MODEL, max_tokens=100, messages=messages, tools=[WEATHER])
    async with client.messages.stream(model=MODEL, max_tokens=100, messages=messages, tools=[WEATHER]) as events:
        return await events.get_final_message()


def answer_block(message: MessageParam, index: int) -> object:
    return list(message["content"])[index]


async def test_a_picture_reaches_claude_and_gpt() -> None:
    messages: list[MessageParam] = [{"role": "user", "content": [PIXEL, {"type": "text", "text": "What is it?"}]}]
    async with talking() as (product, client):
        for model in (MODEL, "gpt-4o"):
            await client.messages.create(model=model, max_tokens=100, messages=messages)
        claude, gpt = (str(received.body["messages"]) for received in product.site.provider.requests)
    assert "'media_type': 'image/png', 'data': 'iVBORw0KGgo='" in claude
    assert "data:image/png;base64,iVBORw0KGgo=" in gpt


class City(BaseModel):
    name: str


async def test_structured_output_is_parsed() -> None:
    async with talking(says('{"name":"Bonn"}')) as (product, client):
        message = await client.messages.parse(model=MODEL, max_tokens=100, messages=HELLO, output_format=City)
        sent = product.site.provider.requests[0].body["output_config"]
    assert message.parsed_output == City(name="Bonn")
    assert isinstance(sent, dict)
    assert isinstance(sent["format"], dict)
    assert sent["format"]["type"] == "json_schema"


async def test_tokens_are_counted() -> None:
    async with talking() as (_, client):
        assert (await client.messages.count_tokens(model=MODEL, messages=HELLO)).input_tokens > 0


@pytest.mark.parametrize(
    ("step", "kind", "error"),
    [
        (fails(400, "invalid_request_error", "no"), anthropic.BadRequestError, "invalid_request_error"),
        (fails(429), anthropic.RateLimitError, "rate_limit_error"),
        (fails(503), anthropic.APIStatusError, "overloaded_error"),
        (fails(500), anthropic.InternalServerError, "api_error"),
    ],
)
async def test_a_failure_is_the_clients_own_exception(step: Step, kind: type[Exception], error: str) -> None:
    async with talking() as (product, client):
        for model in (MODEL, "gpt-4o", "gemini-3.1-pro-preview"):
            product.site.provider.script(model, [step] * 3)
        with pytest.raises(kind) as caught:
            await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert isinstance(caught.value, anthropic.APIStatusError)
    assert caught.value.type == error
    assert caught.value.request_id


async def test_a_wrong_key_model_and_limit_are_the_clients_own_exceptions() -> None:
    async with talking(TIER_LIMITS="master=1/60") as (product, client):
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.create(model="nothing-of-ours", max_tokens=100, messages=HELLO)
        await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
        with pytest.raises(anthropic.RateLimitError) as limited:
            await client.messages.create(model=MODEL, max_tokens=99, messages=HELLO)
        async with client_of(product, "wrong") as stranger:
            with pytest.raises(anthropic.AuthenticationError):
                await stranger.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert float(limited.value.response.headers["retry-after"]) > 0


async def test_a_stream_that_breaks_off_raises() -> None:
    step = interrupted(says("One, ", "two, ", "three."), 5, Act.RESET)
    async with talking(step) as (_, client):
        stream = await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO, stream=True)
        with pytest.raises(anthropic.APIStatusError, match="broke off"):
            await drained(stream)


async def drained(stream: anthropic.AsyncStream[RawMessageStreamEvent]) -> list[str]:
    return [event.type async for event in stream]


async def test_a_client_that_leaves_ends_the_providers_work() -> None:
    step = with_inserted(says("One, ", "two."), 4, Act.HOLD)
    async with talking(step) as (product, client):
        stream = await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO, stream=True)
        await anext(aiter(stream))
        await stream.close()
        await product.site.provider.until(lambda provider: provider.hang_ups == 1)
