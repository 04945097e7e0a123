"""A client that hangs up while admission is asked: what the store then grants is given back, and booked once."""

from __future__ import annotations

import asyncio

import pytest

from dev.reconcile.command import reconcile
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ASK, deployed
from tests.support.faulty_kv import FaultyKv, Held
from tests.support.ticks import next_tick


@pytest.mark.parametrize("budgets", ["", "pro=1"])
async def test_neither_claim_nor_hold_outlives_the_hang_up(budgets: str) -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=budgets, KV_TIMEOUT_SECONDS="60") as site:
        granted, faulty = asyncio.Event(), FaultyKv(site.store)
        faulty.script.append(Held(granted))
        here = site.instance(kv_transport=AsgiTransport(faulty))
        exchange = here.exchange(ASK)
        asking = asyncio.create_task(exchange.run())
        await faulty.arrived.wait()
        exchange.hang_up()
        for _ in range(20):
            await next_tick()
        assert site.store.stats.by_name["RPUSH"] == 0  # nothing is written before the store has answered
        granted.set()
        await asking
        assert site.provider.requests == []
        gateway = here.gateway
        digests = await gateway.store.run("KEYS", "aig:d1:*")
        state = str(await gateway.store.run("GET", gateway.keys.user_state(gateway.keys.person("u1"))))
        assert (digests, state.split("|")[3]) == ([], "")
        assert (await site.instance().chat()).status == 200
        site.clock.turn(3_600)
        said = await reconcile(gateway)
        assert [line for line in said if line.startswith(("lost", "differs"))] == []
        usage = await gateway.stats.get_user_usage("u1")
        assert (usage["totalRequests"], usage["hangups"]) == (2, 1)


async def test_a_hit_that_the_store_booked_is_not_booked_again_as_a_hang_up() -> None:
    async with deployed(KV_TIMEOUT_SECONDS="60") as site:
        granted, faulty = asyncio.Event(), FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(faulty))
        await here.chat()
        faulty.arrived.clear()
        faulty.script.append(Held(granted))
        exchange = here.exchange(ASK)
        asking = asyncio.create_task(exchange.run())
        await faulty.arrived.wait()
        exchange.hang_up()
        await next_tick()
        granted.set()
        await asking
        usage = await here.gateway.stats.get_user_usage("u1")
        assert (usage["totalRequests"], usage["cacheHits"], usage["hangups"]) == (2, 1, 0)
