"""The product's window with lockout behind `upstash_ratelimit.asyncio.Ratelimit`, over the product's own client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import pytest
from upstash_ratelimit.asyncio import Ratelimit, Response

from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.rate_limit import Limit
from lib.kv.simple_limit import WindowWithLockout
from tests.support.kv import embedded_kv
from tests.support.skewed_clock import MillisecondClock

KEYS: Final = Keys("t", "secret")
NOON: Final = 1_790_769_600_000
LIMIT: Final = Limit("test", 3, lockout_ms=300_000)
OPEN: Final = Limit("test", 3)
WINDOW: Final = 60_999
"""A slot taken in the first millisecond of a second comes back when that second has left the window."""


@dataclass
class Site:
    """A store, and the limiter of one instance."""

    rule: Limit
    clock: MillisecondClock = field(default_factory=lambda: MillisecondClock(NOON))

    def __post_init__(self) -> None:
        self.kv, self.server = embedded_kv(self.clock)
        self.limiter = Ratelimit(self.kv, WindowWithLockout(self.rule, self.clock.now), KEYS.simple_prefix)

    async def call(self, caller: str = "u1", rate: int = 1) -> Response:
        return await self.limiter.limit(KEYS.person(caller), rate)

    def later(self, milliseconds: int) -> float:
        """A time as Response tells it."""
        return self.clock.now() + milliseconds / 1000

    def turn(self, milliseconds: int) -> None:
        self.clock.milliseconds += milliseconds


async def test_calls_are_allowed_up_to_the_limit_and_told_what_is_left_and_until_when() -> None:
    site = Site(OPEN)
    told = [await site.call() for _ in range(4)]
    assert told == [
        Response(allowed=True, limit=3, remaining=2, reset=site.later(WINDOW)),
        Response(allowed=True, limit=3, remaining=1, reset=site.later(WINDOW)),
        Response(allowed=True, limit=3, remaining=0, reset=site.later(WINDOW)),
        Response(allowed=False, limit=3, remaining=0, reset=site.later(WINDOW)),
    ]


async def test_a_slot_comes_back_at_the_reset_and_a_refused_call_takes_none() -> None:
    site = Site(OPEN)
    for _ in range(3):
        await site.call()
        site.turn(10_000)
    assert not (await site.call()).allowed
    site.turn(WINDOW - 30_000 - 1)
    assert not (await site.call()).allowed
    site.turn(1)
    assert [(await site.call()).allowed for _ in range(2)] == [True, False]


async def test_going_over_the_limit_locks_out_to_the_millisecond_and_trying_does_not_lengthen_it() -> None:
    site = Site(LIMIT)
    for _ in range(3):
        await site.call()
    assert await site.call() == Response(allowed=False, limit=3, remaining=0, reset=site.later(300_000))
    site.turn(299_999)
    assert await site.call() == Response(allowed=False, limit=3, remaining=0, reset=site.later(1))
    site.turn(1)
    assert (await site.call()).allowed


async def test_who_is_locked_out_has_nothing_remaining_though_the_window_is_empty() -> None:
    site = Site(LIMIT)
    for _ in range(4):
        await site.call()
    site.turn(100_000)
    assert await site.limiter.get_remaining(KEYS.person("u1")) == 0
    assert await site.limiter.get_reset(KEYS.person("u1")) == site.later(200_000)


async def test_looking_takes_no_slot_starts_no_lockout_and_writes_nothing() -> None:
    site = Site(LIMIT)
    person = KEYS.person("u1")
    assert await site.limiter.get_remaining(person) == 3
    assert await site.kv.run("DBSIZE") == 0
    for remaining in (2, 1, 0):
        await site.call()
        before = await site.kv.run("GET", f"{KEYS.simple_prefix}:{person}")
        assert await site.limiter.get_remaining(person) == remaining
        assert await site.limiter.get_reset(person) == site.later(WINDOW)
        assert await site.kv.run("GET", f"{KEYS.simple_prefix}:{person}") == before
    site.turn(WINDOW)
    assert (await site.call()).allowed


async def test_several_slots_are_taken_at_once_or_none() -> None:
    site = Site(OPEN)
    assert (await site.call(rate=2)).remaining == 1
    assert await site.call(rate=2) == Response(allowed=False, limit=3, remaining=1, reset=site.later(WINDOW))
    assert (await site.call(rate=1)).allowed
    assert not (await site.call("u2", rate=4)).allowed
    assert (await site.call("u2", rate=3)).allowed


async def test_callers_are_counted_apart_and_instances_together() -> None:
    site = Site(OPEN)
    elsewhere = Ratelimit(site.kv, WindowWithLockout(OPEN, site.clock.now), KEYS.simple_prefix)
    allowed = [(await limiter.limit(KEYS.person("u1"))).allowed for limiter in (site.limiter, elsewhere) * 2]
    assert allowed == [True, True, True, False]
    assert (await site.call("u2")).remaining == 2


async def test_many_calls_at_once_are_admitted_up_to_the_limit_in_one_round_trip() -> None:
    site = Site(OPEN)
    told = await asyncio.gather(*(site.call() for _ in range(40)))
    assert sum(response.allowed for response in told) == 3
    assert site.server.stats.requests == 1


async def test_nothing_is_kept_once_it_says_nothing_any_more() -> None:
    site = Site(LIMIT)
    for _ in range(4):
        await site.call()
    site.turn(60_000 + 300_000 + 2_001)
    assert await site.kv.run("DBSIZE") == 0


async def test_a_store_that_refuses_is_a_store_error_and_no_answer() -> None:
    site = Site(OPEN)
    await site.kv.run("RPUSH", f"{KEYS.simple_prefix}:{KEYS.person('u1')}", "x")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        await site.call()
