"""The rollout as many instances share it, on every store."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.ai.rollout.board import RolloutBoard
from lib.ai.rollout.rules import AutoRollback, Rollout
from lib.contract import Arm, JsonObject
from lib.kv.keys import Keys
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import HandTurnedClock

KEYS: Final = Keys("t", "secret")
DEFAULT: Final = Rollout(5_000, auto=AutoRollback(min_requests=20))


def boards(store: StoreUnderTest, clock: HandTurnedClock, count: int) -> list[RolloutBoard]:
    return [RolloutBoard(store.kv, KEYS, clock, DEFAULT) for _ in range(count)]


async def counted(some: list[RolloutBoard], requests: int, *, new_fail: bool) -> None:
    """As many requests on either side, by all instances at once."""
    rollouts = [await board.current() for board in some]
    await asyncio.gather(
        *(
            board.count(rollout, arm, failed=new_fail and arm is Arm.NEW)
            for n in range(requests)
            for board, rollout in [(some[n % len(some)], rollouts[n % len(some)])]
            for arm in Arm
        )
    )


def lately(shown: JsonObject) -> tuple[object, object]:
    sides = shown["lately"]
    assert isinstance(sides, dict)
    return sides["new"], sides["old"]


async def test_every_instances_requests_are_in_the_counts(store: StoreUnderTest) -> None:
    some = boards(store, HandTurnedClock(), 8)
    await counted(some, 64, new_fail=False)
    even = {"requests": 64, "errors": 0, "errorRate": 0.0}
    assert lately(await some[0].describe()) == (even, even)


async def test_of_eight_instances_that_see_it_fail_one_turns_it_back(
    store: StoreUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandTurnedClock()
    some = boards(store, clock, 8)
    await counted(some, 64, new_fail=True)
    assert sum(record.levelname == "ERROR" for record in caplog.records) == 1
    shown = [await board.describe() for board in some]
    assert all((s["percent"], s["turnedBack"]) == (0, True) for s in shown)
    assert all(s["lastRollback"] == shown[0]["lastRollback"] for s in shown)


async def test_what_is_an_hour_past_is_not_looked_at(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    some = boards(store, clock, 2)
    await counted(some, 19, new_fail=True)  # one short of what is judged
    clock.turn(3_600)
    await counted(some, 19, new_fail=True)
    assert (await some[0].describe())["percent"] == 50
    clock.turn(1_800)  # the window before still counts
    await counted(some, 1, new_fail=True)
    assert (await some[0].describe())["percent"] == 0


async def test_everything_that_is_written_expires(store: StoreUnderTest) -> None:
    (board,) = boards(store, HandTurnedClock(), 1)
    await board.set(50, None)
    await counted([board], 1, new_fail=False)
    names = await store.kv.run("KEYS", "t:r*")
    assert isinstance(names, list)
    assert len(names) == 2
    lifetimes = [await store.kv.run("TTL", str(name)) for name in names]
    assert all(isinstance(left, int) and left > 0 for left in lifetimes)


async def test_operators_who_change_it_at_once_each_leave_their_part(store: StoreUnderTest) -> None:
    some = boards(store, HandTurnedClock(), 2)
    await asyncio.gather(some[0].set(10, None), some[1].set(None, (False, 1.0, 30)))
    shown = await some[0].describe()
    assert shown["percent"] == 10
    assert shown["autoRollback"] == {"enabled": False, "marginPercent": 1.0, "minRequests": 30}
