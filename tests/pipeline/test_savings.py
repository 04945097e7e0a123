"""What the cache, duplicates and the router's choice save, from whole requests to the totals."""

from __future__ import annotations

import csv
from io import StringIO

from lib.contract import JsonObject
from tests.support.asgi_client import Exchange
from tests.support.deployment import ADMIN, ASK, Instance, deployed

AUTO: JsonObject = {**ASK, "model": "auto"}
SAVINGS = ("savedByCache", "savedByDedup", "savedByRouting", "routedCost", "routedBaselineCost")


async def test_a_choice_of_the_routers_is_measured_against_the_baseline_for_the_same_tokens() -> None:
    async with deployed(BASELINE_MODEL="openai/gpt-4o") as site:
        here = site.instance()
        answer = await here.chat(AUTO)
        assert answer.status == 200
        usage = await here.usage()
        prices, row = here.gateway.prices, here.gateway.catalog.model("openai/gpt-4o")
        (record,) = await here.gateway.log.recent(here.gateway.keys.person("u1"), "20261124", 5)
        expected = prices.cost(row, "", record.usage, record.at).micro_usd
        assert record.baseline_micro_usd == expected > record.cost_micro_usd > 0
        assert usage["routedBaselineCost"] == expected / 1e6
        assert usage["routedCost"] == usage["totalCost"] == record.cost_micro_usd / 1e6
        assert usage["savedByRouting"] == (expected - record.cost_micro_usd) / 1e6


async def test_what_was_asked_for_by_name_and_what_was_there_already_saves_nothing_by_routing() -> None:
    async with deployed() as site:
        here = site.instance()
        assert (await here.chat()).status == 200
        assert (await here.chat()).headers["x-cache"] == "HIT (exact)"
        usage = await here.usage()
        assert [usage[name] for name in SAVINGS] == [usage["totalCost"], 0, 0, 0, 0]


async def test_the_sums_are_the_same_by_user_by_model_and_by_tier() -> None:
    async with deployed() as site:
        here = site.instance()
        for user, document in (("u1", AUTO), ("u2", AUTO), ("u2", AUTO), ("u1", ASK)):
            assert (await here.chat(document, x_user_id=user)).status == 200
        for key in ("k1", "k1"):
            assert (await here.chat(AUTO, idempotency_key=key, cache_control="no-cache")).status == 200
        whole = await here.usage()
        assert whole["savedByDedup"]
        for group in ("model", "user", "tier", "task"):
            assert await summed(here, group) == [micro(whole[name]) for name in SAVINGS], group


async def summed(here: Instance, group: str) -> list[int]:
    query = f"from=2026-11-24&granularity=day&format=csv&groupBy={group}"
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await Exchange(here.app("stats"), "GET", "/api/ai/stats", headers, query=query).run()
    rows = list(csv.DictReader(StringIO(answer.body.decode(), newline="")))
    return [sum(micro(row[name]) for row in rows) for name in SAVINGS]


def micro(dollars: object) -> int:
    return round(float(str(dollars)) * 1_000_000)
