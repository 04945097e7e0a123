"""The write-back while the KV comes and goes: spending and events are booked once, rather late than never."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from dev.kv import MemoryStore
from lib.ai.away import Away, AwayRules
from lib.ai.booking import Booking, BookingRules, Bookkeepers
from lib.ai.health import HealthBoard
from lib.ai.observability.log import UsageLog
from lib.ai.retry import BreakerPolicy
from lib.ai.run import Run
from lib.contract import Caller, CallerKind, ChatRequest, Job
from lib.errors import UpstreamFailed
from lib.kv.admission import Admitted, Ask, Gate, OverBudget
from lib.kv.deduplication import Deduplication
from lib.kv.keys import Keys, day_of
from lib.tiers import Budget
from tests.support.clock import START, HandTurnedClock
from tests.support.fake_store import FakeStore

KEYS: Final = Keys("t", "secret")
PERSON: Final = KEYS.person("u1")
TODAY: Final = day_of(START)
BUDGET: Final = Budget(per_day=1_000)


@dataclass
class Site:
    """A store, and the part of an instance that books."""

    clock: HandTurnedClock = field(default_factory=HandTurnedClock)

    def __post_init__(self) -> None:
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.log = UsageLog(self.store, KEYS)
        self.gate = Gate(self.store, KEYS, self.clock)
        health = HealthBoard(KEYS, BreakerPolicy())
        dedup, away = Deduplication(self.store, KEYS, self.clock), Away(self.clock, AwayRules())
        keep = Bookkeepers(self.store, dedup, self.log, health, away)
        self.booking = Booking(keep, KEYS, self.clock, random.Random(1), BookingRules())

    async def begin(self, name: str, hold: int) -> Run:
        """A request that was let in."""
        ask = Ask(
            person=PERSON,
            token=name,
            hold_micro_usd=hold,
            hold_ms=60_000,
            budget=BUDGET,
            duplicate_digest=name,
            lease_ms=10_000,
        )
        verdict, _ = await self.gate.admit(ask)
        assert isinstance(verdict, Admitted)
        caller = Caller("u1", "pro", CallerKind.USER)
        job = Job(name, ChatRequest(model="gpt-4o", messages=()), caller, self.clock.now(), self.clock.now() + 60)
        run = Run(job, PERSON, self.clock.monotonic(), admitted=True, hold_micro_usd=hold)
        run.claim, run.duplicate_digest = verdict.claim, name
        return run

    async def end(self, run: Run, cost: int) -> None:
        """Its answer was cut after it had cost this much."""
        run.wasted_micro_usd = cost
        await self.booking.write_back(run)

    async def spent(self) -> int:
        """What the day has cost, holds included."""
        ask = Ask(person=PERSON, token="t", hold_micro_usd=10**9, hold_ms=1, budget=BUDGET)
        verdict, _ = await self.gate.admit(ask)
        assert isinstance(verdict, OverBudget)
        return verdict.taken

    async def booked(self) -> int:
        length = await self.store.run("LLEN", KEYS.log(TODAY, KEYS.shard(PERSON)))
        assert isinstance(length, int)
        return length


async def test_a_hold_is_exchanged_for_what_the_request_cost() -> None:
    site = Site()
    run = await site.begin("r1", 300)
    assert await site.spent() == 300
    await site.end(run, 70)
    assert (await site.spent(), await site.booked()) == (70, 1)


async def test_a_run_is_booked_once_however_often_it_is_settled() -> None:
    site = Site()
    run = await site.begin("r1", 300)
    for _ in range(3):
        await site.end(run, 70)
    assert (await site.spent(), await site.booked()) == (70, 1)


async def test_what_was_spent_and_what_happened_during_an_outage_is_booked_when_it_is_over() -> None:
    site = Site()
    runs = [await site.begin(f"r{number}", 100) for number in range(4)]
    site.store.away = True
    for run in runs[:3]:
        await site.end(run, 70)
    site.clock.turn(61.0)  # the holds have expired by now
    site.store.away = False
    assert (await site.spent(), await site.booked(), site.log.waiting) == (0, 0, 3)
    await site.end(runs[3], 70)
    assert (await site.spent(), await site.booked(), site.log.waiting) == (280, 4, 0)
    await site.end(await site.begin("r9", 0), 0)
    assert (await site.spent(), await site.booked()) == (280, 5)


async def test_totals_that_cannot_be_added_up_now_do_not_book_a_record_twice() -> None:
    site = Site()
    for number in range(63):
        await site.end(await site.begin(f"r{number}", 1), 1)
    run = await site.begin("r63", 1)
    await site.store.run("RPUSH", KEYS.model_day("-", TODAY), "in the way")
    await site.end(run, 1)
    assert (await site.booked(), site.log.waiting) == (64, 0)


async def test_an_originals_error_is_shown_to_its_duplicates_only_while_the_claim_is_its_own() -> None:
    site = Site()
    mine, lost = await site.begin("r1", 0), await site.begin("r2", 0)
    await site.store.run("SET", KEYS.duplicate("r2"), "F\nsomebody else", "PX", 9_000)
    for run in (mine, lost):
        run.error = UpstreamFailed("all failed", status=502)
        await site.end(run, 0)
    assert str(await site.store.run("GET", KEYS.duplicate("r1"))).startswith("E\n{")
    assert await site.store.run("GET", KEYS.duplicate("r2")) == "F\nsomebody else"
