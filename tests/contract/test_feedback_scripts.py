"""Finding a request's record in a long log, and counting votes, on every store."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.ai.feedback import MOST_A_DAY, Feedback
from lib.ai.observability.lookup import LOOKED_THROUGH, RecordFinder, begun_at
from lib.ai.observability.record import OPEN, UsageRecord, encode
from lib.ai.plan import Routed
from lib.errors import NotFound, RateLimited
from lib.kv.keys import Keys, day_of
from lib.site import request_id
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import START, HandTurnedClock

KEYS: Final = Keys("t", "secret")
PERSON: Final = KEYS.person("u1")
WEEK: Final = 7 * 86_400.0


def record(begun: float, seconds: float = 2.0, **fields: str) -> UsageRecord:
    return UsageRecord(
        request_id=request_id(begun),
        person=fields.get("person", PERSON),
        tier="pro",
        at=begun + seconds,
        kind=fields.get("kind", "call"),
        model="openai/gpt-4o",
        task="code",
        requested='{"id":"x","at":9,"k":"open"',
        routed=Routed(bucket="s") if fields.get("automatic", "yes") == "yes" else None,
    )


async def written(store: StoreUnderTest, *records: UsageRecord) -> None:
    for start in range(0, len(records), 500):
        some = records[start : start + 500]
        await store.kv.run("RPUSH", KEYS.log(day_of(some[0].at), KEYS.shard(PERSON)), *map(encode, some))


def finder(store: StoreUnderTest) -> RecordFinder:
    return RecordFinder(store.kv, KEYS, WEEK)


async def test_any_record_of_a_long_day_is_found_by_the_second_in_its_id(store: StoreUnderTest) -> None:
    log = [record(START + n) for n in range(3 * LOOKED_THROUGH)]
    await written(store, *log)
    for at in (0, 1, 5_000, len(log) // 2, len(log) - 1):
        assert await finder(store).find(PERSON, log[at].request_id, START + 20_000) == log[at]
    neighbour = PERSON[:4] + "0" * 16  # somebody whose records lie in the same lists
    assert await finder(store).find(neighbour, log[5].request_id, START + 20_000) is None


async def test_a_record_that_came_hours_late_is_found_among_the_latest(store: StoreUnderTest) -> None:
    late = record(START + 60)
    log = [record(START + n) for n in range(2 * LOOKED_THROUGH)]
    await written(store, *log, late, record(START + 9_000))
    assert await finder(store).find(PERSON, late.request_id, START + 10_000) == late


async def test_an_id_that_tells_no_time_is_found_among_the_latest_of_today_and_yesterday(
    store: StoreUnderTest,
) -> None:
    yesterday, today = record(0.0, START - 86_400), record(0.0, START)
    await written(store, yesterday)
    await written(store, today)
    found = [await finder(store).find(PERSON, r.request_id, START + 10) for r in (yesterday, today)]
    assert found == [yesterday, today]


async def test_a_request_under_way_has_no_record_yet(store: StoreUnderTest) -> None:
    opened = record(START, kind=OPEN)
    await written(store, opened)
    assert await finder(store).find(PERSON, opened.request_id, START + 10) is None


@pytest.mark.parametrize("name", ["req_", "req_zzzzzzzz", "chatcmpl", "req_ffffffff0000"])
def test_an_id_of_another_form_tells_no_time(name: str) -> None:
    assert begun_at(name, START, WEEK) is None


async def test_votes_of_many_instances_at_once_count_once(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    one = record(START - 5)
    await written(store, one)
    voters = [Feedback(store.kv, KEYS, clock) for _ in range(20)]
    await asyncio.gather(*(v.give("u1", one.request_id, "up" if n % 2 else "down") for n, v in enumerate(voters)))
    for key in (KEYS.task_votes("code"), KEYS.model_votes("openai/gpt-4o", day_of(START))):
        cells = await store.kv.run("HGETALL", key)
        assert isinstance(cells, list)
        assert sorted(map(str, cells[1::2])) == ["0", "1"]


async def test_one_user_votes_on_a_bounded_number_of_a_days_answers(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    log = [record(START - 500 + n) for n in range(MOST_A_DAY + 1)]
    await written(store, *log)
    feedback = Feedback(store.kv, KEYS, clock)
    for each in log[:-1]:
        await feedback.give("u1", each.request_id, "up")
    with pytest.raises(RateLimited):
        await feedback.give("u1", log[-1].request_id, "up")
    await feedback.give("u1", log[0].request_id, "down")
    assert await store.kv.run("HGET", KEYS.model_votes("openai/gpt-4o", day_of(START)), "code|up") == str(
        MOST_A_DAY - 1
    )
    with pytest.raises(NotFound):
        await feedback.give("u2", log[0].request_id, "up")


async def test_everything_a_vote_writes_expires(store: StoreUnderTest) -> None:
    one = record(START - 5)
    await written(store, one)
    await Feedback(store.kv, KEYS, HandTurnedClock()).give("u1", one.request_id, "up", reason="because")
    names = await store.kv.run("KEYS", "t:f*")
    assert isinstance(names, list)
    assert len(names) == 4
    lifetimes = [await store.kv.run("TTL", str(name)) for name in names]
    assert all(isinstance(left, int) and left > 0 for left in lifetimes)
