"""The same bytes to our adapters and to the vendors' own SDKs: same text, tool calls, usage and errors.

Where the two part, it is on purpose and written down here: what the SDKs take for an answer although it is not whole.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import anthropic
import openai
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from lib.ai.providers.anthropic_answer import STOP_REASONS
from lib.ai.providers.openai_answer import finish_reason
from lib.ai.providers.usage import anthropic_usage, openai_usage
from lib.answer import FinishReason, Usage
from lib.catalog.rows import Protocol
from lib.contract import JsonObject
from tests.scripted.provider import ScriptedProvider
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, Step, answers_json, byte_by_byte, fails, halved, interrupted, streams
from tests.support.provider_calls import KEY, Heard, Line, asking, line

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
WIRES = (Protocol.OPENAI, Protocol.ANTHROPIC)
WEATHER = Tool("call_1", "weather", ('{"city":', '"Paris"}'))
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TIME = Tool("call_2", "time", ('{"zone": null}',))


@dataclass
class Understood:
    """What one side made of an answer."""

    text: str = ""
    tools: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Id, name and JSON arguments."""
    finish: FinishReason | None = None
    usage: Usage | None = None
    model: str = ""


Asking: TypeAlias = Callable[[ScriptedProvider, bool], Awaitable[Understood]]


def openai_client(provider: ScriptedProvider) -> openai.AsyncOpenAI:
    """The vendor's client without retries; it talks plain HTTP, so it need not spend 100 ms on reading certificates."""
    http_client = openai.DefaultAsyncHttpxClient(verify=NO_CERTIFICATES)
    return openai.AsyncOpenAI(api_key=KEY, base_url=provider.base_url, max_retries=0, http_client=http_client)


