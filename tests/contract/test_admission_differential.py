"""The scripts on fakeredis and on a real Redis: the same replies and the same stored state after every step."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import pytest

from dev.kv import MemoryStore, RedisBridge
from lib.ai.health import HealthBoard
from lib.ai.observability.log import UsageLog
from lib.ai.observability.record import UsageRecord
from lib.ai.retry import BreakerPolicy
from lib.answer import Usage
from lib.errors import StoreError
from lib.kv.admission import (
    Admitted,
    Ask,
    Cached,
    Gate,
    InFlight,
    Settlement,
    SharedBudget,
    settle_command,
)
from lib.kv.keys import Keys, day_of
from lib.kv.lua import script
from lib.kv.rate_limit import Limit, Refusal
from lib.kv.replies import Command, Reply
from lib.tiers import Budget
from tests.support.fake_store import Content, FakeStore
from tests.support.skewed_clock import MillisecondClock

pytestmark = [pytest.mark.redis, pytest.mark.slow]

KEYS: Final = Keys("t", "secret")
PEOPLE: Final = (KEYS.person("u1"), KEYS.person("u2"))
START: Final = 1_790_812_770_000
"""30 s before October 2026 begins (UTC)."""
LONG: Final = 1_000_000_000
"""Lifetimes end in real time here, so nothing may end before the test does."""
LIMITS: Final = (
    Limit("free", 3, lockout_ms=300_000),
    Limit("expert", 4, lockout_ms=30_000),
    Limit("master", 1_000),
    Limit("hourly", 12, window_ms=3_600_000),
)
CLASSES: Final = ((), (Limit("o1", 2, calls_only=True),), (Limit("opus", 3, lockout_ms=500, calls_only=True),))
ADDRESS: Final = ((), (Limit("address", 20, by_address=True),))
TEXTS: Final = (
    '{"cost":1}\nanswer',
    '{"model":"m☃","cost":123456789012}\n{"a":"\\n|;,:"}',
    "{}\n",
    "{}\n" + "x" * 3_000,
)


class Twins:
    """Every command goes to both stores; what they answer and what they then hold has to be the same."""

    def __init__(self, fake: FakeStore, real: FakeStore) -> None:
        self._fake = fake
        self._real = real

    async def run(self, *command: str | int) -> Reply:
        (reply,) = await self.run_many([command])
        assert not isinstance(reply, StoreError), reply
        return reply

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        fake, real = await self._fake.run_many(commands), await self._real.run_many(commands)
        assert fake == real, commands
        assert values(await self._fake.contents()) == values(await self._real.contents()), commands
        return real


def values(contents: dict[str, Content]) -> dict[str, tuple[Reply, bool]]:
    """Contents, and whether each key has a lifetime: how much is left of it depends on the moment."""
    return {key: (value, isinstance(left, int) and left > 0) for key, (value, left) in contents.items()}


@pytest.fixture
async def twins(redis_url: str) -> AsyncGenerator[Twins]:
    bridge = RedisBridge.from_url(redis_url)
    await bridge.run([[b"FLUSHALL"], [b"SCRIPT", b"FLUSH"]])
    yield Twins(FakeStore(MemoryStore()), FakeStore(bridge))
    await bridge.aclose()


SHARED: Final = (
    (),
    (SharedBudget("key", "k1", Budget(10**13, 0)),),
    (SharedBudget("tier", "pro", Budget(0, 0, 10**10, 3 * 10**10)),),
    (SharedBudget("key", "k2", Budget(60_000, 0)), SharedBudget("deployment", "", Budget(10**13, 10**14))),
)


class Visitors:
    """Makes up requests and what becomes of them."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins = twins
        self.chance = random.Random(seed)
        self.clock = MillisecondClock(START)
        self.gate = Gate(twins, KEYS, self.clock)
        self.seen: Counter[str] = Counter()
        self.running: list[Ask] = []

    async def step(self, number: int) -> None:
        chance = self.chance
        self.clock.milliseconds += chance.choice([0, 0, chance.randint(1, 999), 1_000])
        if chance.random() < 0.03:
            self.clock.milliseconds += chance.choice([-5_000, -5_000, 5_000, 60_000, 300_000, 86_400_000])
        kind = chance.random()
        if kind < 0.8:
            await self.ask(f"request-{number}")
        elif kind < 0.95:
            await self.settle()
        else:
            await self.twins.run(*self.odd_job())

    async def ask(self, token: str) -> None:
        chance = self.chance
        duplicate, answer = chance.choice(["", "", "d1", "d2", "d3"]), chance.choice(["", "", "", "c1", "c2"])
        limits = (chance.choice(LIMITS), *chance.choice(CLASSES), *chance.choice(ADDRESS))
        ask = Ask(
            person=chance.choice(PEOPLE),
            token=token,
            address=chance.choice(["a1", "a2"]),
            limits=chance.choice([limits, limits, limits, ()]),
            answer_digest=answer,
            duplicate_digest=duplicate,
            body_digest=chance.choice([""] * 9 + ["b1"]) if duplicate else "",
            replay_finished=chance.random() < 0.8,
            lease_ms=chance.choice([LONG, LONG, 0]),
            hold_micro_usd=chance.choice([0, 1, 2_500, 2_500, 60_000_000_000]),
            hold_ms=chance.choice([4_000, 180_000]),
            need_micro_usd=chance.choice([None, None, 100]),
            hold_tokens=chance.choice([0, 90, 10**9]),
            need_tokens=chance.choice([0, 50]),
            budget=Budget(
                chance.choice([0, 0, 20_000, 10**13]),
                chance.choice([0, 0, 0, 100_000]),
                chance.choice([0, 0, 0, 2_000]),
                chance.choice([0, 0, 0, 10**10]),
            ),
            shared=chance.choice(SHARED),
            record=chance.choice(["", '{"id":"ü","k":']),
        )
        verdict, _ = await self.gate.admit(ask, [("GET", KEYS.answer("c1"))])
        self.seen[type(verdict).__name__] += 1
        match verdict:
            case Admitted():
                self.running.append(ask)
                self.seen["Lost"] += bool(verdict.lost_holds)
            case Refusal():
                self.seen["Locked"] += verdict.locked
            case Cached():
                self.seen["Duplicate"] += verdict.duplicate
            case InFlight() | _:
                pass

    async def settle(self) -> None:
        if not self.running:
            return
        ask = self.running.pop(self.chance.randrange(len(self.running)))
        cost = self.chance.choice([0, 1, ask.hold_micro_usd, 3 * ask.hold_micro_usd])
        tokens = self.chance.choice([0, ask.hold_tokens, 2 * ask.hold_tokens])
        settlement = Settlement(
            person=ask.person, token=ask.token, cost_micro_usd=cost, tokens=tokens, shared=ask.shared
        )
        settle = settle_command(KEYS, settlement, self.clock.now())
        await self.twins.run(*settle, *self.chance.choice([(), (), ("held",)]))

    def odd_job(self) -> Command:
        chance = self.chance
        digest, text = chance.choice(["d1", "d2", "d3"]), chance.choice(TEXTS)
        body = chance.choice(["", "", "", "b1"])
        return chance.choice(
            [
                ("SET", KEYS.duplicate(digest), f"D{body}\n{text}", "PX", LONG),
                ("SET", KEYS.duplicate(digest), f"E{body}\nerror", "PX", LONG),
                ("DEL", KEYS.duplicate(digest)),
                ("SET", KEYS.answer("c1"), text, "PX", LONG),
                ("DEL", KEYS.answer("c1")),
                ("DEL", *(KEYS.log(day_of(self.clock.now()), KEYS.shard(person)) for person in PEOPLE)),
            ]
        )


