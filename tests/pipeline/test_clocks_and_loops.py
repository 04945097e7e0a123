"""Instances whose clocks disagree by ten seconds, and event loops that live for one request: the promises hold."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Final

import pytest

from dev.kv import MemoryStore
from dev.reconcile.command import reconcile
from lib.aiohttp_transport import AiohttpTransport
from lib.clock import Clock, SystemClock
from lib.composition import Gateway, World
from lib.contract import JsonObject
from lib.site import Site
from tests.support.asgi_transport import AsgiTransport
from tests.support.clock import HandTurnedClock
from tests.support.deployment import ADMIN, SERVICE, Deployment, Instance, deployed, finished, text_in
from tests.support.kv import TOKEN, embedded_server

SKEWS: Final = (-5.0, 0.0, 5.0)
LIMIT: Final = 20
WINDOW: Final = 60
"""Seconds; on the clock that is furthest ahead. By the true time it is shorter by what the clocks differ, at most."""


@dataclass
class OffClock:
    """Another clock, some seconds off."""

    real: HandTurnedClock
    seconds: float

    def now(self) -> float:
        return self.real.now() + self.seconds

    def monotonic(self) -> float:
        return self.real.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.real.sleep(seconds)


def ask(number: int) -> JsonObject:
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": f"question {number}"}]}


def skewed(site: Deployment) -> list[Instance]:
    return [site.instance(clock=OffClock(site.clock, seconds)) for seconds in SKEWS]


@pytest.mark.parametrize("seed", range(5))
async def test_no_window_holds_more_than_the_limit_and_clocks_shorten_it_by_what_they_differ(seed: int) -> None:
    async with deployed(TIER_LIMITS=f"pro={LIMIT}/0") as site:
        instances, chance = skewed(site), random.Random(seed)
        admitted: list[float] = []
        for number in range(150):
            response = await chance.choice(instances).chat(ask(number))
            if response.status == 200:
                admitted.append(site.clock.now())
            else:
                assert response.status == 429
            site.clock.turn(chance.choice([0.05, 1, 3]))
        assert len(admitted) > 2 * LIMIT
        for first, beyond in zip(admitted, admitted[LIMIT:], strict=False):
            assert beyond - first >= WINDOW - (SKEWS[-1] - SKEWS[0])


async def test_at_one_moment_exactly_the_limit_is_admitted() -> None:
    async with deployed(TIER_LIMITS=f"pro={LIMIT}/0") as site:
        instances = skewed(site)
        responses = await asyncio.gather(*(instances[n % 3].chat(ask(n)) for n in range(3 * LIMIT)))
        assert [response.status for response in responses].count(200) == LIMIT


async def test_identical_requests_on_instances_with_other_clocks_reach_the_provider_once_and_are_cached() -> None:
    async with deployed() as site:
        instances = skewed(site)
        site.provider.hold()
        tasks = [asyncio.create_task(instances[n % 3].chat(ask(1))) for n in range(30)]
        await site.provider.until(lambda p: p.in_flight == 1)
        site.provider.release()
        responses = await finished(site, tasks)
        assert {(response.status, text_in(response)) for response in responses} == {(200, "echo: question 1")}
        assert [(await instance.chat(ask(1))).headers["x-cache"] for instance in instances] == ["HIT (exact)"] * 3
        assert len(site.provider.requests) == 1


async def test_a_budget_is_not_overrun_and_the_books_balance() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.005", DEDUP_ENABLED="off") as site:
        instances = skewed(site)
        statuses: list[int] = []
        for number in range(60):
            question = {**ask(number), "model": "gpt-4o", "max_tokens": 100}
            statuses.append((await instances[number % 3].chat(question)).status)
            site.clock.turn(5)
        assert 0 < statuses.count(200) < 60
        said = await reconcile(instances[2].gateway)
        assert [line for line in said if line.startswith("differs")] == []
        spent = (await instances[0].gateway.stats.get_user_usage("u1"))["totalCostMicroUsd"]
        assert isinstance(spent, int)
        assert 0 < spent <= 5_000


def own_loop_site(clock: Clock) -> tuple[AiohttpTransport, Instance]:
    """One gateway for many loops, answered by the demo."""
    transport = AiohttpTransport()
    env = {
        "UPSTASH_REDIS_REST_URL": "http://kv.test",
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        "GATEWAY_SERVICE_TOKEN": SERVICE,
        "GATEWAY_ADMIN_TOKEN": ADMIN,
        "DEMO_PROVIDER": "on",
        "TIER_LIMITS": f"pro={LIMIT}/0",
    }
    kv = AsgiTransport(embedded_server(MemoryStore(clock.now)))
    gateway = Gateway(World(env, transport, kv, clock, random.Random(7)))
    return transport, Instance(Site(gateway))


def test_with_a_loop_per_request_limits_duplicates_cache_and_books_hold() -> None:
    clock = SystemClock()
    _, here = own_loop_site(clock)
    statuses = [asyncio.run(here.chat({**ask(n), "model": "demo/echo"})).status for n in range(LIMIT - 1)]
    again = asyncio.run(here.chat({**ask(0), "model": "demo/echo"}))
    assert (set(statuses), again.headers["x-cache"]) == ({200}, "HIT (exact)")
    assert asyncio.run(here.chat({**ask(99), "model": "demo/echo"})).status == 429
    said = asyncio.run(reconcile(here.gateway))
    assert [line for line in said if line.startswith(("lost", "differs"))] == []


def test_one_gateway_keeps_its_promises_over_sockets_from_loop_to_loop() -> None:
    async def round_of(first: int, shared: list[Instance]) -> list[str]:
        async with deployed() as site:
            here = site.instance()
            shared.append(here)
            responses = await asyncio.gather(*(here.chat(ask(n)) for n in range(first, first + 5)))
            return [text_in(response) for response in responses]

    instances: list[Instance] = []
    for first in (0, 5):
        assert asyncio.run(round_of(first, instances)) == [f"echo: question {n}" for n in range(first, first + 5)]
