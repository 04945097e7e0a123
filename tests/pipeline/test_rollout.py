"""The gradual rollout at /api/chat: who answers, how that is set at run time, and what is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import orjson
import pytest

from lib.ai.rollout.board import TRUSTED_SECONDS, WINDOW_SECONDS
from lib.ai.rollout.rules import bucket_of
from lib.contract import JsonObject
from lib.transport import Transport
from tests.scripted.steps import fails
from tests.support.asgi_client import Exchange, Response, post, request
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, ASK, SERVICE, Deployment, Instance, deployed
from tests.support.faulty_kv import SERVER_ERROR, FaultyKv
from tests.support.old_chat import old_chat

PATIENT: Final = {"KV_TIMEOUT_SECONDS": "60"}
"""A count that the store takes too long for is lost, which a busy machine must not make of it."""
AS_ADMIN: Final = {"authorization": f"Bearer {ADMIN}"}


async def chat(site: Instance, user: str = "u1", document: JsonObject = ASK, **headers: str) -> Response:
    named = {"authorization": f"Bearer {SERVICE}", "x_user_id": user, "x_user_tier": "master"} | headers
    return await post(site.app("rollout"), dict(document), "/api/chat", **named)


async def put(site: Instance, document: JsonObject) -> Response:
    headers = {"authorization": f"Bearer {ADMIN}"}
    return await Exchange(site.app("admin"), "PUT", "/api/ai/admin/rollout", headers, (orjson.dumps(document),)).run()


async def shown(site: Instance) -> JsonObject:
    answer = await request(site.app("admin"), "GET", "/api/ai/admin/rollout", **AS_ADMIN)
    assert answer.status == 200
    return answer.json()


async def compared(site: Instance) -> JsonObject:
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await Exchange(site.app("stats"), "GET", "/api/ai/stats", headers, query="compare=rollout").run()
    assert answer.status == 200
    return answer.json()


def side_of(stats: JsonObject, name: str) -> JsonObject:
    side = stats[name]
    assert isinstance(side, dict)
    return side


def arm(response: Response) -> str:
    return response.headers["x-rollout-arm"]


def users(site: Instance, side: str, hundredths: int, count: int) -> list[str]:
    """Names of users who are on a side at this percentage."""
    person = site.gateway.keys.person
    names = (f"user-{n}" for n in range(100_000))
    wanted = (name for name in names if (bucket_of(person(name)) < hundredths) == (side == "new"))
    return [next(wanted) for _ in range(count)]


class Side:
    """A deployment's instance whose apps stay the same, as a process's do."""

    def __init__(self, site: Deployment, kv_transport: Transport | None = None) -> None:
        self.instance = site.instance(kv_transport=kv_transport)
        self.chat_app = self.instance.app("rollout")

    async def chat(self, user: str, document: JsonObject = ASK, **headers: str) -> Response:
        named = {"authorization": f"Bearer {SERVICE}", "x_user_id": user, "x_user_tier": "master"} | headers
        return await post(self.chat_app, dict(document), "/api/chat", **named)

    async def arms(self, names: Sequence[str]) -> Counter[str]:
        return Counter([arm(await self.chat(name)) for name in names])


async def test_without_anything_old_everyone_is_answered_by_the_pipeline() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        answers = [await chat(here) for _ in range(2)]
        assert [(a.status, arm(a), a.headers["x-cache"]) for a in answers] == [
            (200, "new", "MISS"), (200, "new", "HIT (exact)"),
        ]  # fmt: skip


async def test_users_stay_on_their_side_and_raising_the_percentage_only_adds_some() -> None:
    async with deployed(**PATIENT, ROLLOUT_LEGACY_MODEL="gpt-4o-mini") as site:
        here = Side(site)
        names = [f"user-{n}" for n in range(40)]
        seen: list[dict[str, str]] = []
        for percent in (0, 20, 60, 100):
            assert (await put(here.instance, {"percent": percent})).status == 200
            site.clock.turn(TRUSTED_SECONDS + 1)
            first = {name: arm(await here.chat(name)) for name in names}
            there = Side(site)
            again = {name: arm(await there.chat(name)) for name in names}
            assert first == again
            expected = {name for name in names if bucket_of(here.instance.gateway.keys.person(name)) < percent * 100}
            assert {name for name, side in first.items() if side == "new"} == expected
            seen.append(first)
        for before, after in pairwise(seen):
            assert all(after[name] == "new" for name, side in before.items() if side == "new")
        assert set(seen[0].values()) == {"old"}


async def test_an_anonymous_caller_stays_on_the_side_of_their_address() -> None:
    async with deployed(**PATIENT, ROLLOUT_LEGACY_MODEL="gpt-4o-mini", ROLLOUT_PERCENT="50") as site:
        here = Side(site)
        sides: dict[str, set[str]] = {}
        for _ in range(3):
            for peer in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"):
                exchange = Exchange(here.chat_app, "POST", "/api/chat", {}, (orjson.dumps(ASK),), peer=peer)
                sides.setdefault(peer, set()).add(arm(await exchange.run()))
        assert all(len(side) == 1 for side in sides.values())
        assert {name for side in sides.values() for name in side} == {"new", "old"}


async def test_a_change_is_seen_by_another_instance_within_ten_seconds_and_not_asked_for_by_each_request() -> None:
    async with deployed(**PATIENT, ROLLOUT_LEGACY_MODEL="gpt-4o-mini", ROLLOUT_PERCENT="0") as site:
        here, there = Side(site), Side(site)
        assert arm(await there.chat("u1")) == "old"
        await put(here.instance, {"percent": 100})
        assert arm(await there.chat("u1")) == "old"
        before = site.store.stats.by_name["GETEX"]
        site.clock.turn(TRUSTED_SECONDS)
        assert arm(await there.chat("u1")) == "new"
        assert arm(await there.chat("u1")) == "new"
        assert site.store.stats.by_name["GETEX"] == before + 1


async def test_without_the_store_the_last_known_percentage_holds_and_before_any_the_setting() -> None:
    async with deployed(**PATIENT, ROLLOUT_LEGACY_MODEL="gpt-4o-mini", ROLLOUT_PERCENT="100") as site:
        store = FaultyKv(site.store)
        here = Side(site, AsgiTransport(store))
        await put(here.instance, {"percent": 0})
        assert arm(await here.chat("u1")) == "old"
        store.always = SERVER_ERROR
        site.clock.turn(60)
        assert arm(await here.chat("u1")) == "old"
        assert arm(await Side(site, AsgiTransport(store)).chat("u1")) == "new"


async def test_the_old_side_without_an_implementation_is_one_model_without_cache_twins_and_fallback() -> None:
    async with deployed(**PATIENT, ROLLOUT_LEGACY_MODEL="gpt-4o-mini", ROLLOUT_PERCENT="0") as site:
        here = Side(site)
        answers = [await here.chat("u1") for _ in range(2)]
        assert [(arm(a), a.headers["x-cache"], a.headers["x-ai-model"]) for a in answers] == [
            ("old", "BYPASS", "openai/gpt-4o-mini")
        ] * 2
        site.provider.script("gpt-4o-mini", [fails(500)] * 3)
        failed = await here.chat("u1")
        assert (failed.status, arm(failed)) == (502, "old")
        assert {r.model for r in site.provider.requests} == {"gpt-4o-mini"}


async def test_both_sides_are_shown_side_by_side_with_the_difference() -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url, ROLLOUT_PERCENT="50") as site:
        old.headers["x-ai-cost-usd"] = "0.002000"
        here = Side(site)
        new_users, old_users = (users(here.instance, side, 5_000, 6) for side in ("new", "old"))
        assert await here.arms(new_users[:4] + old_users[:4]) == {"new": 4, "old": 4}
        site.provider.script("*", [fails(400)])
        assert (await here.chat(new_users[4])).status == 400
        old.status = 500
        assert (await here.chat(old_users[4])).status == 500
        old.status = 429
        assert (await here.chat(old_users[5])).status == 429
        stats = await compared(here.instance)
        new, before, difference = (side_of(stats, name) for name in ("new", "old", "difference"))
        assert (new["totalRequests"], new["errors"], new["refused"]) == (5, 0, 1)
        assert (before["totalRequests"], before["errors"], before["refused"]) == (6, 1, 1)
        assert (new["errorRate"], before["errorRate"], difference["errorRate"]) == (0.0, 0.2, -0.2)
        assert (before["totalCostMicroUsd"], before["costPerRequest"], before["unpricedRequests"]) == (10_000, 0.002, 0)
        assert isinstance(new["costPerRequest"], float)
        assert difference["costPerRequest"] == pytest.approx(new["costPerRequest"] - 0.002, abs=1e-9)
        latency = difference["p50Ms"], difference["p95Ms"]
        assert latency == (0, 0)  # the clock stands still
        day = await here.instance.usage()
        by_model = day["byModel"]
        assert isinstance(by_model, dict)
        assert day["totalRequests"] == 11
        assert side_of(by_model, "legacy/chat")["totalRequests"] == 6
        lately = side_of(await shown(here.instance), "lately")
        assert lately["new"] == {"requests": 4, "errors": 0, "errorRate": 0.0}
        assert lately["old"] == {"requests": 5, "errors": 1, "errorRate": 0.2}


async def test_a_cost_that_the_old_side_does_not_tell_is_unknown_and_never_zero() -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url) as site:
        here = Side(site)
        assert arm(await here.chat("u1")) == "old"
        stats = await compared(here.instance)
        assert side_of(stats, "old")["costPerRequest"] is None
        assert side_of(stats, "old")["unpricedRequests"] == 1
        assert set(side_of(stats, "difference").values()) == {None}


async def broken(site: Deployment, here: Side, percent: int = 50) -> Counter[str]:
    """Twelve failures on the new side beside twelve answers on the old one, from two instances at once."""
    there = Side(site)
    site.provider.script("gpt-4o", [fails(500)] * 1_000)
    names = users(here.instance, "new", percent * 100, 12) + users(here.instance, "old", percent * 100, 12)
    sides = (here, there)
    document: JsonObject = {**ASK, "enableFallback": False}
    answers = await asyncio.gather(*(sides[n % 2].chat(name, document) for n, name in enumerate(names)))
    return Counter(f"{arm(a)} {a.status}" for a in answers)


RULE: JsonObject = {"enabled": True, "marginPercent": 5, "minRequests": 10}


async def test_a_new_side_that_fails_is_turned_back_once_and_stays_so_until_somebody_sets_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url) as site:
        here = Side(site)
        await put(here.instance, {"percent": 50, "autoRollback": RULE})
        set_at = site.clock.now()
        site.clock.turn(60)
        assert await broken(site, here) == {"new 502": 12, "old 200": 12}
        assert [r.getMessage()[:28] for r in caplog.records if r.levelname == "ERROR"] == [
            "the rollout was turned back "
        ]
        state = await shown(here.instance)
        assert (state["percent"], state["turnedBack"]) == (0, True)
        last = side_of(state, "lastRollback")
        assert (last["at"], last["fromPercent"]) == (set_at + 60, 50)
        assert "requests failed on the new side" in str(last["reason"])
        site.clock.turn(TRUSTED_SECONDS)
        assert set((await here.arms(users(here.instance, "new", 5_000, 5))).keys()) == {"old"}
        site.clock.turn(3 * WINDOW_SECONDS)
        assert (await shown(Side(site).instance))["percent"] == 0
        again = (await put(here.instance, {"percent": 25})).json()
        assert (again["percent"], again["turnedBack"], again["lastRollback"]) == (25, False, last)
        assert again["autoRollback"] == RULE
        site.clock.turn(TRUSTED_SECONDS)
        assert arm(await here.chat(users(here.instance, "new", 2_500, 1)[0])) == "new"
        assert (await shown(here.instance))["percent"] == 25


async def test_what_failed_under_an_earlier_setting_is_not_held_against_the_next() -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url) as site:
        here = Side(site)
        await put(here.instance, {"percent": 50, "autoRollback": RULE})
        await broken(site, here)
        await put(here.instance, {"percent": 50})
        site.clock.turn(TRUSTED_SECONDS)
        names = users(here.instance, "new", 5_000, 3) + users(here.instance, "old", 5_000, 12)
        await asyncio.gather(*(here.chat(name, {**ASK, "enableFallback": False}) for name in names))
        assert (await shown(here.instance))["percent"] == 50


@pytest.mark.parametrize(
    "rule", [{**RULE, "enabled": False}, {**RULE, "minRequests": 13}, {**RULE, "marginPercent": 100}]
)
async def test_it_is_not_turned_back_where_that_is_off_or_its_bounds_are_not_reached(rule: JsonObject) -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url) as site:
        here = Side(site)
        await put(here.instance, {"percent": 50, "autoRollback": rule})
        old.status = 200 if rule["marginPercent"] != 100 else 503
        await broken(site, here)
        assert (await shown(here.instance))["percent"] == 50


async def test_an_operator_who_sets_it_meanwhile_is_not_overruled() -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url) as site:
        here, there = Side(site), Side(site)
        await put(here.instance, {"percent": 50, "autoRollback": RULE})
        await here.chat("u1")
        await put(there.instance, {"percent": 40})
        await broken(site, here)
        assert (await shown(there.instance))["percent"] == 40


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"percent": 101}, "percent"),
        ({"percent": -1}, "percent"),
        ({"percent": "50"}, "percent"),
        ({"autoRollback": {"marginPercent": 101}}, "autoRollback.marginPercent"),
        ({"autoRollback": {"minRequests": 9}}, "autoRollback.minRequests"),
        ({"percentage": 5}, "percentage"),
    ],
)
async def test_a_wrong_field_is_named(document: JsonObject, field: str) -> None:
    async with deployed(**PATIENT) as site:
        answer = await put(site.instance(), document)
        error = answer.json()["error"]
        assert isinstance(error, dict)
        assert (answer.status, error["param"]) == (400, field)


async def test_only_the_operator_sees_and_sets_it() -> None:
    async with deployed(**PATIENT) as site:
        admin = site.instance().app("admin")
        for method in ("GET", "PUT"):
            statuses = [
                (await request(admin, method, "/api/ai/admin/rollout", **headers)).status
                for headers in ({}, {"authorization": "Bearer x"}, {"authorization": f"Bearer {SERVICE}"})
            ]
            assert statuses == [401, 401, 403]


async def test_without_the_store_the_operator_is_told_so() -> None:
    async with deployed(**PATIENT) as site:
        store = FaultyKv(site.store)
        store.always = SERVER_ERROR
        answer = await put(site.instance(kv_transport=AsgiTransport(store)), {"percent": 5})
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_nobody_without_credentials_reaches_either_side() -> None:
    async with old_chat() as old, deployed(**PATIENT, LEGACY_CHAT_URL=old.url, ALLOW_ANONYMOUS="off") as site:
        app = site.instance().app("rollout")
        statuses = [
            (await post(app, ASK, "/api/chat", **headers)).status
            for headers in ({}, {"authorization": "Bearer no"}, {"cookie": "session=1"})
        ]
        assert statuses == [401] * 3
        assert old.asked == []
