"""The providers of a simulation, at the seam of the transport: they answer in virtual time, or fail with the weather.

Speed and length stand for today's models roughly: by the catalogue's speed, 1 to 5, and the question's tokens.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import orjson

from bench.claims.questions import Question, case_in
from bench.claims.store import ReadyResponse
from bench.claims.weather import LIMIT, REFUSED_IN_BURST, SLOW, SLOW_TIMES, STRAY_FAILURES, Weather
from lib.contract import JsonObject
from lib.transport import HttpRequest, HttpResponse, TransportError

PACES: Final = MappingProxyType({1: (2.5, 35.0), 2: (1.4, 50.0), 3: (0.9, 70.0), 4: (0.6, 100.0), 5: (0.4, 150.0)})
"""Seconds to the first token and tokens per second, by the catalogue's speed: our assumption."""
SPREAD: Final = 0.35
"""Of the logarithm of a call's time."""
ERROR_SECONDS: Final = 0.3
CONNECT_SECONDS: Final = 0.05
RETRY_AFTER: Final = (1, 20)
JSON: Final = MappingProxyType({"content-type": "application/json"})


@dataclass(slots=True)
class Providers:
    """All of them; see lib.transport.Transport. `speeds` has the catalogue's by model (`provider/model`)."""

    weather: Weather
    speeds: Mapping[str, int]
    questions: Mapping[int, Question]
    chance: random.Random
    calls: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Model and case of every call, in order."""

    def send(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
        """One call of a model. Raises TransportError when it breaks or takes too long."""
        return self._exchange(request)

    async def aclose(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def _exchange(self, request: HttpRequest) -> AsyncGenerator[HttpResponse]:
        yield await self._answer(request)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        provider = (urlsplit(request.url).hostname or "").partition(".")[0]
        body: JsonObject = orjson.loads(request.body)
        wire_name = str(body["model"])
        model = f"{provider}/{wire_name}"
        question = self.questions[case_in(request.body.decode())]
        self.calls.append((model, question.case))
        fault = self.weather.fault(model, asyncio.get_running_loop().time())
        if fault == LIMIT and self.chance.random() < REFUSED_IN_BURST:
            await asyncio.sleep(ERROR_SECONDS)
            return _refusal(429, {"retry-after": str(self.chance.randint(*RETRY_AFTER))})
        if fault in ("connect", "hang"):
            await _broken(fault, request)
        if fault == "error" or self.chance.random() < STRAY_FAILURES:
            await asyncio.sleep(ERROR_SECONDS)
            return _refusal(self.chance.choice((500, 502, 503, 529)), {})
        await self._wait(request, self.seconds(model, question.output_tokens))
        return ReadyResponse(200, JSON, _whole(provider, wire_name, question))

    def seconds(self, model: str, tokens: int) -> float:
        """How long one answer takes."""
        first, rate = PACES[self.speeds[model]]
        times = self.chance.uniform(*SLOW_TIMES) if self.chance.random() < SLOW else 1.0
        return (first + tokens / rate) * self.chance.lognormvariate(0.0, SPREAD) * times

    async def _wait(self, request: HttpRequest, seconds: float) -> None:
        await asyncio.sleep(min(seconds, request.timeouts.total))
        if seconds > request.timeouts.total:
            raise TransportError("timeout", "no answer in time", sent=True)


async def _broken(fault: str, request: HttpRequest) -> None:
    if fault == "connect":
        await asyncio.sleep(CONNECT_SECONDS)
        raise TransportError("connect", "refused", sent=False)
    await asyncio.sleep(request.timeouts.total)
    raise TransportError("timeout", "no answer in time", sent=True)


def _refusal(status: int, headers: Mapping[str, str]) -> ReadyResponse:
    return ReadyResponse(status, {**JSON, **headers}, b'{"error":{"message":"try again later","type":"server_error"}}')


def _whole(provider: str, wire_name: str, question: Question) -> bytes:
    text = f"An answer to question {question.case}."
    given, made = question.input_tokens, question.output_tokens
    if provider == "anthropic":
        return orjson.dumps(
            {
                "type": "message",
                "role": "assistant",
                "model": wire_name,
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": given, "output_tokens": made},
            }
        )
    return orjson.dumps(
        {
            "object": "chat.completion",
            "model": wire_name,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made},
        }
    )
