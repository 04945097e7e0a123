"""One stretch of traffic through the product's own pipeline: instances, one store, and the providers' weather."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from bench.claims.providers import Providers
from bench.claims.questions import Prompt, Question
from bench.claims.store import StoreTransport
from bench.claims.traffic import Asked, traffic
from bench.claims.virtual_time import LoopClock, VirtualLoop
from bench.claims.weather import Weather
from dev.kv import EmbeddedServer, MemoryStore
from lib.ai.answering import answer_of
from lib.answer import CacheKind, Usage
from lib.catalog import ModelRow
from lib.composition import Gateway, World
from lib.contract import Caller, CallerKind, ChatRequest, Job
from lib.errors import GatewayError
from lib.settings import Settings

ALONE: Final = ("openai/gpt-4o", "openai/gpt-6.1-terra", "openai/gpt-6.1-sol")
"""Models for everything, against which savings are counted: the default of BASELINE_MODEL, today's model of the same
capability tier, and one of the best tier."""
INSTANCES: Final = 3
TOKEN: Final = "store-token"  # noqa: S105 - of a store in this process
WORLD: Final = MappingProxyType(
    {
        "GATEWAY_ENV": "production",
        "UPSTASH_REDIS_REST_URL": "http://kv.test",
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        "GATEWAY_HASH_SECRET": "a secret of the simulation",
        "OPENAI_API_KEY": "key-openai",
        "OPENAI_BASE_URL": "http://openai.test/v1",
        "ANTHROPIC_API_KEY": "key-anthropic",
        "ANTHROPIC_BASE_URL": "http://anthropic.test/v1",
        "GEMINI_API_KEY": "key-google",
        "GOOGLE_BASE_URL": "http://google.test/v1",
        "CACHE_SCOPE": "shared",
    }
)
"""What all layers have in common: the document's three providers, answers shared among users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is asked of which layer."""

    name: str
    mix: str = "natural"
    repeats: float = 0.0
    model: str = "auto"
    fallback: bool = True
    env: tuple[tuple[str, str], ...] = ()
    """Settings beside or in the place of `WORLD`."""


@dataclass(frozen=True, slots=True)
class Run:
    """How much of it, and by which dice."""

    requests: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request. Costs are micro-dollars."""

    asked: Asked
    list_micro_usd: tuple[int, ...]
    """What the models of `ALONE` would have cost."""
    list_scores: tuple[float | None, ...]
    """What they would have achieved."""
    served: str = ""
    """The model that answered; empty where none did."""
    cached: CacheKind | None = None
    seconds: float = 0.0
    micro_usd: int = 0
    score: float | None = None
    error: str = ""
    """The status that its caller got, where it was not answered."""
    reached: bool = False
    """Whether a provider was called for it."""
    provider_up: bool = True
    """Whether at least one provider was there when it arrived."""

    @property
    def ok(self) -> bool:
        """Whether it was answered."""
        return not self.error


def simulated(scenario: Scenario, prompts: Sequence[Prompt], run: Run) -> list[Outcome]:
    """All outcomes, in the order of the requests. The same arguments give the same outcomes."""
    loop = VirtualLoop()
    try:
        asked = traffic(prompts, scenario.repeats, run.requests, run.seed)
        return loop.run_until_complete(_Stretch(scenario, asked, run.seed, LoopClock(loop)).outcomes())
    finally:
        loop.close()


class _Stretch:
    def __init__(self, scenario: Scenario, asked: Sequence[Asked], seed: int, clock: LoopClock) -> None:
        self._scenario, self._asked, self._clock = scenario, asked, clock
        env = {**WORLD, **dict(scenario.env)}
        settings = Settings.from_env(env)
        catalog = settings.catalog()
        self._rows = {row.id: row for row in catalog.models}
        self._alone = tuple(self._rows[name] for name in ALONE)
        keys = settings.provider_keys(catalog)
        reachable = [row.id for row in catalog.models if row.provider in keys]
        self._weather = Weather(reachable, asked[-1].at + 3_600, seed)
        self._providers = Providers(
            self._weather,
            {f"{row.provider}/{row.wire_name}": row.speed for row in catalog.models},
            {each.question.case: each.question for each in asked},
            random.Random(f"{seed} providers"),
        )
        store = StoreTransport(EmbeddedServer(MemoryStore(clock.now), token=TOKEN))
        worlds = [World(env, self._providers, store, clock, random.Random(f"{seed} {n}")) for n in range(INSTANCES)]
        self._gateways = tuple(map(Gateway, worlds))
        self._which = random.Random(f"{seed} instances")

    async def outcomes(self) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[Outcome]] = []
        for number, asked in enumerate(self._asked):
            await asyncio.sleep(max(0.0, asked.at - loop.time()))
            tasks.append(loop.create_task(self._outcome(number, asked)))
        return await asyncio.gather(*tasks)

    async def _outcome(self, number: int, asked: Asked) -> Outcome:
        began, up = self._clock.monotonic(), self._weather.any_up(asked.at)
        gateway = self._which.choice(self._gateways)
        outcome = Outcome(
            asked=asked,
            list_micro_usd=tuple(self._list_price(gateway, row, asked.question) for row in self._alone),
            list_scores=tuple(asked.question.prompt.score(row.quality) for row in self._alone),
            provider_up=up,
        )
        try:
            done = await answer_of(gateway.pipeline, self._job(gateway, number, asked))
        except GatewayError as error:
            seconds = self._clock.monotonic() - began
            return replace(outcome, error=str(error.status), seconds=seconds, reached=True)
        report = done.report
        return replace(
            outcome,
            served=report.model_used,
            cached=report.cached,
            seconds=report.latency_ms / 1000,
            micro_usd=report.cost_micro_usd,
            score=asked.question.prompt.score(self._rows[report.model_used].quality),
            reached=bool(report.attempts) and report.cached is None,
        )

    def _list_price(self, gateway: Gateway, row: ModelRow, question: Question) -> int:
        usage = Usage(input_tokens=question.input_tokens, output_tokens=question.output_tokens)
        return gateway.prices.cost(row, row.wire_name, usage, self._clock.now()).micro_usd

    def _job(self, gateway: Gateway, number: int, asked: Asked) -> Job:
        now = self._clock.now()
        request = ChatRequest(
            model=self._scenario.model,
            messages=({"role": "user", "content": asked.text},),
            use_fallback=self._scenario.fallback,
        )
        caller = Caller(f"user-{asked.user}", "pro", CallerKind.USER)
        return Job(f"req_{number}", request, caller, now, now + gateway.settings.timeouts.total_seconds)
