"""One of many identical requests runs; the others wait for what it publishes, or take over when it dies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.errors import StoreError, StoreUnavailable
from lib.kv.admission import Admitted, Ask, Gate, InFlight, Verdict
from lib.kv.deduplication import (
    ERROR_SHOWN_MS,
    FIRST_LOOK_SECONDS,
    LAST_LOOK_SECONDS,
    Deduplication,
    Failed,
    Freed,
    Outcome,
    Published,
    TimedOut,
)
from lib.kv.keys import Keys
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore
from tests.support.ticks import next_tick

KEYS: Final = Keys("t", "secret")
DIGEST: Final = "d1"
LEASE: Final = 10_000
ENTRY: Final = "{}\nanswer"


@dataclass
class Site:
    """A store, and an instance of the product."""

    clock: HandTurnedClock = field(default_factory=HandTurnedClock)

    def __post_init__(self) -> None:
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.dedup = Deduplication(self.store, KEYS, self.clock)
        self.gate = Gate(self.store, KEYS, self.clock)

    async def ask(self, token: str, body: str = "") -> Verdict:
        ask = Ask(person=KEYS.person("u1"), token=token, duplicate_digest=DIGEST, body_digest=body, lease_ms=LEASE)
        return (await self.gate.admit(ask))[0]

    async def claim(self, token: str = "t1", body: str = "") -> str:
        verdict = await self.ask(token, body)
        assert isinstance(verdict, Admitted)
        return verdict.claim

    def wait_for(self, claim: str, seconds: float = 60.0) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.dedup.follow(DIGEST, claim, self.clock.now() + seconds))

    async def turn(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass in small steps, so that whoever looks now and then looks as often as in real time."""
        await next_tick()
        for _ in range(round(seconds / step)):
            self.clock.turn(step)
            await next_tick()


def outcome(task: asyncio.Task[Outcome]) -> Outcome:
    assert task.done(), "it still waits"
    return task.result()


@pytest.fixture
def site() -> Site:
    return Site()


async def test_a_duplicate_waits_and_is_given_what_the_original_publishes(site: Site) -> None:
    claim = await site.claim()
    assert await site.ask("t2") == InFlight(claim, None)
    waiting = site.wait_for(claim)
    await site.turn(3.0)
    assert not waiting.done()
    await site.store.run(*site.dedup.publish(DIGEST, "", ENTRY, 5_000))
    await site.turn(LAST_LOOK_SECONDS + 0.1)
    assert outcome(waiting) == Published(ENTRY)


async def test_a_duplicate_is_told_the_originals_error_and_a_new_request_tries_anew(site: Site) -> None:
    claim = await site.claim()
    waiting = site.wait_for(claim)
    assert await site.store.run(*site.dedup.publish_error(DIGEST, claim, '{"status":502}')) == 1
    assert isinstance(await site.ask("t3"), Admitted)
    await site.turn(LAST_LOOK_SECONDS + 0.1)
    assert outcome(waiting) == Freed()


async def test_an_error_is_shown_for_two_seconds_and_then_gone(site: Site) -> None:
    claim = await site.claim(body="b1")
    await site.store.run(*site.dedup.publish_error(DIGEST, claim, "error"))
    waiting = site.wait_for(claim)
    await site.turn(2 * FIRST_LOOK_SECONDS)
    assert outcome(waiting) == Failed("error")
    late = site.wait_for(claim)
    await next_tick()
    site.clock.turn(ERROR_SHOWN_MS / 1000)
    await next_tick()
    assert outcome(late) == Freed()


async def test_a_duplicate_of_an_original_that_gives_up_is_free_to_run(site: Site) -> None:
    claim = await site.claim()
    waiting = site.wait_for(claim)
    assert await site.store.run(*site.dedup.release(DIGEST, claim)) == 1
    await site.turn(2 * FIRST_LOOK_SECONDS)
    assert outcome(waiting) == Freed()
    assert isinstance(await site.ask("t2"), Admitted)


async def test_when_the_original_dies_one_duplicate_takes_over_with_the_end_of_the_lease(site: Site) -> None:
    claim = await site.claim()
    waiting = [site.wait_for(claim) for _ in range(3)]
    await site.turn(LEASE / 1000 - 0.1)
    assert not any(task.done() for task in waiting)
    await site.turn(0.2 + LAST_LOOK_SECONDS)
    assert [outcome(task) for task in waiting] == [Freed()] * 3
    verdicts = [await site.ask(f"t{n}") for n in (2, 3, 4)]
    assert verdicts == [Admitted("F\nt2", None), InFlight("F\nt2", None), InFlight("F\nt2", None)]