async def ask_openai(provider: ScriptedProvider, stream: bool) -> Understood:
    async with openai_client(provider) as client:
        if not stream:
            answer = await client.chat.completions.create(
                model="scripted-model", messages=[{"role": "user", "content": "Hi"}]
            )
            return _of_completion(answer)
        chunks = await client.chat.completions.create(
            model="scripted-model",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        understood = Understood()
        async for chunk in chunks:
            _add_chunk(understood, chunk)
        return understood


def _of_completion(answer: ChatCompletion) -> Understood:
    choice = answer.choices[0]
    calls = [call for call in choice.message.tool_calls or () if call.type == "function"]
    return Understood(
        text=choice.message.content or "",
        tools=[(call.id, call.function.name, call.function.arguments) for call in calls],
        finish=finish_reason(choice.finish_reason),
        usage=openai_usage(answer.usage.model_dump() if answer.usage else None),
        model=answer.model,
    )


def _add_chunk(understood: Understood, chunk: ChatCompletionChunk) -> None:
    understood.model = chunk.model
    if chunk.usage is not None:
        understood.usage = openai_usage(chunk.usage.model_dump())
    for choice in chunk.choices:
        understood.text += choice.delta.content or ""
        if choice.finish_reason:
            understood.finish = finish_reason(choice.finish_reason)
        for call in choice.delta.tool_calls or ():
            if call.id and call.function:
                understood.tools.append((call.id, call.function.name or "", ""))
            elif call.function:
                id_, name, arguments = understood.tools[call.index]
                understood.tools[call.index] = (id_, name, arguments + (call.function.arguments or ""))


async def ask_anthropic(provider: ScriptedProvider, stream: bool) -> Understood:
    http_client = anthropic.DefaultAsyncHttpxClient(verify=NO_CERTIFICATES)
    base_url = provider.base_url.removesuffix("/v1")
    async with anthropic.AsyncAnthropic(
        api_key=KEY, base_url=base_url, max_retries=0, http_client=http_client
    ) as client:
        if not stream:
            answer = await client.messages.create(
                model="scripted-model",
                max_tokens=100,
                messages=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            )
            return _of_message(answer)
        async with client.messages.stream(
            model="scripted-model",
            max_tokens=100,
            messages=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        ) as events:
            return _of_message(await events.get_final_message())


def _of_message(message: Message) -> Understood:
    uses = [block for block in message.content if block.type == "tool_use"]
    return Understood(
        text="".join(block.text for block in message.content if block.type == "text"),
        tools=[(use.id, use.name, _json(use.input)) for use in uses],
        finish=STOP_REASONS[message.stop_reason] if message.stop_reason else None,
        usage=anthropic_usage(message.usage.model_dump()),
        model=message.model,
    )


def _json(value: object) -> str:
    return repr(value).replace("'", '"').replace("None", "null")


SDKS: dict[Protocol, Asking] = {Protocol.OPENAI: ask_openai, Protocol.ANTHROPIC: ask_anthropic}


@dataclass
class Pair:
    """Our adapter and the SDK at one scripted provider."""

    ours: Line
    sdk: Asking

    async def hear(self, step: Step, *, stream: bool) -> Heard:
        """Our side of the step."""
        self.ours.provider.script("*", [step])
        return await self.ours.hear(asking({"role": "user", "content": "Hi"}, stream=stream))

    async def understood(self, step: Step, *, stream: bool) -> Understood:
        """The SDK's side of the step; raises the SDK's errors."""
        self.ours.provider.script("*", [step])
        return await self.sdk(self.ours.provider, stream)


@pytest.fixture(params=WIRES)
async def pair(request: pytest.FixtureRequest) -> AsyncGenerator[Pair, None]:
    protocol = Protocol(request.param)
    async with line(protocol) as ours:
        yield Pair(ours, SDKS[protocol])


def ours_as_understood(heard: Heard) -> Understood:
    choice = heard.choices[0]
    return Understood(
        text=choice.text,
        tools=[(call.id, call.name, call.arguments) for call in choice.tool_calls],
        finish=choice.finish_reason,
        usage=heard.whole.usage,
        model=heard.whole.served_model,
    )


def without_spaces(understood: Understood) -> Understood:
    """Arguments as written differ in spaces once an SDK has parsed them."""
    understood.tools = [(id_, name, arguments.replace(" ", "")) for id_, name, arguments in understood.tools]
    return understood


ANSWERS: tuple[tuple[str, Step], ...] = (
    ("text", says("Paris", " is", " the capital.")),
    ("text of many scripts", says("Größe: ", "東京", " 🦊\n\ttab “quotes” \\ \u2028")),
    ("bytes one by one", byte_by_byte(says("Grüße", " 🦊"))),
    ("a tool call", says(tools=(WEATHER,), finish="tool_calls")),
    ("text and two tool calls", says("Let me see.", tools=(WEATHER, TIME), finish="tool_calls")),
    ("cut by its length", says("Once upon", finish="length")),
    ("filtered", says("I", finish="content_filter")),
    ("reasoning before text", speaks(Saying(("4",), reasoning=("two and two",)))),
    ("another model than asked for", speaks(Saying(("x",), model="scripted-model-2026-11-01"))),
)


@BOTH
@pytest.mark.parametrize("step", [step for _, step in ANSWERS], ids=[name for name, _ in ANSWERS])
async def test_an_answer_means_the_same_to_both(pair: Pair, step: Step, *, stream: bool) -> None:
    ours = ours_as_understood(await pair.hear(step, stream=stream))
    assert without_spaces(ours) == without_spaces(await pair.understood(step, stream=stream))


USAGES: dict[Protocol, JsonObject] = {
    Protocol.OPENAI: {
        "prompt_tokens": 2_006,
        "completion_tokens": 300,
        "total_tokens": 2_306,
        "prompt_tokens_details": {"cached_tokens": 1_920, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 0},
    },
    Protocol.ANTHROPIC: {
        "input_tokens": 50,
        "output_tokens": 300,
        "cache_creation_input_tokens": 248,
        "cache_read_input_tokens": 1_800,
        "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
    },
}


@BOTH
async def test_usage_in_all_its_parts_means_the_same_to_both(pair: Pair, *, stream: bool) -> None:
    step = speaks(Saying(("a", "b"), usage=USAGES[pair.ours.protocol]))
    ours = (await pair.hear(step, stream=stream)).whole.usage
    assert ours is not None
    assert ours.cached_input_tokens > 1_000
    assert ours == (await pair.understood(step, stream=stream)).usage


@BOTH
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529])
async def test_an_http_error_has_the_same_status_for_both(pair: Pair, status: int, *, stream: bool) -> None:
    step = fails(status, "scripted_error", "as scripted")
    assert (await pair.hear(step, stream=stream)).failure.status == status
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError), match="as scripted") as caught:
        await pair.understood(step, stream=stream)
    assert isinstance(caught.value, openai.APIStatusError | anthropic.APIStatusError)
    assert caught.value.status_code == status


