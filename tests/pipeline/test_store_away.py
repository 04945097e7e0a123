"""The product without its store: requests succeed, limits hold per instance, and the answer and health say so."""

from __future__ import annotations

import pytest

from lib.contract import JsonObject
from tests.support.asgi_client import request
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import Deployment, Instance, deployed, text_in
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
    Scripted,
)

TROUBLES = (
    Fault.DROP,
    Fault.DROP_AFTER,
    Fault.TRUNCATED,
    Fault.HALF_JSON,
    Fault.SHORT,
    Fault.FIRST_FAILS,
    Fault.WRONG_TYPE,
    Fault.WRONG_SHAPE,
    UNAUTHORIZED,
    QUOTA,
    TOO_MANY,
    SERVER_ERROR,
    BAD_GATEWAY,
    HTML,
    EMPTY,
)


def asking(prompt: str) -> JsonObject:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}


def faulty(site: Deployment, trouble: Scripted, **env: str) -> tuple[Instance, FaultyKv]:
    """An instance whose store is in trouble."""
    store = FaultyKv(site.store)
    store.always = trouble
    return site.instance(kv_transport=AsgiTransport(store), clock=None, **env), store


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_requests_succeed_and_say_that_they_are_degraded(trouble: Scripted) -> None:
    async with deployed() as site:
        here, _ = faulty(site, trouble)
        response = await here.chat()
        assert (response.status, text_in(response)) == (200, "echo: What is a lease?")
        assert response.headers["x-ai-degraded"] == "kv"
        health = await request(here.apps.health(), path="/api/ai/health")
        assert health.status == 200
        assert health.json()["status"] == "degraded"


async def test_the_store_is_left_alone_after_repeated_failures_and_asked_again_later() -> None:
    async with deployed() as site:
        here, store = faulty(site, SERVER_ERROR)
        for i in range(10):
            await here.chat(asking(f"question {i}"))
        assert store.requests < 10
        store.always = None
        site.clock.turn(6)
        await here.chat(asking("once more"))
        after = await here.chat(asking("and again"))
        assert "x-ai-degraded" not in after.headers


async def test_limits_hold_per_instance_at_a_share() -> None:
    async with deployed(TIER_LIMITS="pro=10/60") as site:
        here, _ = faulty(site, Fault.DROP)
        asks: list[JsonObject] = [asking(str(i)) for i in range(8)]
        statuses = [(await here.chat(ask)).status for ask in asks]
        assert statuses == [200] * 5 + [429] * 3


async def test_tiers_that_must_not_go_unchecked_are_refused() -> None:
    async with deployed() as site:
        here, _ = faulty(site, Fault.DROP, KV_FAIL_CLOSED_TIERS="pro")
        refused, served = await here.chat(), await here.chat(x_user_tier="free")
        assert (refused.status, served.status) == (503, 200)
        assert refused.headers["retry-after"] == "5"


async def test_without_any_store_configured_everything_answers_degraded() -> None:
    async with deployed(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="") as site:
        here = site.instance()
        response = await here.chat()
        assert (response.status, response.headers["x-ai-degraded"]) == (200, "kv")
        health = (await request(here.apps.health(), path="/api/ai/health")).json()
        assert isinstance(health["kv"], dict)
        assert health["kv"]["configured"] is False


async def test_usage_of_the_time_without_the_store_is_booked_once_it_is_back() -> None:
    async with deployed() as site:
        here, store = faulty(site, Fault.DROP)
        store.always = None
        store.script.clear()
        await here.chat(asking("before"))
        circuit_opens: list[JsonObject] = [asking(str(i)) for i in range(5)]
        store.always = Fault.DROP
        for ask in circuit_opens:
            await here.chat(ask)
        store.always = None
        site.clock.turn(6)
        for word in ("probe", "after"):
            await here.chat(asking(word))
        totals = await here.usage()
        counted = totals["totalRequests"]
        assert isinstance(counted, int)
        assert counted >= 6  # all but those whose write-back was sent and never answered