async def test_a_lease_that_is_lengthened_outlives_its_first_term(site: Site) -> None:
    claim = await site.claim()
    for _ in range(6):
        site.clock.turn(LEASE / 3000)
        assert await site.dedup.lengthen(DIGEST, claim, LEASE)
    assert await site.ask("t2") == InFlight(claim, None)
    site.clock.turn(LEASE / 1000 + 0.1)
    assert not await site.dedup.lengthen(DIGEST, claim, LEASE)
    assert isinstance(await site.ask("t2"), Admitted)


async def test_who_has_lost_a_claim_can_neither_lengthen_nor_release_nor_end_the_new_ones_with_an_error(
    site: Site,
) -> None:
    old = await site.claim("t1")
    site.clock.turn(LEASE / 1000 + 1)
    new = await site.claim("t2")
    assert not await site.dedup.lengthen(DIGEST, old, LEASE * 9)
    assert await site.store.run(*site.dedup.release(DIGEST, old)) == 0
    assert await site.store.run(*site.dedup.publish_error(DIGEST, old, "error")) == 0
    assert await site.ask("t3") == InFlight(new, None)
    site.clock.turn(LEASE / 1000 + 1)
    assert isinstance(await site.ask("t4"), Admitted)


async def test_a_published_answer_is_replaced_by_nobodys_error(site: Site) -> None:
    claim = await site.claim()
    await site.store.run(*site.dedup.publish(DIGEST, "", ENTRY, 5_000))
    assert await site.store.run(*site.dedup.publish_error(DIGEST, claim, "error")) == 0
    assert await site.store.run(*site.dedup.release(DIGEST, claim)) == 0
    assert await site.store.run("GET", KEYS.duplicate(DIGEST)) == f"D\n{ENTRY}"


async def test_a_published_answer_is_there_for_its_window_and_no_longer(site: Site) -> None:
    await site.claim()
    await site.store.run(*site.dedup.publish(DIGEST, "", ENTRY, 5_000))
    site.clock.turn(4.9)
    assert await site.store.run("EXISTS", KEYS.duplicate(DIGEST)) == 1
    site.clock.turn(0.2)
    assert isinstance(await site.ask("t2"), Admitted)


async def test_an_answer_or_error_to_another_body_is_not_the_waiting_requests(site: Site) -> None:
    claim = await site.claim(body="b1")
    for record in ("Db2\nother", "Eb2\nother", "Fb2\nt9"):
        await site.store.run("SET", KEYS.duplicate(DIGEST), record, "PX", LEASE)
        waiting = site.wait_for(claim)
        await site.turn(2 * FIRST_LOOK_SECONDS)
        assert outcome(waiting) == Freed()


async def test_a_waiting_request_stops_at_its_own_deadline(site: Site) -> None:
    claim = await site.claim()
    waiting = site.wait_for(claim, seconds=2.0)
    await site.turn(1.95)
    assert not waiting.done()
    await site.turn(0.1)
    assert outcome(waiting) == TimedOut()


async def test_looks_are_soon_at_first_and_twice_a_second_in_the_end() -> None:
    site = Site(HandTurnedClock(turns=1.0))
    assert await site.dedup.follow(DIGEST, "none", site.clock.now() + 5) == Freed()
    claim = await site.claim()
    site.clock.slept.clear()
    assert await site.dedup.follow(DIGEST, claim, site.clock.now() + 5.0) == TimedOut()
    slept = site.clock.slept
    assert slept[0] == FIRST_LOOK_SECONDS
    assert slept[:-1] == sorted(slept[:-1])
    assert max(slept) == LAST_LOOK_SECONDS
    assert len(slept) < 18


async def test_a_store_that_goes_away_is_told_of_and_not_waited_for(site: Site) -> None:
    claim = await site.claim()
    waiting = site.wait_for(claim)
    site.store.away = True
    await site.turn(2 * FIRST_LOOK_SECONDS)
    with pytest.raises(StoreUnavailable):
        outcome(waiting)
    with pytest.raises(StoreError):
        await site.dedup.lengthen(DIGEST, claim, LEASE)
