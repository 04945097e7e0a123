"""Four processes on one real Redis: limits are exact and budgets are not overrun, however requests are spread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from dev.kv import RedisBridge
from dev.reconcile.command import reconcile
from lib.composition import Gateway
from lib.contract import JsonObject
from lib.kv.admission import SharedBudget
from lib.kv.spending import SpendingBook, Standing, user_budget
from lib.tiers import Budget
from tests.support.processes import Running, Site, site
from tests.support.redis_server import redis_url

__all__ = ["redis_url"]

PROCESSES: Final = 4
REQUESTS: Final = 240
LIMIT: Final = 100
PATIENCE_SECONDS: Final = 60.0
BUDGET: Final = 20_000
"""Micro-dollars."""
MANY: Final = {"TIER_LIMITS": "pro=1000000", "MODEL_CLASS_LIMITS": "gpt-4o=1000000"}


def ask(number: int, model: str) -> JsonObject:
    return {"model": model, "messages": [{"role": "user", "content": f"question {number}"}], "max_tokens": 50}


@asynccontextmanager
async def processes(redis_url: str, **env: str) -> AsyncGenerator[tuple[Site, list[Running]]]:
    backend = RedisBridge.from_url(redis_url)
    await backend.run([[b"FLUSHALL"]])
    try:
        async with site(backend, **env) as place:
            yield place, list(await asyncio.gather(*(place.process() for _ in range(PROCESSES))))
    finally:
        await backend.aclose()


async def settled(here: Gateway, budget: SharedBudget) -> Standing:
    """What is spent of a budget, once no process has a request left to settle: they do so after their answers."""
    book = SpendingBook(here.store, here.keys, here.world.clock)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (standing := (await book.standings([budget]))[0]).held:
            """Asks again."""
    return standing


async def asked(running: list[Running], model: str) -> list[tuple[int, JsonObject]]:
    return await asyncio.gather(*(running[n % PROCESSES].chat(ask(n, model)) for n in range(REQUESTS)))


@pytest.mark.redis
async def test_exactly_the_limit_is_admitted(redis_url: str) -> None:
    async with processes(redis_url, TIER_LIMITS=f"pro={LIMIT}/0") as (place, running):
        statuses = [status for status, _ in await asked(running, "gpt-6-luna")]
        assert (statuses.count(200), statuses.count(429)) == (LIMIT, REQUESTS - LIMIT)
        assert len(place.provider.requests) == LIMIT


@pytest.mark.redis
async def test_a_budget_is_never_overrun_and_the_books_balance(redis_url: str) -> None:
    budget = f"pro={BUDGET / 1_000_000}"
    async with processes(redis_url, TIER_DAILY_BUDGETS_USD=budget, **MANY) as (place, running):
        answers = await asked(running, "gpt-4o")
        statuses = [status for status, _ in answers]
        assert set(statuses) == {200, 402}
        spent = sum(round(float(str(body["cost"])) * 1_000_000) for status, body in answers if status == 200)
        here = place.instance()
        await settled(here.gateway, user_budget(here.gateway.keys.person("u1"), Budget(per_day=BUDGET)))
        said = await reconcile(here.gateway)
        assert [line for line in said if line.startswith(("lost", "differs"))] == []
        usage = await here.gateway.stats.get_user_usage("u1")
        assert usage["totalCostMicroUsd"] == spent
        assert 0 < spent <= BUDGET


@pytest.mark.redis
async def test_nor_is_the_deployments_by_all_users_together(redis_url: str) -> None:
    budget = str(BUDGET / 1_000_000)
    async with processes(redis_url, DAILY_BUDGET_USD=budget, **MANY) as (place, running):
        answers = await asked(running, "gpt-4o")
        assert {status for status, _ in answers} == {200, 402}
        spent = sum(round(float(str(body["cost"])) * 1_000_000) for status, body in answers if status == 200)
        here = place.instance().gateway
        today = await settled(here, SharedBudget("deployment", "", Budget(per_day=BUDGET)))
        assert (today.spent, today.held) == (spent, 0)
        assert 0 < spent <= BUDGET
