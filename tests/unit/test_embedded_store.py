"""The store for development: its clock, its settings, and the bridge to a Redis that misbehaves."""

from __future__ import annotations

import asyncio

import pytest

from dev import kv
from dev.kv import RedisBridge
from dev.kv.bridge import Address
from lib.errors import UnknownOutcome
from tests.support.breakable_server import byte_server
from tests.support.clock import HandTurnedClock
from tests.support.kv import client_of, embedded_kv, embedded_server

SLOW = [[b"GET", b"slow"]]
FAST = [[b"GET", b"fast"]]


async def test_keys_expire_by_the_clock_that_was_given() -> None:
    clock = HandTurnedClock()
    store, _ = embedded_kv(clock)
    await store.run("SET", "a", "x", "PX", 5000)
    clock.turn(4.9)
    assert await store.run_many([["GET", "a"], ["PTTL", "a"]]) == ["x", 100]
    clock.turn(0.2)
    assert await store.run("GET", "a") is None


async def test_two_stores_share_nothing() -> None:
    clock = HandTurnedClock()
    one, _ = embedded_kv(clock)
    other, _ = embedded_kv(clock)
    await one.run("SET", "a", "x")
    assert await other.run("GET", "a") is None


def test_an_address_names_host_port_password_and_database() -> None:
    assert Address.from_url("redis://10.0.0.1") == Address("10.0.0.1", 6379)
    assert Address.from_url("redis://u:p%40ss@host:1/2").greeting == ([b"AUTH", b"u", b"p@ss"], [b"SELECT", b"2"])
    assert Address.from_url("redis://:p@host").greeting == ([b"AUTH", b"p"],)


@pytest.mark.parametrize("url", ["127.0.0.1:6379", "http://127.0.0.1", "redis://", "rediss://host"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="looks like redis://"):
        kv.create(token="t", backend=url)


async def test_a_request_that_was_cut_off_leaves_its_reply_to_nobody() -> None:
    connections: list[asyncio.StreamReader] = []
    asked, dropped = asyncio.Event(), asyncio.Event()

    async def redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(reader)
        while request := await reader.read(1000):
            if b"slow" in request:
                asked.set()
                await reader.read()
                dropped.set()
            writer.write(b"$4\r\nfast\r\n")

    async with byte_server(redis) as url:
        bridge = RedisBridge.from_url(url.replace("http:", "redis:"))
        assert await bridge.run(FAST) == [b"fast"]
        slow = asyncio.ensure_future(bridge.run(SLOW))
        await asked.wait()
        slow.cancel()
        await asyncio.wait([slow])
        await asyncio.wait_for(dropped.wait(), 5)
        assert await bridge.run(FAST) == [b"fast"]
        assert len(connections) == 2
        await bridge.aclose()


async def test_a_redis_that_speaks_nonsense_or_is_gone_is_an_unknown_outcome_for_the_client() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n")
        await reader.read()

    async with byte_server(nonsense) as url:
        bridge = RedisBridge.from_url(url.replace("http:", "redis:"))
        store = client_of(embedded_server(bridge), HandTurnedClock())
        with pytest.raises(UnknownOutcome):
            await store.run("GET", "a")
    with pytest.raises(UnknownOutcome):
        await store.run("GET", "a")


async def test_a_password_that_is_wrong_is_said() -> None:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"-WRONGPASS invalid username-password pair\r\n")
        await reader.read()

    async with byte_server(guarded) as url:
        bridge = RedisBridge.from_url(url.replace("http://", "redis://:wrong@"))
        with pytest.raises(ConnectionError, match="WRONGPASS"):
            await bridge.run(FAST)