BROKEN: tuple[tuple[str, Step, bool], ...] = (
    ("a body cut short", halved(says("Paris"), Act.CLOSE), False),
    ("a stream closed in the middle", interrupted(says("a", "b", "c"), 4, Act.CLOSE), True),
)


@pytest.mark.parametrize(("step", "stream"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
async def test_a_broken_connection_is_an_error_to_both(pair: Pair, step: Step, *, stream: bool) -> None:
    assert (await pair.hear(step, stream=stream)).failure.kind == "truncated"
    with pytest.raises(Exception, match=r"(?i)incomplete|closed|connection|disconnect|peer"):
        await pair.understood(step, stream=stream)


# From here on the SDKs report success.


@pytest.fixture
async def openai_pair() -> AsyncGenerator[Pair, None]:
    async with line(Protocol.OPENAI) as ours:
        yield Pair(ours, ask_openai)


@pytest.fixture
async def anthropic_pair() -> AsyncGenerator[Pair, None]:
    async with line(Protocol.ANTHROPIC) as ours:
        yield Pair(ours, ask_anthropic)


HALF_ANSWERS: tuple[tuple[str, Step, str], ...] = (
    ("a clean end in the middle", interrupted(says("Paris", " is"), 2, None), "truncated"),
    ("[DONE] without a finish reason", says("Paris", finish=None), "truncated"),
    ("a stream of no events", streams(), "truncated"),
    ("tool arguments cut", says(tools=(Tool("c", "f", ('{"a',)),), finish="tool_calls"), "malformed"),
    ("nothing said", says(), "empty"),
)


@pytest.mark.parametrize(("step", "kind"), [case[1:] for case in HALF_ANSWERS], ids=[case[0] for case in HALF_ANSWERS])
async def test_half_a_stream_is_an_answer_to_openais_sdk_and_an_error_to_us(
    openai_pair: Pair, step: Step, kind: str
) -> None:
    understood = await openai_pair.understood(step, stream=True)
    assert understood.text in ("", "Paris")
    assert (await openai_pair.hear(step, stream=True)).failure.kind == kind


async def test_half_a_stream_is_an_answer_to_anthropics_sdk_and_an_error_to_us(anthropic_pair: Pair) -> None:
    step = interrupted(says("Paris", " is"), 4, None)
    understood = await anthropic_pair.understood(step, stream=True)
    assert (understood.text, understood.finish) == ("Paris", None)
    assert (await anthropic_pair.hear(step, stream=True)).failure.kind == "truncated"


@pytest.mark.parametrize("body", [{"choices": []}, {"error": {"message": "busy", "code": 503}}])
async def test_a_200_without_an_answer_parses_in_openais_sdk_and_is_an_error_to_us(
    openai_pair: Pair, body: JsonObject
) -> None:
    openai_pair.ours.provider.script("*", [answers_json(body)])
    async with openai_client(openai_pair.ours.provider) as client:
        answer = await client.chat.completions.create(
            model="scripted-model", messages=[{"role": "user", "content": "Hi"}]
        )
    assert not answer.choices
    assert (await openai_pair.hear(answers_json(body), stream=False)).failure.kind in ("malformed", "overloaded")