async def test_admissions_and_settlements(twins: Twins) -> None:
    visitors = Visitors(twins, seed=20_261_001)
    for number in range(2_200):
        await visitors.step(number)
    kinds = {"Admitted", "Cached", "Duplicate", "InFlight", "Refusal", "Locked", "OverBudget", "OtherBody", "Lost"}
    assert {kind for kind, times in visitors.seen.items() if times > 9} == kinds


async def test_a_master_tiers_whole_minute_of_admissions(twins: Twins) -> None:
    """A state of three windows with 61 buckets each, and counts of several digits."""
    clock, chance = MillisecondClock(START), random.Random(3)
    gate = Gate(twins, KEYS, clock)
    limits = (Limit("master", 1_000), Limit("o1", 1_000, calls_only=True), Limit("address", 1_500, by_address=True))
    refused = 0
    for number in range(1_020):
        verdict, _ = await gate.admit(Ask(person=PEOPLE[0], token=f"t{number}", address="a1", limits=limits))
        refused += isinstance(verdict, Refusal)
        clock.milliseconds += chance.randint(0, 110)
    assert refused == 20


async def test_simple_windows(twins: Twins) -> None:
    window, chance, now, denied = script("state", "window"), random.Random(4), START, 0
    for _ in range(1_000):
        now += chance.choice([0, chance.randint(0, 9_999), chance.randint(-5_000, 9_000)])
        rule = chance.choice([(20, 60_000, 90_000), (5, 60_000, 0), (5, 20_000, 30_000)])
        many = chance.choice([0, 1, 1, 1, 1, 2])
        allowed = await twins.run("EVAL", window, 1, f"t:w1:{rule[0]}", now, *rule, many)
        assert isinstance(allowed, list)
        denied += allowed[0] == 0
    assert 200 < denied < 800, denied


