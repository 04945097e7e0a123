"""Budgets of users, keys and the whole deployment: nobody gets more than they were set, and is told so clearly."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.ai.observability.record import UsageRecord
from lib.ai.run import Run
from lib.contract import Json, JsonObject
from lib.kv.spending import Standing
from tests.scripted.sayings import Saying, speaks
from tests.support.asgi_client import Exchange, Response, post
from tests.support.deployment import ADMIN, ASK, Deployment, Instance, deployed, finished, metadata_of
from tests.support.ticks import next_tick

INSTANCES: Final = 8
REQUESTS: Final = 50
CENT: Final = 10_000
LONG_ANSWER: Final = speaks(Saying(("x",), usage={"prompt_tokens": 20, "completion_tokens": 500}))
COST: Final = 5_050
"""Of such an answer by gpt-4o."""


def essay(number: int) -> JsonObject:
    """A question like no other's."""
    return {"messages": [{"role": "user", "content": f"essay {number}"}]}


def error_of(response: Response) -> JsonObject:
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error


def estimate_of(response: Response) -> int:
    routing = metadata_of(response)["routing"]
    assert isinstance(routing, dict)
    return round(float(str(routing["estimatedCostUsd"])) * 1_000_000)


async def read(here: Instance, query: str = "") -> dict[tuple[Json, Json], JsonObject]:
    """What budgets stand at, by scope and period."""
    headers = {"authorization": f"Bearer {ADMIN}"}
    response = await Exchange(here.app("admin"), "GET", "/api/ai/admin/budgets", headers, (b"",), query).run()
    assert response.status == 200, response.body
    listed = response.json()["budgets"]
    assert isinstance(listed, list)
    rows = [row for row in listed if isinstance(row, dict)]
    return {(row["scope"], row["period"]): row for row in rows}


async def burst(site: Deployment, **fields: Json) -> list[Response]:
    """Requests of as many users, all at once over all instances; none is answered before all have asked."""
    instances = [site.instance() for _ in range(INSTANCES)]
    site.provider.script("gpt-4o", [LONG_ANSWER] * REQUESTS)
    site.provider.hold()
    tasks = [
        asyncio.create_task(instances[n % INSTANCES].chat(ASK | fields | essay(n), x_user_id=f"u{n}"))
        for n in range(REQUESTS)
    ]
    while site.provider.in_flight + sum(task.done() for task in tasks) < REQUESTS:
        await next_tick()
    site.provider.release()
    return await finished(site, tasks)


@pytest.mark.parametrize("fields", [{"maxTokens": 500}, {"maxTokens": 900}])
async def test_fifty_at_once_against_a_cent_go_over_by_less_than_one_answers_difference(fields: JsonObject) -> None:
    async with deployed(DAILY_BUDGET_USD="0.01") as site:
        responses = await burst(site, **fields)
        statuses = [response.status for response in responses]
        assert set(statuses) == {200, 402}
        standing = (await read(site.instance()))["deployment", "day"]
        assert standing["spentUsd"] == statuses.count(200) * COST / 1e6
        assert standing["heldUsd"] == 0
        expected = min(estimate_of(response) for response in responses if response.status == 200)
        assert statuses.count(200) * COST <= CENT + COST - expected


async def test_once_a_budget_is_spent_no_request_reaches_a_model() -> None:
    async with deployed(DAILY_BUDGET_USD="0.001") as site:
        site.provider.script("gpt-4o", [LONG_ANSWER])
        first = await site.instance().chat(ASK | {"maxTokens": 60})
        assert first.status == 200
        called = len(site.provider.requests)
        for n in range(INSTANCES):
            refused = await site.instance().chat(ASK | {"maxTokens": 1, "temperature": 1}, x_user_id=f"other {n}")
            assert refused.status == 402
        assert len(site.provider.requests) == called
        site.clock.turn(86_400)
        assert (await site.instance().chat(ASK | {"maxTokens": 60, "temperature": 1})).status == 200


async def test_a_stored_answer_costs_nothing_and_is_given_even_then() -> None:
    async with deployed(DAILY_BUDGET_USD="0.001") as site:
        site.provider.script("gpt-4o", [LONG_ANSWER])
        asked = ASK | {"maxTokens": 60}
        here = site.instance()
        assert [(await here.chat(asked)).status for _ in range(2)] == [200, 200]


