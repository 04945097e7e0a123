"""Postings and counts of the near tier, on every store."""

from __future__ import annotations

from typing import Final

from lib.ai.near.pools import ALL, MOST_OF_A_USER, POOL_SECONDS, WEEK_SECONDS, Pools, pool_in, week_of
from lib.kv.keys import Keys
from lib.kv.lua import script
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import HandTurnedClock

KEYS: Final = Keys("t", "secret")
PERSON: Final = KEYS.person("u1")
POSTINGS: Final = KEYS.near_postings("scope", 1)
NAMED: Final = (POSTINGS, KEYS.tombstone(PERSON), KEYS.holdings(PERSON))
A, B, C = "aaaaaaaaaaSIGN", "bbbbbbbbbbSIGN", "ccccccccccSIGN"


async def noted(
    store: StoreUnderTest, record: str, *fields: str, held: int = 28, terms: int = 9, several: int = 0
) -> object:
    limits = (held, terms, 1_000, 5_000, several)
    return await store.kv.run("EVAL", script("near_note"), len(NAMED), *NAMED, record, *limits, *fields)


async def under(store: StoreUnderTest, field: str) -> object:
    return await store.kv.run("HGET", POSTINGS, field)


async def test_the_newest_record_comes_first_the_oldest_goes_and_none_is_there_twice(store: StoreUnderTest) -> None:
    for record in (A, B):
        assert await noted(store, record, "x", "y") == 2
    assert await under(store, "x") == B + A
    await noted(store, A, "x")
    assert (await under(store, "x"), await under(store, "y")) == (A + B, B + A)
    await noted(store, C, "x")
    assert await under(store, "x") == C + A


async def test_a_full_hash_begins_no_new_term_but_goes_on_with_those_it_has(store: StoreUnderTest) -> None:
    await noted(store, A, "x", "y", terms=2)
    assert await noted(store, B, "x", "z", terms=2) == 1
    assert (await under(store, "x"), await under(store, "z")) == (B + A, None)
    assert await noted(store, C, "z", terms=2) == 0


async def test_postings_have_a_lifetime_and_their_name_is_noted_once_or_for_each_who_shares_them(
    store: StoreUnderTest,
) -> None:
    await noted(store, A, "x")
    assert 0 < int(str(await store.kv.run("TTL", POSTINGS))) <= 1_000
    assert 0 < int(str(await store.kv.run("TTL", NAMED[2]))) <= 1_000
    assert await store.kv.run("ZRANGE", NAMED[2], 0, -1, "WITHSCORES") == [POSTINGS, "5000"]
    await store.kv.run("DEL", NAMED[2])
    await noted(store, B, "x")
    assert await store.kv.run("EXISTS", NAMED[2]) == 0
    await noted(store, C, "x", several=1)
    assert await store.kv.run("EXISTS", NAMED[2]) == 1


async def test_nothing_is_noted_of_a_user_who_has_just_been_deleted(store: StoreUnderTest) -> None:
    await store.kv.run("SET", NAMED[1], "1", "EX", 60)
    assert await noted(store, A, "x") == 0
    assert await store.kv.run("EXISTS", POSTINGS, NAMED[2]) == 0


async def test_counts_add_up_halve_with_each_week_and_live_on_while_they_are_added_to(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    pools = Pools(KEYS, clock)
    for _ in range(3):
        await store.kv.run(*pools.counting(ALL, [("s3", 1), ("q", 16)]))
    now = clock.now()
    assert await read(store, now) == {"s3": 3, "q": 48}
    clock.turn(2 * WEEK_SECONDS)
    assert await read(store, clock.now()) == {"s3": 0.75, "q": 12}
    await store.kv.run(*pools.counting(ALL, [("d3", 1)]))
    assert await read(store, clock.now()) == {"s3": 0.75, "q": 12, "d3": 1}
    assert await store.kv.run("HGET", KEYS.near_pool(ALL), "w") == str(week_of(clock.now()))
    await store.kv.run(*Pools(KEYS, HandTurnedClock()).counting(ALL, [("d3", 1)]))
    assert (await read(store, clock.now()))["d3"] == 2, "a clock that is behind halves nothing and brings no week back"
    assert POOL_SECONDS / 2 <= int(str(await store.kv.run("TTL", KEYS.near_pool(ALL)))) <= POOL_SECONDS


async def read(store: StoreUnderTest, now: float) -> dict[str, float]:
    return dict(pool_in(await store.kv.run("HGETALL", KEYS.near_pool(ALL)), now).counts)


async def test_a_user_has_their_share_of_a_week_and_then_the_next_one(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    pools = Pools(KEYS, clock)
    taken = [await store.kv.run(*pools.counting(ALL, [("s3", 1)], PERSON)) for _ in range(MOST_OF_A_USER + 3)]
    assert taken == [1] * MOST_OF_A_USER + [0] * 3
    said = KEYS.near_said(PERSON, week_of(clock.now()))
    assert 0 < int(str(await store.kv.run("TTL", said))) <= 2 * WEEK_SECONDS
    clock.turn(WEEK_SECONDS)
    assert await store.kv.run(*pools.counting(ALL, [("s3", 1)], PERSON)) == 1
