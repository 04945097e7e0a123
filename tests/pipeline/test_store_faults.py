"""An outage of the store in each of its forms: requests succeed and say so, and afterwards the books are complete."""

from __future__ import annotations

import asyncio

import pytest

from lib.contract import JsonObject
from tests.support.asgi_client import Response, request
from tests.support.books import counted_once, logged, spent_today, to_import
from tests.support.deployment import Deployment, Instance, deployed, finished, text_in
from tests.support.faulty_kv import (
    BAD_GATEWAY,
    EMPTY,
    HTML,
    QUOTA,
    SERVER_ERROR,
    TOO_MANY,
    UNAUTHORIZED,
    Fault,
    FaultyKv,
    ImpatientTransport,
    Scripted,
)
from tests.support.ticks import next_tick

# One command failing alone is the subject of `test_store_unknown`.
FAULTS = (
    *(f for f in Fault if f is not Fault.FIRST_FAILS),
    UNAUTHORIZED,
    QUOTA,
    TOO_MANY,
    SERVER_ERROR,
    BAD_GATEWAY,
    HTML,
    EMPTY,
)
SILENT = (Fault.HANG, Fault.HANG_AFTER)
OPEN_SECONDS = 5.0


def ask(prompt: str, **fields: str | bool) -> JsonObject:
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": prompt}], **fields}


def faulty(site: Deployment) -> tuple[Instance, FaultyKv]:
    """An instance and the store as it alone sees it."""
    store = FaultyKv(site.store)
    return site.instance(kv_transport=ImpatientTransport(store)), store


async def recovered(site: Deployment, here: Instance) -> None:
    """The store's time out is over, and the client has found out that it answers."""
    site.clock.turn(OPEN_SECONDS)
    while not here.gateway.store.state.available:
        await here.gateway.store_trouble()
        await next_tick()


async def status_of(here: Instance) -> object:
    health = await request(here.app("health"), path="/api/ai/health")
    assert health.status == 200
    return health.json()["status"]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_requests_succeed_during_an_outage_and_are_counted_once_after_it(
    fault: Scripted, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed() as site:
        here, store = faulty(site)
        before = [await here.chat(ask("before", stream=stream))]
        store.always = fault
        during = [await here.chat(ask(f"during {n}", stream=stream)) for n in range(5)]
        store.always = None
        await recovered(site, here)
        after = [await here.chat(ask(f"after {n}", stream=stream)) for n in range(2)]
        responses = [*before, *during, *after]
        assert [r.status for r in responses] == [200] * 8
        assert all(r.complete for r in responses)
        assert [b"during" in r.body for r in during] == [True] * 5
        assert await counted_once(site, caplog) == {r.headers["x-request-id"] for r in responses}
        assert here.gateway.log.waiting == 0


@pytest.mark.parametrize("fault", [f for f in FAULTS if f is not Fault.ROTATED], ids=str)
async def test_answers_and_health_say_that_the_store_is_away_and_no_longer_say_so_when_it_is_back(
    fault: Scripted,
) -> None:
    async with deployed() as site:
        here, store = faulty(site)
        store.always = fault
        degraded = [(await here.chat(ask(f"during {n}"))).headers.get("x-ai-degraded") for n in range(4)]
        assert degraded == ["kv"] * 4
        assert await status_of(here) == "degraded"
        store.always = None
        await recovered(site, here)
        assert "x-ai-degraded" not in (await here.chat(ask("after"))).headers
        assert await status_of(here) == "healthy"


@pytest.mark.parametrize("fault", SILENT)
async def test_a_silent_store_is_waited_for_once_per_instance_and_then_only_by_a_probe_of_its_own(fault: Fault) -> None:
    async with deployed() as site:
        here, store = faulty(site)
        store.always = fault
        tasks = [asyncio.create_task(here.chat(ask(f"at once {n}"))) for n in range(5)]
        await asyncio.gather(*tasks)
        asked = store.requests
        for n in range(10):
            await here.chat(ask(f"later {n}"))
        assert store.requests == asked
        site.clock.turn(OPEN_SECONDS)
        await asyncio.gather(*(here.chat(ask(f"when due {n}")) for n in range(5)))
        assert store.requests == asked + 1


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_what_is_spent_during_an_outage_counts_in_the_budget_after_it_and_never_twice(
    fault: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=1") as site:
        here, store = faulty(site)
        store.always = fault
        for n in range(6):
            await here.chat(ask(f"during {n}"))
        store.always = None
        await recovered(site, here)
        await here.chat(ask("after"))
        cost = sum({r.request_id: r.cost_micro_usd for r in (*await logged(site), *to_import(caplog))}.values())
        spent = await spent_today(site)
        # Where a settlement's answer was lost, nobody can know whether it was executed: it is not sent again.
        assert cost - sum(r.cost_micro_usd for r in to_import(caplog)) <= spent <= cost


async def test_a_store_that_comes_and_goes_loses_nothing_and_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed(KV_CIRCUIT_OPEN_SECONDS="1", DEDUP_ENABLED="off", TIER_LIMITS="pro=1000") as site:
        here, store = faulty(site)
        responses: list[Response] = []
        for n in range(40):
            store.always = (None, Fault.DROP, SERVER_ERROR, Fault.DROP_AFTER)[n // 3 % 4]
            responses.append(await here.chat(ask(f"question {n % 17}")))
            site.clock.turn(0.4)
        store.always = None
        await recovered(site, here)
        responses += [await here.chat(ask(f"after {n}")) for n in range(2)]
        assert {r.status for r in responses} == {200}
        assert [text_in(r) for r in responses[:17]] == [f"echo: question {n}" for n in range(17)]
        assert await counted_once(site, caplog) == {r.headers["x-request-id"] for r in responses}


async def test_of_two_instances_the_one_that_reaches_the_store_is_not_degraded() -> None:
    async with deployed() as site:
        there = site.instance()
        here, store = faulty(site)
        store.always = Fault.DROP
        tasks = [asyncio.create_task(one.chat(ask(f"question {n}"))) for n, one in enumerate((here, there))]
        away, near = await finished(site, tasks)
        assert (away.status, away.headers.get("x-ai-degraded")) == (200, "kv")
        assert (near.status, near.headers.get("x-ai-degraded")) == (200, None)
