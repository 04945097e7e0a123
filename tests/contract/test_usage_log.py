"""The usage log on a store: every record counts exactly once in every view, whoever adds it up and whoever dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.ai.observability.log import BATCH, KEPT_WHILE_AWAY, READ_AT_ONCE, SENT_AT_ONCE, UsageLog
from lib.ai.observability.record import UsageRecord, encode
from lib.ai.observability.stats import Stats
from lib.ai.observability.totals import Totals, totals_of
from lib.answer import Usage
from lib.contract import Json, JsonObject
from lib.errors import StoreError, StoreUnavailable
from lib.kv.keys import Keys, day_of
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore
from tests.support.shaky_store import Killed, ShakyStore

KEYS: Final = Keys("t", "secret")
USERS: Final = ("u1", "u2", "u3", "u4", "u5")
MODELS: Final = ("openai/gpt-4o", "demo/echo")
DAY: Final = 86_400.0
MONTHS_END: Final = 1_790_812_770.0
"""2026-09-30 23:59:30 UTC."""


def made_up(number: int, at: float, user: str = "u1", **fields: object) -> UsageRecord:
    chance = random.Random(number)
    record = UsageRecord(
        request_id=f"r{number}",
        person=KEYS.person(user),
        tier="pro",
        at=at,
        kind=chance.choice(["call", "call", "error", "exact", "duplicate", "hangup"]),
        model=chance.choice(MODELS),
        usage=Usage(input_tokens=chance.randint(0, 9_000), output_tokens=chance.randint(0, 900)),
        cost_micro_usd=chance.randint(0, 10**6),
        saved_micro_usd=chance.randint(0, 10**6),
        latency_ms=chance.randint(1, 30_000),
        attempts=chance.randint(1, 4),
    )
    return replace(record, **fields)  # type: ignore[arg-type]


@dataclass
class Site:
    """A store with its log, and what it should add up to."""

    clock: HandTurnedClock = field(default_factory=lambda: HandTurnedClock(MONTHS_END))
    written: list[UsageRecord] = field(default_factory=list[UsageRecord])

    def __post_init__(self) -> None:
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.log = UsageLog(self.store, KEYS)

    async def write(self, *records: UsageRecord) -> None:
        for record in records:
            append = self.log.append(record)
            self.written += append.records
            await self.log.after_append(append, await self.store.run_many(append.commands))

    async def push(self, count: int, first: int = 0) -> None:
        """Records of one list, none of them added up."""
        records = [made_up(number, MONTHS_END) for number in range(first, first + count)]
        self.written += records
        key = KEYS.log("20260930", KEYS.shard(KEYS.person("u1")))
        await self.store.run("RPUSH", key, *(encode(record) for record in records))

    def stats(self) -> Stats:
        """As an instance sees it that has just started."""
        return Stats(self.store, KEYS, UsageLog(self.store, KEYS), self.clock, dict.fromkeys(MODELS))

    def expected(self, day: str = "") -> Totals:
        return sum((totals_of(record) for record in self.written if day in day_of(record.at)), Totals())


SHARD: Final = KEYS.shard(KEYS.person("u1"))


def figures(shown: Json) -> tuple[Json, ...]:
    assert isinstance(shown, dict)
    names = ("totalRequests", "inputTokens", "outputTokens", "totalCostMicroUsd", "savedCostMicroUsd", "errors")
    return (*(shown[name] for name in names), shown["duplicates"], shown["cacheHits"], shown["hangups"])


def figures_of(totals: Totals) -> tuple[Json, ...]:
    t = totals
    tokens = (t.requests, t.input_tokens, t.output_tokens)
    return (*tokens, t.cost_micro_usd, t.saved_micro_usd, t.errors, t.duplicates, t.exact_hits, t.hangups)


def total(shown: Sequence[tuple[Json, ...]]) -> tuple[Json, ...]:
    return tuple(sum(n for n in column if isinstance(n, int)) for column in zip(*shown, strict=True))


def by_model(shown: JsonObject) -> list[tuple[Json, ...]]:
    parts = shown["byModel"]
    assert isinstance(parts, dict)
    return [figures(part) for part in parts.values()]


@pytest.mark.parametrize("seed", range(8))
async def test_however_rollers_take_turns_each_record_is_added_once(seed: int) -> None:
    site, chance = Site(), random.Random(seed)
    await site.push(3 * READ_AT_ONCE // 2)
    rollers = [UsageLog(ShakyStore(site.store, chance), KEYS) for _ in range(4)]
    added = await asyncio.gather(*(roller.roll_up("20260930", SHARD) for roller in rollers))
    assert sum(added) == len(site.written)
    assert await site.log.roll_up("20260930", SHARD) == 0
    assert figures(await site.stats().get_daily_stats()) == figures_of(site.expected())


@pytest.mark.parametrize("after_running", [False, True])
async def test_wherever_a_roller_is_killed_the_next_one_adds_what_is_left(*, after_running: bool) -> None:
    for kill_at in range(1, 9):
        site = Site()
        await site.push(READ_AT_ONCE + 10)
        shaky = ShakyStore(site.store, kill_at=kill_at, after_running=after_running)
        try:
            await UsageLog(shaky, KEYS).roll_up("20260930", SHARD)
        except Killed:
            pass
        else:
            assert kill_at > 6
        await site.log.roll_up("20260930", SHARD)
        assert figures(await site.stats().get_daily_stats()) == figures_of(site.expected())


async def test_who_loses_a_race_to_one_that_knew_fewer_records_adds_the_rest() -> None:
    site, read, written = Site(), asyncio.Event(), asyncio.Event()
    await site.push(5)

    async def wait() -> None:
        read.set()
        await written.wait()

    async def others_come() -> None:
        await site.push(5, first=5)
        tasks.append(asyncio.create_task(later.roll_up("20260930", SHARD)))
        await read.wait()

    tasks: list[asyncio.Task[int]] = []
    later = UsageLog(ShakyStore(site.store, before_writing=wait), KEYS)
    early = UsageLog(ShakyStore(site.store, before_writing=others_come), KEYS)
    assert await early.roll_up("20260930", SHARD) == 5
    written.set()
    assert await tasks[0] == 5
    assert figures(await site.stats().get_daily_stats()) == figures_of(site.expected())


async def test_users_models_days_and_months_add_up_to_the_same_and_read_back() -> None:
    site, chance = Site(), random.Random(9)
    for number in range(400):
        at = MONTHS_END + chance.choice([-2 * DAY, -DAY, -100, 0, 29, 31, 3_000])
        model = chance.choice([*MODELS, ""])
        await site.write(made_up(number, at, chance.choice(USERS), model=model, count=1 + number % 3))
    site.clock.turn(3_600)
    stats = site.stats()
    users = [figures(await stats.get_user_usage(user)) for user in USERS]
    days = [await stats.get_daily_stats(day) for day in ("20260928", "20260929", "20260930", "20261001")]
    months = [await stats.get_monthly_stats(month) for month in ("202609", "202610")]
    expected = figures_of(site.expected())
    assert total(users) == total([figures(day) for day in days]) == total([figures(month) for month in months])
    assert total(users) == expected
    for shown in (*days, *months):
        assert total(by_model(shown)) == figures(shown)
    for shown in days:
        assert figures(shown) == figures_of(site.expected(str(shown["date"])))


async def test_the_append_that_fills_a_batch_adds_it_up_and_so_does_a_hit_the_script_booked() -> None:
    site, record = Site(), made_up(1, MONTHS_END)
    cursor = KEYS.cursor("20260930", SHARD)
    await site.write(*[record] * (BATCH - 1))
    assert await site.store.run("GET", cursor) is None
    await site.write(record)
    assert await site.store.run("GET", cursor) == str(BATCH)
    await site.push(BATCH)
    await site.log.after_hit(record, 2 * BATCH - 1)
    assert await site.store.run("GET", cursor) == str(BATCH)
    await site.log.after_hit(record, 2 * BATCH)
    assert await site.store.run("GET", cursor) == str(2 * BATCH)


async def test_a_record_that_comes_days_late_counts_where_it_belongs() -> None:
    site = Site(HandTurnedClock(MONTHS_END + 4 * DAY))
    stats = Stats(site.store, KEYS, site.log, site.clock, dict.fromkeys(MODELS))
    await site.write(made_up(1, MONTHS_END))
    for _ in range(2):
        await stats.get_monthly_stats("202609")
        await stats.get_monthly_stats("202610")
    await site.write(made_up(2, MONTHS_END), made_up(3, MONTHS_END + DAY))
    assert figures(await stats.get_monthly_stats("202609")) == figures_of(site.expected("202609"))
    assert figures(await stats.get_monthly_stats("202610")) == figures_of(site.expected("202610"))
    assert figures(await site.stats().get_daily_stats("20260930")) == figures_of(site.expected("20260930"))


async def test_a_day_read_to_its_end_is_not_asked_for_again() -> None:
    site = Site(HandTurnedClock(MONTHS_END + 10 * DAY))
    stats = Stats(site.store, KEYS, site.log, site.clock, dict.fromkeys(MODELS))
    server = site.store.commands
    await stats.get_monthly_stats()
    first = site.store.commands - server
    await stats.get_monthly_stats()
    assert site.store.commands - server - first < first / 3


async def test_a_line_that_is_no_record_is_passed_over() -> None:
    site = Site()
    key = KEYS.log("20260930", SHARD)
    await site.push(2)
    await site.store.run("RPUSH", key, "", "{", '{"k":7}')
    await site.push(1, first=2)
    assert figures(await site.stats().get_daily_stats()) == figures_of(site.expected())
    assert await site.store.run("GET", KEYS.cursor("20260930", SHARD)) == "6"


async def test_everything_that_is_written_has_a_lifetime_and_adding_up_does_not_renew_totals_without_end() -> None:
    site = Site()
    await site.write(*(made_up(number, MONTHS_END, user) for number, user in enumerate(USERS)))
    await site.stats().get_daily_stats()
    contents = await site.store.contents()
    assert all(isinstance(left, int) and left > 30 * 86_400_000 for _, left in contents.values())
    site.clock.turn(DAY)
    await site.write(made_up(9, MONTHS_END))
    await site.stats().get_daily_stats("20260930")
    totals = [left for name, (_, left) in (await site.store.contents()).items() if ":t2:" in name or ":tr:" in name]
    assert totals
    assert all(isinstance(left, int) and left <= 399 * 86_400_000 for left in totals)


async def test_records_wait_while_the_store_is_away_and_each_goes_out_once_when_it_is_back() -> None:
    site = Site()
    records = [made_up(number, MONTHS_END + number, USERS[number % 5]) for number in range(7)]
    site.store.away = True
    for waiting, record in enumerate(records[:-1], start=1):
        append = site.log.append(record)
        with pytest.raises(StoreUnavailable):
            await site.store.run_many(append.commands)
        site.log.keep(append.records)
        assert site.log.waiting == waiting
    site.store.away = False
    await site.write(records[-1])
    assert site.log.waiting == 0
    assert site.written == records
    shown = [figures(await site.stats().get_daily_stats(day)) for day in ("20260930", "20261001")]
    assert total(shown) == figures_of(site.expected())


async def test_of_a_long_outage_the_latest_records_are_kept_and_the_others_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = UsageLog(FakeStore(MemoryStore()), KEYS)
    records = [made_up(1, MONTHS_END, request_id=f"r{number}") for number in range(KEPT_WHILE_AWAY + 3)]
    log.keep(records)
    assert log.waiting == KEPT_WHILE_AWAY
    assert caplog.messages == [f"unbooked {encode(record)}" for record in records[:3]]
    assert log.append(records[0]).records == (*records[3 : 3 + SENT_AT_ONCE], records[0])


async def test_a_record_that_is_refused_alone_is_kept_and_the_others_are_not_sent_again() -> None:
    site = Site()
    mine, other = made_up(1, MONTHS_END), made_up(2, MONTHS_END, "u2")
    assert KEYS.shard(mine.person) != KEYS.shard(other.person)
    key = KEYS.log("20260930", KEYS.shard(other.person))
    await site.store.run("SET", key, "in the way")
    site.log.keep([other])
    append = site.log.append(mine)
    await site.log.after_append(append, await site.store.run_many(append.commands))
    assert site.log.waiting == 1
    await site.store.run("DEL", key)
    again = site.log.append(mine)
    assert again.records == (other, mine)
    await site.store.run_many(again.commands)
    assert await site.store.run("TTL", key) == 31 * 86_400


async def test_what_may_have_arrived_is_not_sent_again_but_its_list_gets_its_lifetime() -> None:
    site, record = Site(), made_up(1, MONTHS_END)
    append = site.log.append(record)
    site.log.doubt(append.records)  # the store executed nothing, but nobody knows
    again = site.log.append(record)
    assert again.records == (record,)
    await site.store.run_many(again.commands)
    assert await site.store.run("TTL", KEYS.log("20260930", SHARD)) == 31 * 86_400


async def test_a_users_latest_requests_are_shown_newest_first() -> None:
    site = Site()
    for number in range(30):
        await site.write(made_up(number, MONTHS_END + number, "u1" if number % 3 else "u2"))
    recent = (await site.stats().get_user_usage("u1"))["recentEvents"]
    assert isinstance(recent, list)
    shown = [event["requestId"] for event in recent if isinstance(event, dict)]
    assert shown == [f"r{number}" for number in reversed(range(30)) if number % 3][:20]


async def test_a_hit_that_was_taken_back_is_not_shown_beside_the_call_that_followed() -> None:
    site = Site()
    hit = made_up(1, MONTHS_END, kind="exact")
    await site.write(hit, replace(hit, kind="undone exact"), replace(hit, kind="call"))
    recent = (await site.stats().get_user_usage("u1"))["recentEvents"]
    assert isinstance(recent, list)
    assert [event["kind"] for event in recent if isinstance(event, dict)] == ["call"]


async def test_totals_that_cannot_be_read_are_a_store_error() -> None:
    site = Site()
    site.store.away = True
    with pytest.raises(StoreUnavailable):
        await site.stats().get_daily_stats()
    site.store.away = False
    await site.store.run("RPUSH", KEYS.view("all", "", "20260930"), "in the way")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        await site.stats().get_daily_stats()
