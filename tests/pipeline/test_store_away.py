"""The product without its store: it is left alone, limits hold per instance, and health says so."""

from __future__ import annotations

from lib.contract import JsonObject
from tests.support.asgi_client import request
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ASK, Deployment, Instance, deployed
from tests.support.faulty_kv import SERVER_ERROR, Fault, FaultyKv, Scripted


def asking(text: str) -> JsonObject:
    message: JsonObject = {"role": "user", "content": text}
    return {**ASK, "messages": [message]}


def faulty(site: Deployment, trouble: Scripted, **env: str) -> tuple[Instance, FaultyKv]:
    """An instance whose store is in trouble."""
    store = FaultyKv(site.store)
    store.always = trouble
    return site.instance(kv_transport=AsgiTransport(store), clock=None, **env), store


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
        health = (await request(here.app("health"), path="/api/ai/health")).json()
        assert isinstance(health["kv"], dict)
        assert health["kv"]["configured"] is False
