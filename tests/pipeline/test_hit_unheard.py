"""A hit that the store books while its reply is lost: the request goes on without the store, and is counted once."""

from __future__ import annotations

import asyncio

from tests.support.asgi_client import json_object
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import Instance, deployed
from tests.support.faulty_kv import Fault, FaultyKv

AFTER_THE_WINDOW = 6.0
"""Seconds: duplicates are recognised for five."""


async def counts(here: Instance) -> dict[str, object]:
    """What the totals say."""
    usage = await here.usage()
    return {name: usage[name] for name in ("totalRequests", "cacheHits", "savedCostMicroUsd")}


async def test_a_hit_whose_reply_was_lost_is_taken_back_when_the_call_that_replaced_it_is_booked() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        first = await here.chat()
        site.clock.turn(AFTER_THE_WINDOW)
        store.script.append(Fault.DROP_AFTER)
        again = await here.chat()
        assert (first.status, again.status, again.headers["x-ai-degraded"]) == (200, 200, "kv")
        assert len(site.provider.requests) == 2
        assert await counts(here) == {"totalRequests": 2, "cacheHits": 0, "savedCostMicroUsd": 0}
        cost = json_object(first.body)["cost"]
        assert isinstance(cost, float)
        assert (await here.usage())["totalCost"] == 2 * cost


async def test_a_hit_whose_totals_were_added_up_before_is_taken_back_too() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here, other = site.instance(kv_transport=AsgiTransport(store)), site.instance()
        await here.chat()
        site.clock.turn(AFTER_THE_WINDOW)
        site.provider.hold()
        store.script.append(Fault.DROP_AFTER)
        run = asyncio.create_task(here.chat())
        await site.provider.until(lambda p: p.in_flight == 1)
        assert (await counts(other))["cacheHits"] == 1
        site.provider.release()
        await run
        assert await counts(other) == {"totalRequests": 2, "cacheHits": 0, "savedCostMicroUsd": 0}


async def test_a_request_whose_admission_was_not_executed_is_booked_as_it_is() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        await here.chat()
        site.clock.turn(AFTER_THE_WINDOW)
        store.script.append(Fault.DROP)
        await here.chat()
        assert await counts(here) == {"totalRequests": 2, "cacheHits": 0, "savedCostMicroUsd": 0}


async def test_a_hit_that_was_booked_for_a_caller_who_was_then_refused_is_taken_back() -> None:
    async with deployed(KV_FAIL_CLOSED_TIERS="pro") as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        await here.chat()
        site.clock.turn(AFTER_THE_WINDOW)
        store.script.append(Fault.DROP_AFTER)
        assert (await here.chat()).status == 503
        usage = await here.usage()
        assert (usage["totalRequests"], usage["cacheHits"], usage["refused"]) == (2, 0, 1)
