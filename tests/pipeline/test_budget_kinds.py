"""Budgets in tokens, of whole tiers, and those that are set at run time."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
import pytest

from lib.contract import Json, JsonObject
from lib.kv.budget_book import REMEMBERED_SECONDS
from tests.scripted.sayings import Saying, speaks
from tests.support.asgi_client import Exchange, Response, post
from tests.support.deployment import ADMIN, ASK, Deployment, Instance, deployed, finished
from tests.support.ticks import next_tick

INSTANCES: Final = 8
REQUESTS: Final = 50
USED: Final = 520
"""Tokens of an answer."""
ANSWER: Final = speaks(Saying(("x",), usage={"prompt_tokens": 20, "completion_tokens": 500}))
AS_ADMIN: Final = {"authorization": f"Bearer {ADMIN}"}


def essay(number: int) -> JsonObject:
    messages: list[Json] = [{"role": "user", "content": f"essay {number}"}]
    return {**ASK, "maxTokens": 500, "messages": messages}


def budget_in(response: Response) -> JsonObject:
    assert response.status == 402
    error = response.json()["error"]
    assert isinstance(error, dict)
    budget = error["budget"]
    assert isinstance(budget, dict)
    return budget


async def budgets(here: Instance, method: str = "GET", query: str = "", body: JsonObject | None = None) -> Response:
    sent = (orjson.dumps(body) if body else b"",)
    return await Exchange(here.app("admin"), method, "/api/ai/admin/budgets", AS_ADMIN, sent, query).run()


async def put(here: Instance, **body: Json) -> JsonObject:
    response = await budgets(here, "PUT", body=body)
    assert response.status == 200, response.body
    return response.json()


async def standing(here: Instance, query: str = "") -> dict[tuple[Json, Json, Json], JsonObject]:
    listed = (await budgets(here, query=query)).json()["budgets"]
    assert isinstance(listed, list)
    rows = [row for row in listed if isinstance(row, dict)]
    return {(row["scope"], row["period"], row["unit"]): row for row in rows}


async def burst(site: Deployment) -> list[Response]:
    """Requests of as many users at once over all instances; none is answered before all have asked."""
    instances = [site.instance() for _ in range(INSTANCES)]
    site.provider.script("gpt-4o", [ANSWER] * REQUESTS)
    site.provider.hold()
    tasks = [asyncio.create_task(instances[n % INSTANCES].chat(essay(n), x_user_id=f"u{n}")) for n in range(REQUESTS)]
    while site.provider.in_flight + sum(task.done() for task in tasks) < REQUESTS:
        await next_tick()
    site.provider.release()
    return await finished(site, tasks)


async def test_a_user_whose_tokens_are_taken_is_told_so_in_tokens() -> None:
    async with deployed(TIER_DAILY_TOKENS="pro=600") as site:
        site.provider.script("gpt-4o", [ANSWER] * 2)
        here = site.instance()
        assert (await here.chat(essay(1))).status == 200
        budget = budget_in(await here.chat(essay(2)))
        assert budget.pop("resets_at") == "2026-11-25T00:00:00Z"
        amounts = {"limit_tokens": 600, "spent_tokens": USED, "held_tokens": 0}
        assert budget == {"scope": "user", "period": "day", "unit": "tokens"} | amounts
        assert (await here.chat(essay(2), x_user_id="u2")).status == 200


async def test_fifty_at_once_go_over_a_token_budget_by_less_than_one_answers_difference() -> None:
    async with deployed(DAILY_TOKENS="2000") as site:
        statuses = [response.status for response in await burst(site)]
        assert set(statuses) == {200, 402}
        row = (await standing(site.instance()))["deployment", "day", "tokens"]
        assert (row["spentTokens"], row["heldTokens"]) == (statuses.count(200) * USED, 0)
        assert statuses.count(200) * USED < 2_000 + USED


async def test_a_keys_tokens_are_the_keys_alone() -> None:
    async with deployed(TIER_DAILY_TOKENS="pro=1") as site:
        here = site.instance()
        site.provider.script("gpt-4o", [ANSWER] * 3)
        asked: JsonObject = {"userId": "ann", "tier": "pro", "dailyTokens": 700}
        key = (await post(here.app("admin"), asked, "/api/ai/admin/keys", authorization=f"Bearer {ADMIN}")).json()
        answers = [await post(here.chat_app, dict(essay(n)), authorization=f"Bearer {key['key']}") for n in range(2)]
        assert [answer.status for answer in answers] == [200, 402]
        assert budget_in(answers[1])["scope"] == "key"
        assert (await standing(here, f"key={key['id']}"))["key", "day", "tokens"]["spentTokens"] == USED


async def test_all_users_of_a_tier_share_its_sum_and_other_tiers_do_not() -> None:
    async with deployed(TIER_TOTAL_DAILY_BUDGETS_USD="pro=0.006") as site:
        site.provider.script("gpt-4o", [ANSWER] * 3)
        here = site.instance()
        assert (await here.chat(essay(1), x_user_id="u1")).status == 200
        budget = budget_in(await here.chat(essay(2), x_user_id="u2"))
        assert budget == {"scope": "tier", "period": "day", "unit": "usd", "resets_at": "2026-11-25T00:00:00Z"}
        assert (await here.chat(essay(3), x_user_id="u3", x_user_tier="expert")).status == 200
        assert (await standing(here))["tier", "day", "usd"]["usedPercent"] == 84.2


@pytest.mark.parametrize(("scope", "name"), [("deployment", ""), ("tier", "pro"), ("tierUsers", "pro"), ("user", "u1")])
async def test_a_budget_set_at_run_time_holds_in_every_instance_within_half_a_minute(scope: str, name: str) -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [ANSWER] * 9)
        there, here = site.instance(), site.instance()
        assert (await there.chat(essay(0))).status == 200
        await put(here, scope=scope, name=name, dailyUsd=0.000001)
        assert (await here.chat(essay(1))).status == 402
        assert (await site.instance().chat(essay(2))).status == 402  # one that has just begun
        site.clock.turn(REMEMBERED_SECONDS + 1)
        await there.chat(essay(3))  # learns of it
        assert (await there.chat(essay(4))).status == 402
        await put(here, scope=scope, name=name)  # which takes it away
        assert (await here.chat(essay(5))).status == 200


async def test_what_is_set_takes_the_place_of_single_rows_and_zero_is_no_ceiling() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.000001", TIER_DAILY_TOKENS="pro=1000000") as site:
        site.provider.script("gpt-4o", [ANSWER] * 2)
        here = site.instance()
        assert (await here.chat(essay(1))).status == 402
        await put(here, scope="user", name="u1", dailyUsd=0)
        assert (await here.chat(essay(1))).status == 200
        assert (await here.chat(essay(1), x_user_id="u2")).status == 402
        rows = await standing(here, "user=u1&tier=pro")
        assert rows["user", "day", "usd"]["limitUsd"] is None
        assert rows["user", "day", "tokens"]["limitTokens"] == 1_000_000


async def test_a_request_that_meets_a_new_budget_holds_nothing_twice() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.009") as site:
        site.provider.script("gpt-4o", [ANSWER])
        await put(site.instance(), scope="deployment", dailyUsd=1)
        assert (await site.instance().chat(essay(1))).status == 200
        rows = await standing(site.instance(), "user=u1&tier=pro")
        held = [rows[scope, "day", "usd"]["heldUsd"] for scope in ("user", "deployment")]
        spent = [rows[scope, "day", "usd"]["spentUsd"] for scope in ("user", "deployment")]
        assert (held, spent) == ([0, 0], [0.00505, 0.00505])


async def test_a_keys_budget_can_be_set_here_too() -> None:
    async with deployed() as site:
        here = site.instance()
        asked: JsonObject = {"userId": "ann", "tier": "pro"}
        key = (await post(here.app("admin"), asked, "/api/ai/admin/keys", authorization=f"Bearer {ADMIN}")).json()
        await put(here, scope="key", name=str(key["id"]), monthlyTokens=77)
        assert (await standing(here, f"key={key['id']}"))["key", "month", "tokens"]["limitTokens"] == 77


async def test_what_is_set_is_listed_and_users_only_by_their_hash() -> None:
    async with deployed() as site:
        here = site.instance()
        await put(here, scope="user", name="ann@example.test", monthlyUsd=2.5)
        await put(here, scope="deployment", dailyTokens=9)
        listed = (await budgets(here)).json()["set"]
        nothing = dict.fromkeys(("dailyUsd", "monthlyUsd", "dailyTokens", "monthlyTokens"))
        assert listed == [
            nothing | {"scope": "deployment", "name": "", "dailyTokens": 9},
            nothing | {"scope": "user", "name": here.gateway.keys.person("ann@example.test"), "monthlyUsd": 2.5},
        ]


async def test_a_users_own_budget_is_in_their_export_and_goes_with_their_data() -> None:
    async with deployed() as site:
        here = site.instance()
        await put(here, scope="user", name="ann", dailyUsd=1)
        await put(here, scope="user", name="bob", dailyUsd=2)
        path = "/api/ai/users/ann/data"
        export = await Exchange(here.app("users"), "GET", path, AS_ADMIN, (b"",)).run()
        items = export.json()["items"]
        assert isinstance(items, list)
        assert {"type": "ownBudget", "content": [1_000_000, None, None, None]} in items
        assert (await Exchange(here.app("users"), "DELETE", path, AS_ADMIN, (b"",)).run()).status == 200
        listed = (await budgets(here)).json()["set"]
        assert isinstance(listed, list)
        assert [row["name"] for row in listed if isinstance(row, dict)] == [here.gateway.keys.person("bob")]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"scope": "world"}, "scope"),
        ({"scope": "tier", "name": "gold"}, "name"),
        ({"scope": "tierUsers"}, "name"),
        ({"scope": "user"}, "name"),
        ({"scope": "deployment", "name": "x"}, "name"),
        ({"scope": "deployment", "dailyUsd": -1}, "dailyUsd"),
        ({"scope": "deployment", "dailyTokens": 1.5}, "dailyTokens"),
        ({"scope": "deployment", "weeklyUsd": 1}, "weeklyUsd"),
    ],
)
async def test_a_budget_that_cannot_be_is_refused_with_the_field_named(body: JsonObject, param: str) -> None:
    async with deployed() as site:
        response = await budgets(site.instance(), "PUT", body=body)
        error = response.json()["error"]
        assert isinstance(error, dict)
        assert (response.status, error["param"]) == (404 if param == "name" else 400, param)


async def test_an_alert_tells_of_tokens_and_of_a_tiers_sum() -> None:
    async with deployed(
        TIER_DAILY_TOKENS="pro=600", TIER_TOTAL_DAILY_BUDGETS_USD="pro=0.006", ALERT_WEBHOOK_URL="http://127.0.0.1:9/",
        ALERT_WEBHOOK_SECRET="s" * 32, ALERT_USER_BUDGETS="now",
    ) as site:  # fmt: skip
        site.provider.script("gpt-4o", [ANSWER])
        here = site.instance()
        assert (await here.chat(essay(1))).status == 200
        alerts = (await Exchange(here.app("admin"), "GET", "/api/ai/admin/alerts", AS_ADMIN, (b"",)).run()).json()
        listed = alerts["alerts"]
        assert isinstance(listed, list)
        texts = sorted(str(row["text"]) for row in listed if isinstance(row, dict) and row["kind"] == "budget")
        person = here.gateway.keys.person("u1")
        assert texts == [
            "80 % of the budget of tier pro for the day 20261124 is used: $0.005050 of $0.006000.",
            f"80 % of the token budget of user {person} for the day 20261124 is used: 520 of 600 tokens.",
        ]
