"""Requests that were opened and never closed: each is booked as lost once, whoever sweeps and whoever dies."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from dev.kv import MemoryStore
from dev.reconcile.audit import Auditor
from lib.ai.observability.late import Latecomers
from lib.ai.observability.log import READ_AT_ONCE, UsageLog, logged_days
from lib.ai.observability.record import LOST, OPEN, UsageRecord, decode, encode, head_of, intent_of
from lib.ai.observability.stats import Stats
from lib.ai.observability.sweep import LISTS_AT_ONCE, OPEN_AT_MOST, SWEEP_EVERY, Sweep
from lib.answer import Usage
from lib.errors import StoreUnavailable
from lib.kv.admission import Admitted, Ask, Gate
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Reply
from lib.tiers import Budget
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore
from tests.support.shaky_store import Killed, ShakyStore

KEYS: Final = Keys("t", "secret")
MODEL: Final = "openai/gpt-4o"
BEFORE_MIDNIGHT: Final = 1_790_812_770.0
"""2026-09-30 23:59:30 UTC."""
NOON: Final = BEFORE_MIDNIGHT - 43_170
DAY: Final = 86_400.0


@dataclass
class Site:
    """A store and its log."""

    clock: HandTurnedClock = field(default_factory=lambda: HandTurnedClock(NOON))

    def __post_init__(self) -> None:
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.log = UsageLog(self.store, KEYS)

    def sweep(self) -> Sweep:
        return Sweep(self.store, KEYS, UsageLog(self.store, KEYS), self.clock)

    async def write(self, *records: UsageRecord) -> None:
        for record in records:
            await self.store.run("RPUSH", KEYS.log(day_of(record.at), KEYS.shard(record.person)), encode(record))

    def record(self, name: str, kind: str, user: str = "u1") -> UsageRecord:
        return UsageRecord(
            request_id=name,
            person=KEYS.person(user),
            tier="pro",
            at=self.clock.now(),
            kind=kind,
            model=MODEL,
            usage=Usage(input_tokens=7, estimated=kind == OPEN),
            cost_micro_usd=40,
        )

    async def open(self, name: str, user: str = "u1") -> None:
        await self.write(self.record(name, OPEN, user))

    async def close(self, name: str, user: str = "u1", kind: str = "call") -> None:
        await self.write(self.record(name, kind, user))

    async def booked(self, kind: str = LOST) -> list[str]:
        """Ids of the records of a kind, in all lists."""
        contents = await self.store.contents()
        lines = [str(line) for name, (value, _) in contents.items() if ":ev:" in name for line in _listed(value)]
        records = [record for line in lines if (record := decode(line))]
        return sorted(record.request_id for record in records if record.kind == kind)

    async def differences(self) -> list[str]:
        auditor = Auditor(self.store, KEYS, UsageLog(self.store, KEYS), self.clock)
        return (await auditor.read()).differences()


def _listed(value: Reply) -> list[Reply]:
    assert isinstance(value, list)
    return value


async def test_a_request_that_nobody_closes_costs_what_was_estimated_and_counts_as_an_error() -> None:
    site = Site()
    await site.open("r1")
    site.clock.turn(OPEN_AT_MOST)
    assert [record.request_id for record in await site.sweep().run()] == ["r1"]
    assert await site.sweep().run() == []
    stats = Stats(site.store, KEYS, UsageLog(site.store, KEYS), site.clock, {MODEL: None})
    shown = await stats.get_daily_stats()
    names = ("totalRequests", "errors", "totalCostMicroUsd", "inputTokens")
    assert [shown[name] for name in names] == [1, 1, 40, 7]
    events = (await stats.get_user_usage("u1"))["recentEvents"]
    assert isinstance(events, list)
    assert [(event["kind"], event["estimated"]) for event in events if isinstance(event, dict)] == [("lost", True)]
    assert await site.differences() == []


@pytest.mark.parametrize("kind", ["call", "error", "hangup", "duplicate"])
async def test_a_request_that_is_closed_in_any_way_is_not_lost(kind: str) -> None:
    site = Site()
    await site.open("r1")
    site.clock.turn(OPEN_AT_MOST - 1)
    assert await site.sweep().run() == []
    await site.close("r1", kind=kind)
    site.clock.turn(DAY)
    assert await site.sweep().run() == []


async def test_a_request_that_a_slow_store_opens_after_it_was_closed_is_not_lost() -> None:
    site = Site()
    await site.close("r1")
    await site.sweep().run()
    await site.open("r1")
    site.clock.turn(OPEN_AT_MOST)
    assert await site.sweep().run() == []


async def test_a_request_that_runs_over_midnight_is_closed_in_the_list_of_the_next_day() -> None:
    site = Site(HandTurnedClock(BEFORE_MIDNIGHT))
    await site.open("r1")
    await site.open("r2")
    await site.sweep().run()
    site.clock.turn(60)
    await site.close("r1")
    site.clock.turn(OPEN_AT_MOST)
    (lost,) = await site.sweep().run()
    assert (lost.request_id, day_of(lost.at)) == ("r2", "20260930")
    assert await site.differences() == []


async def test_records_of_days_that_nobody_has_swept_are_found() -> None:
    site = Site()
    for number in range(5):
        await site.open(f"r{number}", f"u{number}")
        site.clock.turn(3 * DAY)
    assert len(await site.sweep().run()) == 5
    assert await site.booked() == [f"r{number}" for number in range(5)]


@pytest.mark.parametrize("seed", range(8))
async def test_however_sweepers_take_turns_each_lost_request_is_booked_once(seed: int) -> None:
    site, chance = Site(), random.Random(seed)
    for number in range(60):
        await site.open(f"r{number}", f"u{number % 7}")
        if chance.random() < 0.5:
            await site.close(f"r{number}", f"u{number % 7}")
    site.clock.turn(OPEN_AT_MOST)
    stores = [ShakyStore(site.store, random.Random(seed * 10 + i)) for i in range(4)]
    sweeps = [Sweep(store, KEYS, UsageLog(store, KEYS), site.clock) for store in stores]
    booked = await asyncio.gather(*(sweep.run() for sweep in sweeps))
    names = sorted(record.request_id for records in booked for record in records)
    left = await site.sweep().run()  # whoever loses the race leaves the rest to the next sweep
    assert await site.booked() == sorted([*names, *(record.request_id for record in left)])
    assert len(await site.booked()) == len(set(await site.booked())) == 60 - len(await site.booked("call"))
    assert await site.differences() == []


@pytest.mark.parametrize("after_running", [False, True])
async def test_wherever_a_sweeper_is_killed_the_next_one_books_what_is_left(*, after_running: bool) -> None:
    for kill_at in range(1, 60):
        site = Site()
        for number in range(6):
            await site.open(f"r{number}", f"u{number}")
        site.clock.turn(OPEN_AT_MOST)
        shaky = ShakyStore(site.store, random.Random(kill_at), kill_at, after_running)
        with pytest.raises(Killed):
            await Sweep(shaky, KEYS, UsageLog(shaky, KEYS), site.clock).run()
        await site.sweep().run()
        assert await site.booked() == [f"r{number}" for number in range(6)]
        assert await site.differences() == []


@pytest.mark.parametrize("seed", range(12))
async def test_over_days_of_traffic_exactly_what_was_never_closed_is_lost(seed: int) -> None:
    site, chance = Site(HandTurnedClock(BEFORE_MIDNIGHT - 3_000)), random.Random(seed)
    running: dict[str, str] = {}
    forgotten: set[str] = set()
    for number in range(300):
        name, user = f"r{number}", f"u{number % 5}"
        await site.open(name, user)
        if chance.random() < 0.1:
            forgotten.add(name)
        else:
            running[name] = user
        while len(running) > 10:
            await _close_one(site, running, chance)
        site.clock.turn(chance.choice([1, 20, 60, 1_000 if chance.random() < 0.02 else 5]))
        if chance.random() < 0.1:
            await _close_all(site, running)
            await site.sweep().run(chance.choice([1, None]))
    await _close_all(site, running)
    site.clock.turn(OPEN_AT_MOST)
    await site.sweep().run()
    assert await site.booked() == sorted(forgotten)
    assert await site.differences() == []


async def _close_one(site: Site, running: dict[str, str], chance: random.Random) -> None:
    name = chance.choice(sorted(running))
    await site.close(name, running.pop(name))


async def _close_all(site: Site, running: dict[str, str]) -> None:
    while running:
        name, user = running.popitem()
        await site.close(name, user)


async def test_a_sweep_on_the_way_reads_a_bounded_part_and_goes_on_the_next_time() -> None:
    site, sweep = Site(), None
    for number in range(3 * LISTS_AT_ONCE * READ_AT_ONCE // 2):
        await site.open(f"r{number}")
    site.clock.turn(OPEN_AT_MOST)
    sweep = site.sweep()
    await sweep.when_due()
    first = len(await site.booked())
    await sweep.when_due()
    assert len(await site.booked()) == first
    site.clock.turn(SWEEP_EVERY)
    await sweep.when_due()
    site.clock.turn(SWEEP_EVERY)
    await sweep.when_due()
    assert first < len(await site.booked()) == 3 * LISTS_AT_ONCE * READ_AT_ONCE // 2


async def test_a_sweep_on_the_way_does_not_fail_with_the_store_but_one_that_was_asked_for_does() -> None:
    site = Site()
    site.store.away = True
    await site.sweep().when_due()
    with pytest.raises(StoreUnavailable):
        await site.sweep().run()


async def test_admission_opens_a_request_without_a_hold_and_reopens_one_whose_hold_has_expired() -> None:
    site = Site()
    gate, record = Gate(site.store, KEYS, site.clock), site.record("r1", OPEN)
    ask = Ask(person=record.person, token="r1", record=head_of(record), intent=intent_of(record))
    held = replace(ask, token="r2", hold_micro_usd=90, hold_ms=60_000, budget=Budget(1_000))
    for each in (ask, held):
        verdict, _ = await gate.admit(each)
        assert isinstance(verdict, Admitted)
    assert await site.booked(OPEN) == ["r1"]
    site.clock.turn(61)
    await gate.admit(replace(held, token="r3"))
    assert await site.booked(OPEN) == ["r1", "r2"]
    await site.close("r1")
    site.clock.turn(OPEN_AT_MOST)
    (lost,) = await site.sweep().run()
    assert (lost.request_id, lost.person, lost.tier, lost.cost_micro_usd) == ("r2", record.person, "pro", 90)


async def test_a_record_that_comes_after_it_was_given_up_takes_the_loss_back_once() -> None:
    site = Site()
    await site.open("r1")
    late = site.record("r1", "call")
    site.clock.turn(OPEN_AT_MOST)
    await site.sweep().run()
    days = logged_days(site.clock.now())
    importers = [Latecomers(ShakyStore(site.store, random.Random(seed)), KEYS) for seed in range(4)]
    brought = await asyncio.gather(*(one.bring_in([late, late], days) for one in importers))
    assert sum(map(len, brought)) == 1
    found = await asyncio.gather(*(one.take_back(days) for one in importers))
    assert sum(map(len, found)) == 1
    assert await importers[0].take_back(days) == []
    stats = Stats(site.store, KEYS, UsageLog(site.store, KEYS), site.clock, {MODEL: None})
    shown = await stats.get_user_usage("u1")
    assert [shown[name] for name in ("totalRequests", "errors", "totalCostMicroUsd")] == [1, 0, 40]
    assert await site.differences() == []


async def test_what_the_log_has_is_not_imported_nor_what_it_no_longer_keeps() -> None:
    site = Site()
    await site.close("r1")
    known, old = site.record("r1", "call"), replace(site.record("r2", "call"), at=site.clock.now() - 40 * DAY)
    assert await Latecomers(site.store, KEYS).bring_in([known, old], logged_days(site.clock.now())) == []
    assert await site.booked("call") == ["r1"]


async def test_a_total_that_is_not_that_of_its_records_is_named() -> None:
    site = Site()
    await site.close("r1")
    assert await site.differences() == []
    view = KEYS.user_month(KEYS.person("u1"), "202609")
    await site.store.run("BITFIELD", view, "INCRBY", "u48", "#3", 5)
    found = await site.differences()
    assert found == [
        f"{view}: cost_micro_usd is 45, the records say 40",
        (
            "sums of cost_micro_usd differ: all days 40, all months 40, model days 40, model months 40, "
            "task days 40, task months 40, tier days 40, tier months 40, user months 45"
        ),
    ]
