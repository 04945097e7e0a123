"""Alerts of the whole product: raised after answers, told once for all instances, never the cause of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import orjson
import pytest

from lib.contract import Json, JsonObject
from tests.scripted.provider import ANY_MODEL
from tests.scripted.steps import fails
from tests.support.asgi_client import Exchange, Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, ASK, Deployment, Instance, deployed
from tests.support.faulty_kv import Fault, FaultyKv
from tests.support.side_calls import ScriptedSideCalls
from tests.support.ticks import next_tick

HOOK: Final = "https://hooks.example/alerts"
SECRET: Final = "a-secret-of-more-than-24-bytes"
CRON: Final = "cron-secret"
UNPRICED: Final = orjson.dumps(
    {
        "models": [
            {
                "id": "openai/odd",
                "wire_name": "odd",
                "context_window": 9_000,
                "max_output": 900,
                "capabilities": ["stream"],
                "quality": 1,
                "speed": 5,
            }
        ]
    }
).decode()


@asynccontextmanager
async def alerting(**env: str) -> AsyncGenerator[tuple[Deployment, ScriptedSideCalls]]:
    """A deployment that tells a webhook of its alerts."""
    calls = ScriptedSideCalls({})
    settings = {"ALERT_WEBHOOK_URL": HOOK, "ALERT_WEBHOOK_SECRET": SECRET, "CRON_SECRET": CRON} | env
    async with deployed(**settings) as site:
        site.side_calls = calls
        yield site, calls


def told(calls: ScriptedSideCalls) -> list[str]:
    return [orjson.loads(sent.content)["data"]["kind"] for sent in calls.sent if sent.url == HOOK]


async def ask(instance: Instance, number: int, **more: Json) -> Response:
    return await instance.chat({**ASK, "messages": [{"role": "user", "content": f"{number}"}], **more})


async def spend(site: Deployment, some: list[Instance]) -> list[int]:
    """The statuses of many small requests, the last of which find their budget gone."""
    statuses: list[int] = []
    for number in range(80):
        statuses.append((await ask(some[number % len(some)], number, max_tokens=8)).status)
        site.clock.turn(4)
    return statuses


async def admin(instance: Instance, method: str = "GET") -> JsonObject:
    headers = {"authorization": f"Bearer {ADMIN}"}
    response = await Exchange(instance.app("admin"), method, "/api/ai/admin/alerts", headers, (b"",), "").run()
    assert response.status == 200, response.body
    return response.json()


async def cron(instance: Instance) -> Response:
    headers = {"authorization": f"Bearer {CRON}"}
    return await Exchange(instance.app("hooks"), "GET", "/api/ai/cron", headers, (b"",), "").run()


async def test_a_model_that_goes_down_and_recovers_is_told_once_each_by_all_instances() -> None:
    async with alerting(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="3") as (site, calls):
        some = [site.instance() for _ in range(4)]
        site.provider.script("gpt-4o", [fails(500)] * 4)
        for number in range(12):
            assert (await ask(some[number % 4], number)).status == 200
            site.clock.turn(7)
        assert told(calls).count("model_down") == 1
        for number in range(12, 60):
            await ask(some[number % 4], number)
            site.clock.turn(30)
        assert [kind for kind in told(calls) if kind.startswith("model_")] == ["model_down", "model_recovered"]


async def test_a_delivery_that_fails_fails_no_request_and_is_tried_again() -> None:
    async with alerting(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1") as (site, calls):
        here = site.instance()
        calls.status = 0
        site.provider.script("gpt-4o", [fails(500)])
        assert (await ask(here, 1)).status == 200
        (alert,) = shown(await admin(here))
        assert alert["deliveries"] == [
            {"channel": "webhook", "state": "pending", "tries": 1, "error": "nobody answers"}
        ]
        calls.status = 200
        site.clock.turn(61)
        assert (await ask(here, 2)).status == 200
        (alert,) = (one for one in shown(await admin(site.instance())) if one["kind"] == "model_down")
        assert alert["deliveries"] == [{"channel": "webhook", "state": "delivered", "tries": 2, "error": None}]
        assert [sent.headers["webhook-id"] for sent in calls.sent].count(str(alert["id"])) == 2


async def test_the_answer_is_there_before_anybody_is_told() -> None:
    async with alerting(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1") as (site, calls):
        calls.hold()
        site.provider.script("gpt-4o", [fails(500)])
        exchange = site.instance().exchange(ASK)
        running = asyncio.create_task(exchange.run())
        while not exchange.response.complete:
            await next_tick()
        while not calls.sent:
            await next_tick()
        assert not running.done()
        calls.release()
        assert (await running).status == 200


async def test_a_model_without_a_price_is_told_once_a_day() -> None:
    async with alerting(GATEWAY_MODELS=UNPRICED) as (site, calls):
        some = [site.instance() for _ in range(2)]
        for number in range(6):
            await ask(some[number % 2], number, model="openai/odd")
        assert told(calls) == ["unpriced"]
        site.clock.turn(86_400)
        await ask(some[0], 9, model="openai/odd")
        assert told(calls).count("unpriced") == 2


async def test_a_store_that_is_away_is_told_of_without_it_and_when_it_is_back() -> None:
    async with alerting() as (site, calls):
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        await ask(here, 0)
        store.always = Fault.DROP
        for number in range(1, 12):
            assert (await ask(here, number)).status == 200
            site.clock.turn(10)
        assert told(calls) == ["store"]
        store.always = None
        for number in range(20, 24):
            site.clock.turn(20)
            await ask(here, number)
        assert told(calls) == ["store", "store"]
        assert len({sent.headers["webhook-id"] for sent in calls.sent}) == 2


async def test_nobody_hears_of_a_store_that_was_away_for_a_moment() -> None:
    async with alerting() as (site, calls):
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        for trouble in (Fault.DROP, None, Fault.DROP, None):
            store.always = trouble
            for number in range(3):
                await ask(here, number)
                site.clock.turn(15)
        assert told(calls) == []


async def test_an_hour_in_which_much_fails_is_told_by_the_patrol_of_one_instance() -> None:
    async with alerting(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1000", TIER_LIMITS="pro=1000/0") as (site, calls):
        some = [site.instance() for _ in range(3)]
        site.provider.script(ANY_MODEL, [fails(500)] * 400)
        for number in range(25):
            await ask(some[number % 3], number)
            site.clock.turn(26)
        await asyncio.gather(*(ask(one, 99 + at) for at, one in enumerate(some)))
        assert told(calls).count("error_rate") == 1


async def test_a_budget_is_told_of_at_each_mark_once_and_a_users_in_the_digest() -> None:
    async with alerting(TIER_DAILY_BUDGETS_USD="pro=0.002", TIER_LIMITS="pro=1000/0") as (site, calls):
        some = [site.instance() for _ in range(2)]
        assert (await spend(site, some))[-1] == 402
        assert told(calls) == []
        site.clock.turn(1)
        alerts = shown(await admin(some[0]))
        marks = [str(alert["subject"]).partition(" ")[0] for alert in reversed(alerts)]
        assert marks == ["80", "90", "100"]
        assert all(alert["person"] and alert["inDigest"] for alert in alerts)
        await cron(some[1])
        assert told(calls) == ["digest"]
        assert b"used up" in calls.sent[-1].content or b"100 %" in calls.sent[-1].content


async def test_a_users_budget_is_told_of_at_once_where_that_is_wished() -> None:
    env = {"TIER_DAILY_BUDGETS_USD": "pro=0.002", "TIER_LIMITS": "pro=1000/0", "ALERT_USER_BUDGETS": "now"}
    async with alerting(**env) as (site, calls):
        await spend(site, [site.instance()])
        assert told(calls) == ["budget"] * 3


async def test_the_caller_s_own_keys_say_nothing_of_the_models() -> None:
    async with alerting(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1", BYOK_ALLOWED_TIERS="pro") as (site, calls):
        site.provider.script(ANY_MODEL, [fails(500)] * 9)
        await site.instance().chat(x_provider_key_openai="sk-own-key-of-theirs")
        assert told(calls) == []


async def test_no_alert_holds_anything_of_a_prompt_or_a_user_id() -> None:
    async with alerting(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1") as (site, calls):
        site.provider.script("gpt-4o", [fails(500)])
        await site.instance().chat({**ASK, "messages": [{"role": "user", "content": "canary"}]}, x_user_id="canary")
        assert told(calls) == ["model_down"]
        assert b"canary" not in calls.sent[0].content


async def test_the_operator_tries_the_channels_and_sees_what_became_of_it() -> None:
    async with alerting() as (site, calls):
        here = site.instance()
        tried = await admin(here, "POST")
        assert tried["deliveries"] == [{"channel": "webhook", "state": "delivered", "tries": 1, "error": None}]
        assert told(calls) == ["test"]
        listed = await admin(here)
        assert (shown(listed), listed["channels"]) == ([tried], ["webhook"])


async def test_without_a_channel_cron_alone_looks_and_the_list_is_there() -> None:
    async with alerting(ALERT_WEBHOOK_URL="", ALERT_WEBHOOK_SECRET="") as (site, calls):
        here = site.instance()
        site.clock.turn(30 * 86_400)  # 2026-12-24: three weeks before gpt-4o retires
        assert (await cron(here)).status == 200
        assert {str(alert["subject"]) for alert in shown(await admin(here))} == {"openai/gpt-4o", "openai/gpt-4o-mini"}
        assert told(calls) == []


async def test_cron_does_everything_and_twice_does_no_more() -> None:
    async with alerting() as (site, calls):
        calls.says = listing("gpt-4o", "gpt-4o-mini", "gpt-4.1")
        here = site.instance()
        first = (await cron(here)).json()
        did = first["did"]
        assert isinstance(did, dict)
        assert set(did) >= {"usage", "patrol", "retirement", "deliveries", "digest", "expiry", "keys", "batches"}
        assert b'"openai":{"listed":3,' in orjson.dumps(did["retirement"])
        site.clock.turn(86_400)
        calls.says = listing("gpt-4o-mini", "gpt-4.1")
        for instance in (here, site.instance(), here):
            assert (await cron(instance)).status == 200
        assert told(calls).count("model_gone") == 1
        assert told(calls).count("digest") <= 1
        asked = [sent for sent in calls.sent if sent.url.endswith("/models")]
        assert {sent.headers.get("authorization") for sent in asked} == {"Bearer key-openai", "Bearer key-google"}


@pytest.mark.parametrize("says", [b"", b"<html>", {"data": []}, {"data": [{"id": "other"}], "has_more": True}])
async def test_a_list_that_cannot_be_read_makes_no_model_vanish(says: object) -> None:
    async with alerting() as (site, calls):
        calls.says = listing("gpt-4o", "gpt-4.1")
        await cron(site.instance())
        for answer, status in ((says, 200), (None, 500), (None, 0)):
            calls.says, calls.status = answer, status
            assert (await cron(site.instance())).status == 200
        assert "model_gone" not in told(calls)


async def test_cron_without_a_store_says_so_and_tells_nobody_twice() -> None:
    async with alerting() as (site, calls):
        store = FaultyKv(site.store)
        store.always = Fault.DROP
        here = site.instance(kv_transport=AsgiTransport(store))
        assert (await cron(here)).status == 503
        assert told(calls) == []


def listing(*names: str) -> JsonObject:
    return {"object": "list", "data": [{"id": name} for name in names]}


def shown(document: JsonObject) -> list[JsonObject]:
    alerts = document["alerts"]
    assert isinstance(alerts, list)
    return [alert for alert in alerts if isinstance(alert, dict)]
