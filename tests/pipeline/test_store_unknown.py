"""The answer of the store was lost, or one command failed: what it holds for us is ended, and nothing counts twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lib.contract import JsonObject
from lib.errors import StoreError
from tests.scripted.sayings import says
from tests.scripted.steps import fails
from tests.support.asgi_transport import AsgiTransport
from tests.support.books import counted_once, logged, spent_today, to_import
from tests.support.deployment import ASK, Deployment, Instance, deployed, finished, text_in
from tests.support.faulty_kv import Fault, FaultyKv, Refuses
from tests.support.ticks import next_tick

BUDGET = {"TIER_DAILY_BUDGETS_USD": "pro=1"}


def asking(prompt: str) -> JsonObject:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}


@asynccontextmanager
async def two(**env: str) -> AsyncGenerator[tuple[Deployment, Instance, Instance, FaultyKv]]:
    """Two instances, the first of which sees the store through faults."""
    async with deployed(**env) as site:
        store = FaultyKv(site.store)
        yield site, site.instance(kv_transport=AsgiTransport(store)), site.instance(), store


async def claims(site: Deployment) -> int:
    """Records of requests in flight that the store holds."""
    kv = site.instance().gateway.store
    names = await kv.run("KEYS", "*:d1:*")
    assert isinstance(names, list)
    return len([name for name in names if str(await kv.run("GET", str(name))).startswith("F")])


async def test_a_claim_whose_admission_was_never_answered_is_published_to_the_duplicates_of_other_instances() -> None:
    async with two() as (site, here, there, store):
        site.provider.hold()
        store.script.append(Fault.DROP_AFTER)
        first = asyncio.create_task(here.chat())
        await site.provider.until(lambda p: p.in_flight == 1)
        assert await claims(site) == 1
        second = asyncio.create_task(there.chat())
        while site.store.stats.by_name["GET"] < 1 + 1:
            site.clock.turn(0.01)
            await next_tick()
        site.provider.release()
        original, duplicate = await finished(site, [first, second])
        assert original.headers["x-ai-degraded"] == "kv"
        assert duplicate.headers["x-cache"] == "HIT (duplicate)"
        assert text_in(duplicate) == text_in(original)
        assert len(site.provider.requests) == 1


async def test_such_a_claim_is_released_when_its_caller_hangs_up() -> None:
    async with two() as (site, here, _, store):
        site.provider.hold()
        store.script.append(Fault.DROP_AFTER)
        exchange = here.exchange(ASK)
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.in_flight == 1)
        exchange.hang_up()
        await task
        assert await claims(site) == 0


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.DROP])
async def test_such_a_claim_is_released_when_the_request_is_refused_here(fault: Fault) -> None:
    async with two(**BUDGET, KV_FAIL_CLOSED_TIERS="pro") as (site, here, there, store):
        store.script.append(fault)
        assert (await here.chat()).status == 503
        assert await claims(site) == 0
        assert await spent_today(site) == 0
        assert (await there.chat()).status == 200


async def test_a_claim_that_never_was_leaves_another_instances_claim_alone() -> None:
    async with two(RETRY_MAX_ATTEMPTS="1") as (site, here, there, store):
        site.provider.hold()
        other = asyncio.create_task(there.chat())
        await site.provider.until(lambda p: p.in_flight == 1)
        store.script.append(Fault.DROP)
        site.provider.script("*", [fails(500)] * 3)
        mine = here.exchange(ASK)
        task = asyncio.create_task(mine.run())
        await site.provider.until(lambda p: p.in_flight == 2)
        mine.hang_up()
        await task
        assert await claims(site) == 1
        site.provider.release()
        await other


async def test_a_hold_whose_admission_was_never_answered_is_exchanged_for_the_cost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with two(**BUDGET) as (site, here, _, store):
        store.script.append(Fault.DROP_AFTER)
        response = await here.chat()
        (record,) = await logged(site)
        assert await spent_today(site) == record.cost_micro_usd > 0
        assert await counted_once(site, caplog) == {response.headers["x-request-id"]}


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.DROP])
async def test_a_write_back_that_was_never_answered_is_logged_for_import_and_settled_once(
    fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    async with two(**BUDGET) as (site, here, _, store):
        store.script.extend([None, fault])
        responses = [await here.chat(asking("first")), await here.chat(asking("second"))]
        assert [record.request_id for record in to_import(caplog)] == [responses[0].headers["x-request-id"]]
        assert await counted_once(site, caplog) == {r.headers["x-request-id"] for r in responses}
        (second, *_) = [r for r in await logged(site) if r.request_id == responses[1].headers["x-request-id"]]
        (first,) = to_import(caplog)
        assert await spent_today(site) == first.cost_micro_usd + second.cost_micro_usd


async def test_an_answer_that_could_not_be_published_is_published_with_the_next_write_back() -> None:
    async with two(CACHE_ENABLED="off") as (site, here, there, store):
        site.provider.hold()
        first = asyncio.create_task(here.chat(idempotency_key="k1"))
        await site.provider.until(lambda p: p.in_flight == 1)
        store.script.append(Fault.DROP)
        site.provider.release()
        original = await first
        assert await claims(site) == 1
        await here.chat(asking("another"))
        assert await claims(site) == 0
        site.clock.turn(3600)
        duplicate = await there.chat(idempotency_key="k1")
        assert duplicate.headers["x-cache"] == "HIT (duplicate)"
        assert text_in(duplicate) == text_in(original)


async def test_the_late_answer_of_a_claim_that_has_expired_replaces_no_newer_one() -> None:
    async with two(CACHE_ENABLED="off", DEDUP_LEASE_SECONDS="1") as (site, here, there, store):
        site.provider.script("gpt-4o", [says("the first"), says("the second")])
        store.script.extend([None, Fault.DROP])
        await here.chat(idempotency_key="k1")
        site.clock.turn(2)
        second = await there.chat(idempotency_key="k1")
        await here.chat(asking("another"))
        third = await there.chat(idempotency_key="k1")
        assert (text_in(second), text_in(third)) == ("the second", "the second")


APART = {"CACHE_TTL_GENERAL_SECONDS": "1000000", "CACHE_TTL_FACTUAL_SECONDS": "1000000", "USAGE_LOG_DAYS": "2"}
"""Answers outlive their records, so they are written on their own."""
REFUSALS = (
    (Refuses("EVAL", "nameless"), BUDGET),
    (Refuses("EVAL", "nameless"), BUDGET | APART),
    (Refuses("EXPIRE", ":ev:"), BUDGET),
    (Refuses("EVAL", "keeping"), BUDGET | APART),
    (Refuses("EVAL", ":h1:"), BUDGET),
)


@pytest.mark.parametrize(("rule", "env"), REFUSALS)
async def test_one_command_of_the_write_back_that_fails_takes_no_other_along(
    rule: Refuses, env: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with two(**env) as (site, here, there, store):
        store.script.extend([None, rule])
        responses = [await here.chat(), await here.chat(asking("next"))]
        assert {(r.status, r.headers.get("x-ai-degraded")) for r in responses} == {(200, None)}
        assert await counted_once(site, caplog) == {r.headers["x-request-id"] for r in responses}
        assert to_import(caplog) == []
        assert await spent_today(site) == sum(record.cost_micro_usd for record in await logged(site))
        assert (await there.chat()).headers["x-cache"] in ("HIT (exact)", "HIT (duplicate)")
        assert await claims(site) == 0


async def test_a_settlement_that_fails_is_made_up_for_with_the_next_write_back() -> None:
    async with two(**BUDGET) as (site, here, _, store):
        store.script.extend([None, Refuses("EVAL", ":u1:")])
        await here.chat()
        (record,) = await logged(site)
        assert await spent_today(site) > record.cost_micro_usd  # the hold, which is more
        await here.chat(asking("next"))
        assert await spent_today(site) == sum(r.cost_micro_usd for r in await logged(site))


async def test_an_admission_that_fails_as_a_command_lets_the_request_in_degraded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with two() as (site, here, _, store):
        store.script.append(Refuses("EVAL", ":u1:"))
        response = await here.chat()
        assert (response.status, response.headers["x-ai-degraded"]) == (200, "kv")
        assert await counted_once(site, caplog) == {response.headers["x-request-id"]}
        assert here.gateway.store.state.available


async def test_health_that_cannot_be_read_degrades_nothing() -> None:
    async with two() as (_, here, __, store):
        store.always = Refuses("MGET", ":h1:")
        first, again = await here.chat(), await here.chat()
        assert "x-ai-degraded" not in first.headers
        assert again.headers["x-cache"] == "HIT (exact)"


async def test_totals_that_cannot_be_rolled_up_are_an_error_of_the_reader_alone_and_right_later() -> None:
    async with two(TIER_LIMITS="pro=1000") as (_, here, there, store):
        store.always = Refuses("EVAL", ":cu:")
        luna = {"model": "gpt-6-luna"}
        assert [(await here.chat(asking(str(n)) | luna)).status for n in range(70)] == [200] * 70
        with pytest.raises(StoreError):
            await here.usage()
        assert (await there.usage())["totalRequests"] == 70


async def test_duplicates_whose_looks_fail_get_the_answer_nevertheless() -> None:
    async with two() as (site, here, _, store):
        site.provider.hold()
        store.always = Refuses("GET", ":d1:")
        tasks = [asyncio.create_task(here.chat()) for _ in range(3)]
        await site.provider.until(lambda p: p.in_flight == 1)
        while site.store.stats.by_name["EVAL"] < 3:
            await next_tick()
        site.provider.release()
        responses = await finished(site, tasks)
        assert [r.status for r in responses] == [200] * 3
        assert len(site.provider.requests) == 1