async def test_who_is_refused_is_told_which_budget_and_when_it_begins_anew() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.000001") as site:
        refused = await site.instance().chat()
        assert (refused.status, refused.headers["x-should-retry"]) == (402, "false")
        error = error_of(refused)
        assert (error["type"], error["code"]) == ("insufficient_quota", "budget_exceeded")
        budget = error["budget"]
        assert isinstance(budget, dict)
        assert budget.pop("resets_at") == "2026-11-25T00:00:00Z"
        amounts = {"limit_usd": 0.000001, "spent_usd": 0.0, "held_usd": 0.0}
        assert budget == {"scope": "user", "period": "day", "unit": "usd"} | amounts


async def test_what_the_deployment_spends_is_not_told_to_its_users() -> None:
    async with deployed(MONTHLY_BUDGET_USD="0.000001") as site:
        error = error_of(await site.instance().chat())
        told = {"scope": "deployment", "period": "month", "unit": "usd", "resets_at": "2026-12-01T00:00:00Z"}
        assert error["budget"] == told
        assert "$" not in str(error["message"])


async def test_where_only_requests_in_flight_stand_in_the_way_asking_again_is_advised() -> None:
    async with deployed(DAILY_BUDGET_USD="0.01") as site:
        refused = [response for response in await burst(site, maxTokens=500) if response.status == 402]
        assert "true" in {response.headers["x-should-retry"] for response in refused}


async def test_a_keys_budget_is_the_keys_alone() -> None:
    async with deployed() as site:
        here = site.instance()
        site.provider.script("gpt-4o", [LONG_ANSWER] * 3)
        keys: list[JsonObject] = []
        for _ in range(2):
            body: JsonObject = {"userId": "ann", "tier": "pro", "dailyBudgetUsd": 0.004}
            keys.append(
                (await post(here.app("admin"), body, "/api/ai/admin/keys", authorization=f"Bearer {ADMIN}")).json()
            )
        statuses: list[int] = []
        for n, key in enumerate((keys[0], keys[0], keys[1])):
            asked = ASK | {"maxTokens": 300} | essay(n)
            statuses.append((await post(here.chat_app, dict(asked), authorization=f"Bearer {key['key']}")).status)
        assert statuses == [200, 402, 200]
        standing = (await read(here, f"key={keys[0]['id']}"))["key", "day"]
        assert (standing["spentUsd"], standing["limitUsd"], standing["usedPercent"]) == (COST / 1e6, 0.004, 126.2)


async def test_a_mark_is_crossed_once_however_many_instances_settle() -> None:
    crossed: list[Standing] = []

    class Watch:
        async def finished(self, run: Run, record: UsageRecord) -> None:  # the protocol's
            crossed.extend(run.crossed)

    async with deployed(DAILY_BUDGET_USD="0.01") as site:
        here = site.instance()
        here.gateway.__dict__["watchers"] = (Watch(),)
        site.provider.script(
            "gpt-4o", [speaks(Saying(("x",), usage={"prompt_tokens": 0, "completion_tokens": 100}))] * 9
        )
        for n in range(9):
            asked = ASK | {"maxTokens": 10} | essay(n)
            assert (await here.chat(asked)).status == 200
    assert [(each.scope, each.period, each.stamp, each.spent) for each in crossed] == [
        ("deployment", "day", "20261124", 8_000),
        ("deployment", "day", "20261124", 9_000),
    ]


async def test_without_the_store_an_instance_lets_all_users_together_spend_a_share() -> None:
    async with deployed(DAILY_BUDGET_USD="0.02", KV_CIRCUIT_FAILURES="1") as site:
        here = site.instance(UPSTASH_REDIS_REST_TOKEN="wrong")
        statuses: list[int] = []
        for n in range(4):
            asked = ASK | {"maxTokens": 100} | essay(n)
            site.provider.script("gpt-4o", [LONG_ANSWER])
            statuses.append((await here.chat(asked, x_user_id=f"u{n}")).status)
        assert statuses == [200, 402, 402, 402]