async def test_model_health(twins: Twins) -> None:
    board, chance, now = HealthBoard(KEYS, BreakerPolicy()), random.Random(5), START / 1000
    models = ["openai/gpt-4o", "anthropic/claude-opus"]
    for _ in range(1_500):
        now += chance.choice([0.0, 1.0, 16.0, chance.uniform(-5.0, 40.0)])
        model = chance.choice(models)
        for _ in range(chance.choice([1, 1, 4])):
            board.note(model, ok=chance.random() < 0.6, milliseconds=chance.choice([0, 120, 10**7]), now=now)
        if commands := board.report_commands(models, now):
            await twins.run_many(commands)


async def test_claims_given_up_lengthened_and_replaced(twins: Twins) -> None:
    release, chance, key = script("release"), random.Random(6), KEYS.duplicate("d1")
    replies: Counter[Reply] = Counter()
    for _ in range(500):
        claim = f"F{chance.choice(['', 'b1'])}\n{chance.choice(['t1', 't2'])}"
        if chance.random() < 0.5:
            await twins.run("SET", key, claim, "PX", LONG)
        end = chance.choice([(0,), (LONG,), (LONG, "E\nerror ☃")])
        replies[await twins.run("EVAL", release, 1, key, claim, *end)] += 1
    assert min(replies[0], replies[1]) > 50


async def test_totals(twins: Twins) -> None:
    chance = random.Random(7)
    log = UsageLog(twins, KEYS)
    days: set[tuple[str, int]] = set()
    for _ in range(16):
        records = [made_up(chance) for _ in range(chance.choice([1, 3, 40, 600]))]
        days |= {(day_of(record.at), KEYS.shard(record.person)) for record in records}
        await twins.run_many([command for record in records for command in log.append(record).commands])
        await log.roll_up(*chance.choice(sorted(days)))
    assert sum([await log.roll_up(*pair) for pair in sorted(days)]) > 0


def made_up(chance: random.Random) -> UsageRecord:
    return UsageRecord(
        request_id="r",
        person=chance.choice(PEOPLE),
        tier="pro",
        at=START / 1000 + chance.randint(-86_000, 60),
        kind=chance.choice(["call", "call", "error", "exact", "refused", "hangup"]),
        model=chance.choice(["openai/gpt-4o", "demo/echo", ""]),
        usage=Usage(input_tokens=chance.randint(0, 10**6), output_tokens=chance.randint(0, 10**5)),
        cost_micro_usd=chance.choice([0, 17, 10**10]),
        latency_ms=chance.choice([0, 1, 900, 10**7]),
        attempts=chance.randint(0, 4),
        count=chance.choice([1, 70]),
    )
