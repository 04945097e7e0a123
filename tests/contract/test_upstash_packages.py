"""Upstash's own Python packages over our client: their typed commands and their rate limiter keep working."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from upstash_ratelimit.asyncio import FixedWindow, Ratelimit, SlidingWindow, TokenBucket
from upstash_ratelimit.limiter import Limiter

from lib.clock import SystemClock
from lib.errors import StoreError
from tests.contract.conftest import StoreUnderTest
from tests.support.asgi_transport import AsgiTransport
from tests.support.kv import client_of
from tests.support.recording_transport import RecordingTransport


async def test_typed_commands_answer_in_their_types(store: StoreUnderTest) -> None:
    kv = store.kv
    assert await kv.set("a", "é", ex=60)
    assert await kv.get("a") == "é"
    assert await kv.expire("a", 100) is True
    assert await kv.hset("h", values={"x": 1, "y": "z"}) == 2
    assert await kv.hgetall("h") == {"x": "1", "y": "z"}
    assert await kv.zadd("s", {"m": 1.5}) == 1
    assert await kv.zscore("s", "m") == 1.5
    assert await kv.smismember("none", "x", "y") == [False, False]
    arguments = cast("list[str]", [{"a": [1]}, None, True, 0.5])
    assert await kv.eval("return ARGV", args=arguments) == ['{"a": [1]}', "null", "true", "0.5"]
    assert await kv.incrbyfloat("f", 0.0000001) == 1e-7
    assert await kv.eval("return {KEYS[1], ARGV[1]}", keys=["k"], args=["v"]) == ["k", "v"]
    fields = kv.bitfield("b").incrby("u8", "#1", 5).get("u8", "#1")
    assert await fields.execute() == [5, 5]  # pyright: ignore[reportUnknownMemberType]
    assert await kv.ping() == "PONG"


async def test_typed_commands_of_one_tick_share_a_request(store: StoreUnderTest) -> None:
    kv = store.kv
    stored, counted, read = await asyncio.gather(kv.set("a", 1), kv.incr("a"), kv.get("a"))
    assert (bool(stored), counted, read) == (True, 2, "2")
    assert store.server.stats.requests == 1


async def test_upstreams_pipeline_and_transaction_run(store: StoreUnderTest) -> None:
    for batch in (store.kv.pipeline(), store.kv.multi()):
        batch.delete("a")
        batch.set("a", 5)
        batch.incrby("a", 2)
        batch.hgetall("none")
        assert (await batch.exec())[1:] == [True, 7, {}]  # pyright: ignore[reportUnknownMemberType]


async def test_an_error_within_upstreams_pipeline_is_raised(store: StoreUnderTest) -> None:
    batch = store.kv.pipeline()
    batch.set("a", "x")
    batch.incr("a")
    with pytest.raises(StoreError, match="not an integer"):
        await batch.exec()  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize(
    "limiter",
    [
        FixedWindow(max_requests=3, window=1, unit="h"),
        SlidingWindow(max_requests=3, window=1, unit="h"),
        TokenBucket(max_tokens=3, refill_rate=1, interval=1, unit="h"),
    ],
    ids=lambda limiter: type(limiter).__name__,
)
async def test_upstash_ratelimit_counts(store: StoreUnderTest, limiter: Limiter) -> None:
    ratelimit = Ratelimit(redis=store.kv, limiter=limiter)
    assert [(await ratelimit.limit("user")).allowed for _ in range(5)] == [True, True, True, False, False]
    assert (await ratelimit.limit("other")).allowed
    assert await ratelimit.get_remaining("user") == 0


async def test_a_rate_limiter_adds_no_telemetry(store: StoreUnderTest) -> None:
    transport = RecordingTransport(AsgiTransport(store.server))
    kv = client_of(store.server, SystemClock(), transport=transport)
    await Ratelimit(redis=kv, limiter=FixedWindow(max_requests=1, window=1)).limit("user")
    (request,) = transport.requests
    assert not [name for name in request.headers if "telemetry" in name.lower()]
