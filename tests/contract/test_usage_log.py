"""The usage log on a store: every record counts exactly once in every view, whoever adds it up and whoever dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.ai.observability.log import BATCH, KEPT_WHILE_AWAY, READ_AT_ONCE, UsageLog
from lib.ai.observability.record import UsageRecord, encode
from lib.ai.observability.stats import Stats
from lib.ai.observability.totals import Totals, totals_of
from lib.contract import Json, JsonObject, Usage
from lib.errors import StoreError, StoreUnavailable
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Command, Reply
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore
from tests.support.ticks import next_tick

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
    return replace(record, **fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Interrupted(Exception):  # noqa: N818 - what happened to the function
    """The function was killed."""


@dataclass
class ShakyStore:
    """A store whose callers take turns at random, and may be killed before or after a command has run."""

    store: FakeStore
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    kill_at: int = -1
    after_running: bool = False
    before_writing: Callable[[], Awaitable[object]] | None = None
    commands: int = 0

    async def run(self, *command: str | int) -> Reply:
        (reply,) = await self.run_many([command])
        assert not isinstance(reply, StoreError)
        return reply

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        for _ in range(self.chance.randrange(4)):
            await next_tick()
        if commands[0][0] == "EVAL" and (hook := self.before_writing):
            self.before_writing = None
            await hook()
        self.commands += 1
        if self.commands == self.kill_at and not self.after_running:
            raise Interrupted
        replies = await self.store.run_many(commands)
        if self.commands == self.kill_at:
            raise Interrupted
        return replies


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
        return Stats(self.store, KEYS, UsageLog(self.store, KEYS), self.clock, MODELS)

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
        except Interrupted:
            pass
        else:
            assert kill_at > 6
        await site.log.roll_up("20260930", SHARD)
        assert figures(await site.stats().get_daily_stats()) == figures_of(site.expected())


async def test_who_loses_a_race_to_one_that_knew_fewer_records_adds_the_rest() -> None:
    site = Site()
    await site.push(5)

    async def another_that_read_earlier() -> None:
        early = UsageLog(ShakyStore(site.store, before_writing=lambda: site.push(5, first=5)), KEYS)
        assert await early.roll_up("20260930", SHARD) == 5

    shaky = ShakyStore(site.store)
    await site.push(5, first=10)
    shaky.before_writing = another_that_read_earlier
    site.written.clear()
    assert await UsageLog(shaky, KEYS).roll_up("20260930", SHARD) >= 0
    length = await site.store.run("LLEN", KEYS.log("20260930", SHARD))
    assert await site.store.run("GET", KEYS.cursor("20260930", SHARD)) == str(length)
