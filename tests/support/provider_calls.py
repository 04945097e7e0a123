"""Calling an adapter in tests: rows for made-up models, one call, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from lib.ai.collect import AnswerBuilder
from lib.ai.providers.base import Adapter, ProviderCall
from lib.ai.providers.registry import adapters
from lib.aiohttp_transport import AiohttpTransport
from lib.answer import Choice, Completion, Delta
from lib.catalog.rows import ModelRow, ParamRules, Protocol, ProviderRow
from lib.clock import Clock
from lib.contract import ChatRequest, Json, JsonObject
from lib.errors import ProviderError
from lib.transport import Timeouts
from tests.scripted.provider import ScriptedProvider
from tests.support.clock import HandTurnedClock

KEY = "sk-test-0123456789abcdef"
REQUEST_ID = "req-of-the-test"
PLAIN = ParamRules()
QUESTION: JsonObject = {"role": "user", "content": "What is the capital of France?"}


class Wishes(TypedDict, total=False):
    """Fields of a ChatRequest that a provider gets to see."""

    stream: bool
    max_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    seed: int
    n: int
    tools: tuple[JsonObject, ...]
    tool_choice: Json
    response_format: JsonObject
    extra: JsonObject
    anthropic: JsonObject
    prompt_caching: bool


def asking(*messages: JsonObject, **wishes: Unpack[Wishes]) -> ChatRequest:
    """A chat request of the messages, or of one plain question."""
    return ChatRequest(model="test/model", messages=messages or (QUESTION,), **wishes)


def model(params: ParamRules = PLAIN, max_output: int = 16_384) -> ModelRow:
    """A row named `scripted-model` on the wire."""
    return ModelRow(
        id="test/model",
        provider="test",
        wire_name="scripted-model",
        context_window=128_000,
        max_output=max_output,
        capabilities=frozenset({"vision", "tools", "json", "stream"}),
        quality=3,
        speed=3,
        params=params,
    )


def call(
    request: ChatRequest,
    *,
    row: ModelRow | None = None,
    base_url: str = "http://127.0.0.1:9",
    protocol: Protocol = Protocol.OPENAI,
    timeouts: Timeouts | None = None,
) -> ProviderCall:
    """One try at the model."""
    provider = ProviderRow(id="test", protocol=protocol, base_url=base_url)
    return ProviderCall(row or model(), provider, KEY, request, timeouts or Timeouts(), REQUEST_ID)


@dataclass
class Heard:
    """What came of one call; `error` beside deltas is a failure in the middle of an answer."""

    deltas: list[Delta] = field(default_factory=list[Delta])
    completion: Completion | None = None
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)

    @property
    def reasoning(self) -> str:
        return "".join(delta.reasoning for delta in self.deltas)

    @property
    def whole(self) -> Completion:
        """The completion of a call that succeeded."""
        assert self.error is None, self.error
        assert self.completion is not None
        return self.completion

    @property
    def failure(self) -> ProviderError:
        """The error of a call that failed."""
        assert self.error is not None, f"succeeded with {self.text!r}"
        assert self.completion is None
        return self.error

    @property
    def choices(self) -> tuple[Choice, ...]:
        builder = AnswerBuilder()
        for delta in self.deltas:
            builder.add(delta)
        return builder.choices(self.whole)


async def hear(adapter: Adapter, one: ProviderCall) -> Heard:
    """Make the call to its end, keeping a ProviderError."""
    heard = Heard()
    try:
        async with aclosing(adapter.call(one)) as events:
            async for event in events:
                assert heard.completion is None, "nothing follows a completion"
                if isinstance(event, Delta):
                    heard.deltas.append(event)
                else:
                    heard.completion = event
    except ProviderError as error:
        heard.error = error
    return heard


@dataclass
class Line:
    """An adapter at a scripted provider."""

    provider: ScriptedProvider
    adapter: Adapter
    protocol: Protocol

    def call(self, request: ChatRequest, row: ModelRow | None = None, timeouts: Timeouts | None = None) -> ProviderCall:
        """A call of this provider."""
        base_url = self.provider.base_url
        return call(request, row=row, base_url=base_url, protocol=self.protocol, timeouts=timeouts)

    async def hear(self, request: ChatRequest, row: ModelRow | None = None) -> Heard:
        """Ask, and listen to the end."""
        return await hear(self.adapter, self.call(request, row))

    @property
    def sent(self) -> dict[str, Json]:
        """The body of the last request the provider received."""
        return self.provider.requests[-1].body


@asynccontextmanager
async def line(protocol: Protocol, clock: Clock | None = None) -> AsyncGenerator[Line, None]:
    """A scripted provider and the protocol's adapter, over the real transport."""
    transport = AiohttpTransport()
    try:
        async with ScriptedProvider() as provider:
            yield Line(provider, adapters(transport, clock or HandTurnedClock())[protocol], protocol)
            await transport.aclose()
    finally:
        await transport.aclose()
