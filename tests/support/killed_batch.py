"""A durable job worked off by processes of which one after the other is killed, and what that cost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from dev.kv import Backend
from dev.reconcile.command import reconcile
from lib.clock import SystemClock
from lib.contract import Json, JsonObject
from lib.kv.cache import idempotency_digest
from lib.messages import last_user_text
from lib.transport import HttpRequest, Timeouts
from tests.scripted.provider import ScriptedProvider
from tests.scripted.sayings import echo
from tests.scripted.steps import Act, Received, Reply
from tests.support.batches import PATH, question
from tests.support.processes import Running, Site, site
from tests.support.shifted_clock import ShiftedClock

USER: Final = "u1"
LATER: Final = 2_000.0
"""Seconds after which what killed functions left open is overdue, also when midnight lies between."""
CONCURRENCY: Final = 20


def slow_echo(request: Received) -> Reply:
    """Thinks for as long as it takes to be killed over."""
    return replace(echo(request), before=(Act.HOLD,), hold_seconds=0.05)


@dataclass
class Killed:
    """A moment at which one or all processes died."""

    asked: Counter[int]
    """Provider calls by item until then."""
    bought: frozenset[int]
    """Items whose answer had been published, or recorded, by then."""

    @property
    def in_flight(self) -> set[int]:
        """Items asked for, by whichever process, whose answer was not in the store."""
        return set(self.asked) - self.bought


@dataclass
class Account:
    """A job that is done."""

    job: JsonObject
    results: list[JsonObject]
    asked: Counter[int]
    kills: list[Killed] = field(default_factory=list[Killed])
    polls: int = 0
    lost: int = 0
    """Calls of killed functions that the books had to be told of."""
    differences: list[str] = field(default_factory=list[str])

    @property
    def repeated(self) -> dict[int, int]:
        """Items asked for more than once, and how often more."""
        return {item: times - 1 for item, times in self.asked.items() if times > 1}

    def bought_again(self) -> set[int]:
        """Items that were asked for again although their answer was in the store: there must be none."""
        return {i for kill in self.kills for i in kill.bought if self.asked[i] > kill.asked[i]}

    def beyond_kills(self) -> set[int]:
        """Items asked for more often than functions died over them: there must be none."""
        return {i for i, more in self.repeated.items() if more > sum(i in kill.in_flight for kill in self.kills)}


@asynccontextmanager
async def batch_site(backend: Backend) -> AsyncGenerator[Site]:
    """A store, a provider that takes a moment, no limits in the way."""
    async with site(
        backend,
        ScriptedProvider(clock=SystemClock(), otherwise=slow_echo),
        BATCH_LEASE_SECONDS="3",
        DEDUP_LEASE_SECONDS="3",
        TIER_LIMITS="pro=1000000/0",
    ) as place:
        yield place


async def killed_batch(place: Site, *, items: int, kills: int, workers: int, seed: int = 1) -> Account:
    """Post a job, have it worked off by `workers` processes, kill some `kills` times, close the books."""
    run = _Run(place, random.Random(seed), items)
    run.alive += await asyncio.gather(*(place.process(function="batch") for _ in range(workers)))
    await run.post()
    for number in range(kills):
        await run.until_asked(round(items * (number + 1) / (kills + 1)))
        await run.kill(number)
    await run.until_asked(None)
    return await run.account()


class _Run:
    """The job while it runs."""

    def __init__(self, place: Site, chance: random.Random, items: int) -> None:
        self.alive: list[Running] = []
        self._place = place
        self._chance = chance
        self._items = items
        self._job = ""
        self._kills: list[Killed] = []
        self._polls = 0
        self._instance = place.instance()

    async def post(self) -> None:
        requests: list[Json] = [question(n) for n in range(self._items)]
        document: JsonObject = {"requests": requests, "mode": "durable", "concurrency": CONCURRENCY}
        self._job = str(_object(await self._call(self._chance.choice(self.alive), "POST", PATH, document))["id"])

    async def until_asked(self, calls: int | None) -> None:
        """Poll every process in turn until the provider has had so many calls (None: until the job is done)."""
        status = ""
        while status != "completed" and (calls is None or len(self._place.provider.requests) < calls):
            for process in self.alive:
                status = str(_object(await self._call(process, "GET", f"{PATH}/{self._job}"))["status"])
                self._polls += 1

    async def kill(self, number: int) -> None:
        """One process, by turns all of them: then nobody is left who might take over."""
        doomed = [self._chance.choice(self.alive)] if number % 2 else list(self.alive)
        for process in doomed:
            self.alive.remove(process)
            await process.kill()
        if not self.alive:
            await self._place.provider.until(lambda p: p.in_flight == 0)
        self._kills.append(Killed(self._asked(), await self._bought()))
        started = await asyncio.gather(*(self._place.process(function="batch") for _ in doomed))
        self.alive += started

    async def account(self) -> Account:
        text = await self._call(self.alive[0], "GET", f"{PATH}/{self._job}/results")
        job = _object(await self._call(self.alive[0], "GET", f"{PATH}/{self._job}"))
        for process in self.alive:
            await process.kill()
        later = self._place.instance(ShiftedClock(LATER))
        said = await reconcile(later.gateway)
        return Account(
            job=job,
            results=[_object(line) for line in text.splitlines()],
            asked=self._asked(),
            kills=self._kills,
            polls=self._polls,
            lost=sum(line.startswith("lost") for line in said),
            differences=[line for line in said if line.startswith("differs")],
        )

    def _asked(self) -> Counter[int]:
        prompts = (last_user_text(_messages(request)) for request in self._place.provider.requests)
        return Counter(int(prompt.removeprefix("Question ")) for prompt in prompts)

    async def _bought(self) -> frozenset[int]:
        gateway = self._instance.gateway
        keys, person = gateway.keys, gateway.keys.person(USER)
        names = [keys.duplicate(idempotency_digest(person, f"{self._job} {i}")) for i in range(self._items)]
        names += [keys.batch_result(self._job, i) for i in range(self._items)]
        values = await gateway.store.run("MGET", *names)
        assert isinstance(values, list)
        there = [isinstance(value, str) and value[:1] in "D{" for value in values]
        return frozenset(i for i in range(self._items) if there[i] or there[self._items + i])

    async def _call(self, process: Running, method: str, path: str, document: JsonObject | None = None) -> bytes:
        headers = process.request().headers
        body = orjson.dumps(document) if document else b""
        request = HttpRequest(method, process.url + path, headers, body, Timeouts(total=60.0))
        async with process.transport.send(request) as response:
            content = await response.read(1 << 26)
            assert response.status < 300, content
            return content


def _messages(request: Received) -> list[JsonObject]:
    messages = request.body.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


def _object(text: bytes) -> JsonObject:
    document: Json = orjson.loads(text)
    assert isinstance(document, dict)
    return document
