"""Durable batch jobs on every store: who is handed what, what is stored once, and what expires."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from lib.contract import Caller, CallerKind, Grant
from lib.kv.batch_job import BatchHead, Lease, Report, TurnAsk, TurnReply
from lib.kv.batch_store import CHUNK, BatchRules, BatchStore
from lib.kv.keys import Keys
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import START, HandTurnedClock

KEYS: Final = Keys("t", "secret")
LEASE: Final = 30.0
PERSON: Final = KEYS.person("u1")
CALLER: Final = Caller(
    "u1", "pro", CallerKind.USER, grant=Grant(key_id="k1", daily_budget_micro_usd=5, models=("openai/gpt-4o",))
)


def head_of(job: str = "batch_1", total: int = 4, concurrency: int = 2) -> BatchHead:
    return BatchHead(
        job=job,
        person=PERSON,
        caller=CALLER,
        digest="d1",
        total=total,
        concurrency=concurrency,
        created_at=START,
        expires_at=START + 86_400,
    )


def batches(store: StoreUnderTest, clock: HandTurnedClock, jobs_per_user: int = 20) -> BatchStore:
    return BatchStore(store.kv, KEYS, clock, BatchRules(int(LEASE * 1000), jobs_per_user))


async def made(store: StoreUnderTest, clock: HandTurnedClock, head: BatchHead) -> BatchStore:
    jobs = batches(store, clock)
    assert (await jobs.create(head, requests_of(head))).new
    return jobs


def requests_of(head: BatchHead) -> list[str]:
    return [f'{{"item":{n}}}' for n in range(head.total)]


def indices(reply: TurnReply) -> list[int]:
    return [lease.index for lease in reply.leases]


def done(lease: Lease, text: str = "answer") -> Report:
    return Report(lease, f"{text} {lease.index}", cost_micro_usd=7)


async def results_of(jobs: BatchStore, head: BatchHead, begin: int = 0) -> list[str]:
    return [text async for text in jobs.results(head, begin, head.total)]


async def test_what_was_stored_is_read_back_and_nothing_outlives_the_job(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=CHUNK + 3)
    jobs = await made(store, clock, head)
    found = await jobs.find(head.job)
    assert found
    assert found[0] == head
    assert (found[1].status, found[1].taken, found[1].done) == ("open", 0, 0)
    assert await jobs.requests(head, 0) + await jobs.requests(head, 1) == requests_of(head)
    (lease, *_) = (await jobs.turn(head, TurnAsk(worker="a", want=1))).leases
    await jobs.turn(head, TurnAsk(worker="a", reports=(done(lease),)))
    names = await store.kv.run("KEYS", "*")
    assert isinstance(names, list)
    for name in names:
        left = await store.kv.run("PTTL", str(name))
        assert isinstance(left, int)
        assert 0 < left <= 86_400_000, name
    assert not [name for name in names if "u1" in str(name).split(":")]


async def test_a_job_is_made_once_and_what_lies_under_its_name_stays(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of()
    jobs = await made(store, clock, head)
    again = await jobs.create(replace(head, digest="d2", created_at=START + 5), ["{}"] * head.total)
    assert (again.new, again.head) == (False, head)
    assert await jobs.requests(head, 0) == requests_of(head)


async def test_a_user_has_as_many_jobs_as_they_may_until_some_expire(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    jobs = batches(store, clock, jobs_per_user=2)
    first = head_of("batch_1", total=1)
    for head in (first, head_of("batch_2", total=1)):
        assert (await jobs.create(head, requests_of(head))).new
    third = head_of("batch_3", total=1)
    assert (await jobs.create(third, requests_of(third))).head is None
    assert (await jobs.create(first, requests_of(first))).head == first
    other = replace(third, job="batch_4", person=KEYS.person("u2"))
    assert (await jobs.create(other, requests_of(other))).new
    clock.turn(86_401)
    later = replace(third, created_at=clock.now(), expires_at=clock.now() + 86_400)
    assert (await jobs.create(later, requests_of(later))).new


async def test_several_workers_never_hold_the_same_item_nor_more_than_the_job_allows(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=9, concurrency=3)
    jobs = await made(store, clock, head)
    first = await jobs.turn(head, TurnAsk(worker="a", want=2))
    second = await jobs.turn(head, TurnAsk(worker="b", want=5))
    third = await jobs.turn(head, TurnAsk(worker="c", want=5))
    assert (indices(first), indices(second), indices(third)) == ([0, 1], [2], [])
    assert (third.alive, third.wait_seconds) == (3, LEASE)
    ended = await jobs.turn(head, TurnAsk(worker="a", reports=(done(first.leases[0]),), running=(1,), want=1))
    assert (indices(ended), ended.done, ended.cost_micro_usd) == ([3], 1, 7)


async def test_items_of_a_dead_worker_come_back_when_their_lease_ends_and_a_living_one_keeps_its_own(
    store: StoreUnderTest,
) -> None:
    clock, head = HandTurnedClock(), head_of(total=2)
    jobs = await made(store, clock, head)
    await jobs.turn(head, TurnAsk(worker="dead", want=1))
    alive = await jobs.turn(head, TurnAsk(worker="alive", want=1))
    clock.turn(LEASE - 1)
    assert indices(await jobs.turn(head, TurnAsk(worker="alive", running=(1,)))) == []
    clock.turn(2)
    taken = await jobs.turn(head, TurnAsk(worker="alive", running=(1,), want=1))
    assert taken.leases == (Lease(0, lost=1),)
    assert indices(alive) == [1]
    assert indices(await jobs.turn(head, TurnAsk(worker="third", want=5))) == []


async def test_what_a_worker_does_not_know_it_was_handed_goes_to_the_next_who_asks(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of()
    jobs = await made(store, clock, head)
    await jobs.turn(head, TurnAsk(worker="a", want=2))  # its answer is lost on the way
    again = await jobs.turn(head, TurnAsk(worker="a", want=1))
    assert again.leases == (Lease(0),)
    assert indices(await jobs.turn(head, TurnAsk(worker="b", want=1))) == [1]


async def test_a_result_is_stored_once_whoever_says_it_and_counted_once(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=1)
    jobs = await made(store, clock, head)
    (lease,) = (await jobs.turn(head, TurnAsk(worker="slow", want=1))).leases
    clock.turn(LEASE + 1)
    (same,) = (await jobs.turn(head, TurnAsk(worker="quick", want=1))).leases
    first = await jobs.turn(head, TurnAsk(worker="slow", reports=(done(lease, "first"),)))
    second = await jobs.turn(head, TurnAsk(worker="quick", reports=(done(same, "second"),)))
    third = await jobs.turn(head, TurnAsk(worker="slow", reports=(done(lease, "third"),)))
    assert (first.status, second.done, third.done, third.cost_micro_usd) == ("done", 1, 1, 7)
    assert await results_of(jobs, head) == ["first 0"]


async def test_an_item_that_is_put_back_waits_for_its_time_and_keeps_its_count(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=1)
    jobs = await made(store, clock, head)
    (lease,) = (await jobs.turn(head, TurnAsk(worker="a", want=1))).leases
    back = Report(lease.failed_again(), again_at=clock.now() + 15)
    reply = await jobs.turn(head, TurnAsk(worker="a", reports=(back,), want=1))
    assert (reply.leases, reply.wait_seconds, reply.alive, reply.failed) == ((), 15.0, 0, 0)
    clock.turn(15)
    assert (await jobs.turn(head, TurnAsk(worker="b", want=1))).leases == (Lease(0, failures=1),)


async def test_a_pause_is_kept_by_every_worker(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of()
    jobs = await made(store, clock, head)
    await jobs.turn(head, TurnAsk(worker="a", pause_until=clock.now() + 40))
    other = await jobs.turn(head, TurnAsk(worker="b", want=1))
    assert (other.leases, other.wait_seconds) == ((), 40.0)
    clock.turn(40)
    assert indices(await jobs.turn(head, TurnAsk(worker="b", want=1))) == [0]


async def test_a_cancelled_job_hands_nothing_out_but_keeps_what_still_ends(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of()
    jobs = await made(store, clock, head)
    (lease,) = (await jobs.turn(head, TurnAsk(worker="a", want=1))).leases
    await jobs.cancel(head)
    reply = await jobs.turn(head, TurnAsk(worker="a", reports=(done(lease),), want=2))
    assert (reply.status, reply.done, reply.leases, reply.wait_seconds) == ("cancelled", 1, (), None)
    assert await results_of(jobs, head) == ["answer 0"]
    assert await jobs.open_jobs(5) == []


async def test_a_job_that_is_gone_says_so(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of()
    jobs = batches(store, clock)
    assert await jobs.find(head.job) is None
    reply = await jobs.turn(head, TurnAsk(worker="a", want=1))
    assert (reply.status, reply.leases, reply.wait_seconds) == ("gone", (), None)
    assert await store.kv.run("KEYS", "*") == []


async def test_results_are_read_in_order_from_anywhere_whatever_their_size(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=60, concurrency=20)
    jobs = await made(store, clock, head)
    expected: dict[int, str] = {}
    leases = (await jobs.turn(head, TurnAsk(worker="a", want=20))).leases
    while leases:
        long = [Report(lease, str(lease.index) * (400_000 if lease.index == 15 else 9)) for lease in leases]
        expected |= {each.lease.index: each.result for each in long}
        leases = (await jobs.turn(head, TurnAsk(worker="a", reports=tuple(long), want=20))).leases
    assert await results_of(jobs, head) == [expected[n] for n in range(60)]
    assert await results_of(jobs, head, begin=58) == [expected[58], expected[59]]


async def test_many_long_results_go_up_in_several_calls(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=5, concurrency=5)
    jobs = await made(store, clock, head)
    leases = (await jobs.turn(head, TurnAsk(worker="a", want=5))).leases
    reports = tuple(Report(lease, '"' * 900_000) for lease in leases)
    reply = await jobs.turn(head, TurnAsk(worker="a", reports=reports))
    assert (reply.status, reply.done) == ("done", 5)


async def test_at_random_every_item_gets_one_result_and_no_living_lease_is_handed_out_twice(
    store: StoreUnderTest,
) -> None:
    """Workers that die, forget, report late and put back, in an order that only the seed knows."""
    chance = random.Random(20)
    clock, head = HandTurnedClock(), head_of(total=300, concurrency=6)
    jobs = await made(store, clock, head)
    hands: dict[str, dict[int, Lease]] = {}
    owners: dict[int, tuple[str, float]] = {}
    stored: dict[int, str] = {}
    for step in range(20_000):
        now, worker = clock.now(), chance.choice("abcd") + ("" if chance.random() < 0.9 else str(step))
        mine = hands.setdefault(worker, {})
        if chance.random() < 0.1:
            mine.clear()  # it died, and comes again under its old name
        reports = [ended(chance, lease, worker, now) for lease in list(mine.values()) if chance.random() < 0.4]
        for report in reports:
            mine.pop(report.lease.index)
            if report.again_at is None:
                stored.setdefault(report.lease.index, report.result)
        ask = TurnAsk(worker=worker, reports=tuple(reports), running=tuple(mine), want=chance.randrange(4))
        reply = await jobs.turn(head, ask)
        kept = {i: owner for i, owner in owners.items() if i not in stored and (owner[0] != worker or i in mine)}
        owners = {i: (worker, now + LEASE) if owner[0] == worker else owner for i, owner in kept.items()}
        for lease in reply.leases:
            assert lease.index not in stored
            assert owners.get(lease.index, ("", now))[1] <= now
            mine[lease.index] = lease
            owners[lease.index] = worker, now + LEASE
        assert reply.alive <= head.concurrency
        assert (reply.done, reply.cost_micro_usd) == (len(stored), 7 * len(stored))
        if reply.status == "done":
            break
        clock.turn(chance.random() * 8)
    assert await results_of(jobs, head) == [stored[n] for n in range(head.total)]


def ended(chance: random.Random, lease: Lease, worker: str, now: float) -> Report:
    if chance.random() < 0.2:
        return Report(lease.failed_again(), again_at=now + 3)
    return done(lease, worker)


async def test_up_to_where_all_results_are_there_is_known(store: StoreUnderTest) -> None:
    clock, head = HandTurnedClock(), head_of(total=9, concurrency=5)
    jobs = await made(store, clock, head)
    leases = (await jobs.turn(head, TurnAsk(worker="a", want=4))).leases
    await jobs.turn(head, TurnAsk(worker="a", reports=(done(leases[0]), done(leases[2])), running=(1, 3)))
    found = await jobs.find(head.job)
    assert found
    assert (found[1].first_open, found[1].leased, found[1].taken) == (1, 2, 4)
    await jobs.turn(head, TurnAsk(worker="a", reports=(done(leases[1]), done(leases[3]))))
    found = await jobs.find(head.job)
    assert found
    assert (found[1].first_open, found[1].leased) == (4, 0)
