"""Reads from a replica that lags behind: they cost time or work, and change no figure and no answer."""

from __future__ import annotations

import asyncio

import pytest

from lib.contract import JsonObject
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import deployed, finished, text_in
from tests.support.late_replica import LateReplica
from tests.support.ticks import next_tick


def asking(prompt: str) -> JsonObject:
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": prompt}]}


@pytest.mark.parametrize("late", [1, 3])
async def test_duplicates_that_do_not_see_the_claim_yet_do_not_call_the_provider(late: int) -> None:
    async with deployed() as site:
        replica = LateReplica(site.store, late)
        here = site.instance(kv_transport=AsgiTransport(replica))
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat()) for _ in range(5)]
        await site.provider.until(lambda p: p.in_flight == 1)
        while site.store.stats.by_name["EVAL"] < 5:
            await next_tick()
        for _ in range(200):
            site.clock.turn(0.01)
            await next_tick()
        site.provider.release()
        responses = await finished(site, tasks)
        assert {text_in(r) for r in responses} == {"echo: What is a lease?"}
        assert len(site.provider.requests) == 1
        assert replica.late_reads > 0


@pytest.mark.parametrize("late", [1, 5, 1000])
async def test_totals_read_late_are_behind_and_never_wrong(late: int) -> None:
    async with deployed(TIER_LIMITS="pro=1000") as site:
        replica = LateReplica(site.store, late)
        here, there = site.instance(kv_transport=AsgiTransport(replica)), site.instance()
        for n in range(70):
            await here.chat(asking(f"question {n}"))
        behind = (await here.usage())["totalRequests"]
        assert isinstance(behind, int)
        assert behind <= 70
        assert (await there.usage())["totalRequests"] == 70
        assert replica.late_reads > 0


async def test_a_hit_is_decided_on_the_primary() -> None:
    async with deployed() as site:
        here = site.instance(kv_transport=AsgiTransport(LateReplica(site.store, 1000)))
        first, again = await here.chat(), await here.chat()
        assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT (exact)")
