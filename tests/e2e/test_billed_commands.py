"""What a request costs in the store: Redis' own count of the commands it ran, those inside of scripts included."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest

from bench.kv_commands import Meter
from tests.support.near import FIRST, SECOND
from tests.support.redis_server import redis_url

__all__ = ["redis_url"]

WARM = "an instance gives new keys their lifetimes"


@asynccontextmanager
async def warm(url: str, **env: str) -> AsyncGenerator[Meter]:
    meter = Meter(url, **env)
    async with aclosing(meter):
        await meter.ask(WARM, "u0")
        await meter.ask("question 99", "u0")  # votes on such questions are now known, for a minute
        yield meter


@pytest.mark.redis
@pytest.mark.parametrize(("env", "most"), [({}, 12), ({"TIER_DAILY_BUDGETS_USD": "master=5"}, 14)])
async def test_a_miss_takes_two_round_trips_and_few_commands(redis_url: str, env: dict[str, str], most: int) -> None:
    async with warm(redis_url, **env, KV_NAMESPACE=f"miss{most}") as meter:
        trips, billed, counts = await meter.cost_of(lambda i: meter.ask(f"question {i}", "u0"), 5)
        assert trips == 2
        assert billed <= most, counts


@pytest.mark.redis
async def test_an_exact_hit_takes_one_round_trip_and_five_commands(redis_url: str) -> None:
    async with warm(redis_url, KV_NAMESPACE="hit") as meter:
        trips, billed, counts = await meter.cost_of(lambda _: meter.ask(WARM, "u0"), 5)
        assert (trips, billed) == (1, 5), counts


@pytest.mark.redis
async def test_near_hits_cost_a_miss_no_round_trip_and_a_served_one_a_single_read_more(redis_url: str) -> None:
    async with warm(redis_url, CACHE_MODE="near", KV_NAMESPACE="near") as meter:
        trips, billed, counts = await meter.cost_of(lambda i: meter.ask(f"Name the {i}. river of Norway", "u0"), 5)
        assert trips == 2
        assert billed <= 21, counts
        assert counts["hmget"] == 3 * 5, "today's and yesterday's postings, and those that are written"
        await meter.ask(FIRST, "u0")
        await meter.certify()
        trips, billed, counts = await meter.cost_of(lambda _: meter.ask(SECOND, "u0"), 1)
        assert trips == 3
        assert counts["mget"] == 2, "admission's, and one for the texts"
        assert billed <= 21, counts
