"""OpenAI's own client reads our chunks over real HTTP; and a client that hangs up is noticed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx
import openai
import orjson
import pytest
from openai.types.chat import ChatCompletionChunk

from lib.answer import Event
from lib.clock import SystemClock
from lib.contract import Job
from lib.web.access import Access, AccessRules
from lib.web.chat_route import ChatEndpoint, ChatRules, Pipeline
from tests.support.events import text_events
from tests.support.loopback_server import serve
from tests.support.played_pipeline import PlayedPipeline


def endpoint(pipeline: Pipeline) -> ChatEndpoint:
    access = Access(AccessRules(service_token="secret"))
    return ChatEndpoint(pipeline, access, SystemClock(), lambda: "req-1", ChatRules())


async def chunks_of(text: str) -> list[ChatCompletionChunk]:
    async with (
        serve(endpoint(PlayedPipeline())) as url,
        openai.AsyncOpenAI(base_url=url, api_key="secret", max_retries=0) as client,
    ):
        stream = await client.chat.completions.create(
            model="openai/gpt-4o",
            messages=[{"role": "user", "content": text}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk async for chunk in stream]


async def test_openais_client_reads_text_finish_reason_and_usage() -> None:
    *chunks, usage = await chunks_of("plain")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, wörld ☃"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert usage.usage is not None
    assert usage.usage.total_tokens == 19


async def test_openais_client_reads_tool_calls() -> None:
    chunks = await chunks_of("tool")
    calls = [call for chunk in chunks[:-1] for call in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].id == "c1"
    assert "".join((call.function and call.function.arguments) or "" for call in calls) == '{"city":"Bonn"}'


async def test_openais_client_takes_a_broken_stream_for_an_error() -> None:
    with pytest.raises(openai.APIError, match="The model went away"):
        await chunks_of("break")


async def test_openais_client_takes_a_refusal_for_a_rate_limit() -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await chunks_of("limit")
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "41"


class Stuck:
    """Says one word, then nothing, and notes what becomes of it."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.closed = asyncio.Event()
        self.settled = asyncio.Event()

    async def run(self, job: Job) -> AsyncGenerator[Event, None]:
        try:
            for event in text_events("word")[:-1]:
                yield event
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
        finally:
            self.closed.set()

    async def settle(self, job: Job) -> None:
        self.settled.set()


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_closes_its_connection_ends_the_work(*, stream: bool) -> None:
    pipeline = Stuck()
    body = orjson.dumps({"messages": [{"role": "user", "content": "hi"}], "stream": stream})
    async with serve(endpoint(pipeline)) as url, httpx.AsyncClient() as client:
        request = client.build_request("POST", url, content=body, headers={"authorization": "Bearer secret"})
        sending = asyncio.create_task(client.send(request, stream=True))
        if stream:
            response = await sending
            await anext(response.aiter_raw())
            await response.aclose()
        else:
            await pipeline.waiting.wait()
            sending.cancel()
        async with asyncio.timeout(5):
            await pipeline.closed.wait()
            await pipeline.settled.wait()
