"""What one instance holds by itself while the store is away: de-duplication and budgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lib.contract import JsonObject
from tests.scripted.sayings import Saying, speaks
from tests.scripted.steps import fails
from tests.support.asgi_client import Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.books import counted_once, logged, spent_today
from tests.support.deployment import ASK, Deployment, Instance, deployed, finished, text_in
from tests.support.faulty_kv import Fault, FaultyKv
from tests.support.ticks import next_tick

DEAR = speaks(Saying(("x",), usage={"prompt_tokens": 1000, "completion_tokens": 100}))
DEAR_MICRO_USD = 3_500
"""1,000 tokens at $2.50 and 100 at $10 per million."""


def asking(prompt: str, **fields: int | bool) -> JsonObject:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}], **fields}


@asynccontextmanager
async def alone(**env: str) -> AsyncGenerator[tuple[Deployment, Instance, FaultyKv]]:
    """An instance whose store refuses every connection."""
    async with deployed(**env) as site:
        store = FaultyKv(site.store)
        store.always = Fault.DROP
        yield site, site.instance(kv_transport=AsgiTransport(store)), store


async def all_waiting(site: Deployment, here: Instance, count: int) -> None:
    """One request is at the provider, and so many others have had their turns to find that out."""
    await site.provider.until(lambda p: p.in_flight == 1)
    while len(site.clock.slept) < count:
        await next_tick()
    assert here.gateway.store.state.failures > 0


async def back(site: Deployment, here: Instance, store: FaultyKv) -> None:
    store.always = None
    site.clock.turn(5)
    while not here.gateway.store.state.available:
        await here.gateway.store_trouble()
        await next_tick()


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_identical_requests_in_flight_share_one_provider_call(stream: bool) -> None:
    async with alone() as (site, here, _):
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat(ASK | {"stream": stream})) for _ in range(10)]
        await all_waiting(site, here, 9)
        site.provider.release()
        responses = await finished(site, tasks)
        assert [r.status for r in responses] == [200] * 10
        assert all((b"[DONE]" if stream else b"echo: What is a lease?") in r.body for r in responses)
        assert len(site.provider.requests) == 1
        assert sorted(r.headers["x-cache"] for r in responses) == ["BYPASS"] + ["HIT (duplicate)"] * 9
        assert {r.headers["x-ai-degraded"] for r in responses} == {"kv"}


async def test_another_instance_makes_its_own_call() -> None:
    async with alone() as (site, here, store):
        there = site.instance(kv_transport=AsgiTransport(store))
        site.provider.hold()
        tasks = [asyncio.create_task((here, there)[n % 2].chat()) for n in range(6)]
        await site.provider.until(lambda p: p.in_flight == 2)
        site.provider.release()
        await finished(site, tasks)
        assert len(site.provider.requests) == 2


async def test_another_users_identical_request_is_not_a_duplicate() -> None:
    async with alone() as (site, here, _):
        first, other = await here.chat(), await here.chat(x_user_id="u2")
        assert (first.headers["x-cache"], other.headers["x-cache"]) == ("BYPASS", "BYPASS")
        assert len(site.provider.requests) == 2


async def test_a_finished_answer_is_replayed_for_five_seconds_and_not_longer() -> None:
    async with alone() as (site, here, _):
        first = await here.chat()
        site.clock.turn(4)
        again = await here.chat()
        site.clock.turn(2)
        later = await here.chat()
        assert [r.headers["x-cache"] for r in (first, again, later)] == ["BYPASS", "HIT (duplicate)", "BYPASS"]
        assert text_in(again) == text_in(first)


async def test_duplicates_of_a_failing_request_get_its_error() -> None:
    async with alone(RETRY_MAX_ATTEMPTS="1") as (site, here, _):
        site.provider.script("*", [fails(500)] * 10)
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat()) for _ in range(5)]
        await all_waiting(site, here, 4)
        site.provider.release()
        assert {r.status for r in await finished(site, tasks)} == {502}
        assert len(site.provider.requests) == 3  # the chain of one request


async def test_when_the_original_hangs_up_one_duplicate_takes_over() -> None:
    async with alone() as (site, here, _):
        site.provider.hold()
        original = here.exchange(ASK)
        first = asyncio.create_task(original.run())
        await site.provider.until(lambda p: p.in_flight == 1)
        tasks = [asyncio.create_task(here.chat()) for _ in range(5)]
        await all_waiting(site, here, 5)
        original.hang_up()
        await first
        site.provider.release()
        assert {r.status for r in await finished(site, tasks)} == {200}
        assert len(site.provider.requests) == 2


async def test_a_request_that_begins_after_the_store_has_gone_joins_one_that_began_before() -> None:
    async with alone() as (site, here, store):
        store.always = None
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat())]
        await site.provider.until(lambda p: p.in_flight == 1)
        store.always = Fault.DROP
        tasks.append(asyncio.create_task(here.chat()))
        while not site.clock.slept[1:]:  # the first sleep is the original's lease
            await next_tick()
        site.provider.release()
        responses = await finished(site, tasks)
        assert [r.headers["x-cache"] for r in responses] == ["MISS", "HIT (duplicate)"]


async def test_a_duplicate_that_waits_when_the_store_goes_still_gets_the_originals_answer() -> None:
    async with alone() as (site, here, store):
        store.always = None
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat()) for _ in range(4)]
        await site.provider.until(lambda p: p.in_flight == 1)
        while site.store.stats.by_name["EVAL"] < 4:
            await next_tick()
        store.always = Fault.DROP
        for _ in range(30):
            site.clock.turn(0.05)
            await next_tick()
        site.provider.release()
        responses = await finished(site, tasks)
        assert [r.status for r in responses] == [200] * 4
        assert len(site.provider.requests) == 1


async def test_an_idempotency_key_replays_and_refuses_another_body() -> None:
    async with alone() as (site, here, _):
        first = await here.chat(idempotency_key="k1")
        site.clock.turn(3600)
        again = await here.chat(idempotency_key="k1")
        other = await here.chat(asking("another"), idempotency_key="k1")
        assert (first.status, again.headers["x-cache"], other.status) == (200, "HIT (duplicate)", 400)
        assert len(site.provider.requests) == 1


async def test_an_error_during_an_outage_is_booked_as_an_error_and_not_as_a_refusal() -> None:
    async with alone(RETRY_MAX_ATTEMPTS="1", KV_CIRCUIT_FAILURES="1") as (site, here, store):
        site.provider.script("*", [fails(500)] * 3)
        assert (await here.chat()).status == 502
        await back(site, here, store)
        await here.chat(asking("after"))
        assert sorted(record.kind for record in await logged(site)) == ["call", "error"]


async def spend(site: Deployment, here: Instance, times: int, **headers: str) -> list[Response]:
    site.provider.script("gpt-4o", [DEAR] * times)
    return [await here.chat(asking(f"essay {n}", maxTokens=100), **headers) for n in range(times)]


async def test_one_instance_lets_a_user_spend_a_share_of_the_days_budget() -> None:
    async with alone(TIER_DAILY_BUDGETS_USD="pro=0.1") as (site, here, _):
        responses = await spend(site, here, 6)
        statuses = [r.status for r in responses]
        assert set(statuses) == {200, 402}
        assert statuses == sorted(statuses)
        assert (statuses.count(200) - 1) * DEAR_MICRO_USD < 10_000  # the last one cost more than was estimated
        assert b"day without the store" in responses[-1].body
        others = await here.chat(asking("mine", maxTokens=100), x_user_id="u2")
        assert others.status == 200


@pytest.mark.parametrize(("percent", "served"), [("100", 6), ("0", 0)])
async def test_the_share_is_configurable(percent: str, served: int) -> None:
    async with alone(TIER_DAILY_BUDGETS_USD="pro=0.1", KV_AWAY_BUDGET_PERCENT=percent) as (site, here, _):
        assert [r.status for r in await spend(site, here, 6)].count(200) == served


async def test_a_monthly_budget_holds_by_the_day() -> None:
    async with alone(TIER_MONTHLY_BUDGETS_USD="pro=3") as (site, here, _):
        assert 402 in {r.status for r in await spend(site, here, 6)}
        site.clock.turn(86_400)
        site.provider.script("gpt-4o", [DEAR])
        assert (await here.chat(asking("tomorrow", maxTokens=100))).status == 200


async def test_requests_at_once_cannot_spend_more_than_their_share_together() -> None:
    async with alone(TIER_DAILY_BUDGETS_USD="pro=0.1") as (site, here, _):
        site.provider.script("gpt-4o", [DEAR] * 12)
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat(asking(f"essay {n}", maxTokens=100))) for n in range(12)]
        await site.provider.until(lambda p: p.in_flight > 0)
        site.provider.release()
        statuses = [r.status for r in await finished(site, tasks)]
        assert set(statuses) == {200, 402}


async def test_what_was_spent_alone_counts_in_the_stores_budget_exactly_once(caplog: pytest.LogCaptureFixture) -> None:
    async with alone(TIER_DAILY_BUDGETS_USD="pro=1", KV_CIRCUIT_FAILURES="1") as (site, here, store):
        responses = await spend(site, here, 3)
        assert await spent_today(site) == 0
        await back(site, here, store)
        site.provider.script("gpt-4o", [DEAR] * 2)
        responses += [await here.chat(asking(f"after {n}", maxTokens=100)) for n in range(2)]
        assert [r.status for r in responses] == [200] * 5
        assert await spent_today(site) == 5 * DEAR_MICRO_USD
        assert await counted_once(site, caplog) == {r.headers["x-request-id"] for r in responses}
