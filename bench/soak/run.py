"""One run: load under weather, then quiet, then everything that was seen, for the checks."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from bench.soak import judge
from bench.soak.deployment import Deployment
from bench.soak.exchange import Outcome, exchange
from bench.soak.instance import TASKS
from bench.soak.ledger import ProviderCall
from bench.soak.traffic import Order, Traffic
from bench.soak.weather import Weather
from lib.contract import Json

KEPT_HEADERS: Final = ("x-ai-model", "x-cache", "x-ai-degraded", "retry-after", "x-request-id")
LAST_ORDERS: Final = 8
"""Per instance, in the quiet: they carry home what was kept for want of a store."""
FIRST_QUIET: Final = 0.3
"""Share of the quiet before those; what follows outlasts the minute for which connections are kept."""
QUEUE_LIMIT: Final = 400
"""Requests under way beyond which no more are sent: the machine, not the product, would be measured."""


@dataclass(frozen=True, slots=True)
class Length:
    """Of a run, in seconds, and its load in requests per second."""

    load: float
    quiet: float
    rate: float


@dataclass
class Run:
    """What the driver saw."""

    site: Deployment
    weather: Weather
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    violations: list[str] = field(default_factory=list[str])
    idle: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Tasks before and after the load, by instance."""
    idle_files: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    peak: int = 0
    """Requests under way at most."""


async def driven(site: Deployment, length: Length, seed: int) -> Run:
    """The whole run."""
    run = Run(site, Weather(site, random.Random(seed + 1)))
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        before = await _idle(run, session)
        traffic = Traffic(seed, random.Random(seed))
        async with _weather(run, length):
            await _load(run, session, traffic, length)
        run.weather.stale_reads = await site.stale_reads()
        await asyncio.sleep(length.quiet * FIRST_QUIET)
        for _ in range(LAST_ORDERS):
            for instance in range(len(site.instances)):
                await _one(run, session, traffic.plain(instance))
        await asyncio.sleep(length.quiet * (1 - FIRST_QUIET))
        after = await _idle(run, session)
    for name, (tasks, files) in before.items():
        run.idle[name] = tasks, after[name][0]
        run.idle_files[name] = files, after[name][1]
    return run


@asynccontextmanager
async def _weather(run: Run, length: Length) -> AsyncGenerator[None]:
    weather = run.weather
    tasks = [
        asyncio.create_task(weather.of_the_store()),
        asyncio.create_task(weather.of_the_replica()),
        asyncio.create_task(weather.of_the_provider()),
        asyncio.create_task(weather.of_the_instances(length.load)),
        asyncio.create_task(weather.watch()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                run.violations.append(f"the soak's own weather failed: {error!r}")
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _load(run: Run, session: aiohttp.ClientSession, traffic: Traffic, length: Length) -> None:
    under_way: set[asyncio.Task[None]] = set()
    started, pace = time.monotonic(), random.Random(length.rate)
    told = 0
    while (elapsed := time.monotonic() - started) < length.load:
        orders = traffic.next(elapsed)
        for order in orders if len(under_way) < QUEUE_LIMIT else ():
            task = asyncio.create_task(_one(run, session, order))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        run.peak = max(run.peak, len(under_way))
        if elapsed // 60 > told:
            told = int(elapsed // 60)
            print(f"{told} min: {len(run.outcomes)} requests, {len(run.violations)} violations so far", flush=True)
        await asyncio.sleep(len(orders) * pace.expovariate(length.rate))
    while under_way:
        await asyncio.wait(under_way)


async def _one(run: Run, session: aiohttp.ClientSession, order: Order) -> None:
    outcome = await exchange(session, run.site.urls[order.instance], order)
    outcome.headers = {name: outcome.headers[name] for name in KEPT_HEADERS if name in outcome.headers}
    run.outcomes.append(outcome)
    killed = any(
        span.instance == order.instance and span.touches(outcome.sent_at, outcome.ended_at)
        for span in run.weather.kills
    )
    if outcome.broke and (killed or _dead(run, order)):
        return
    for fault in judge.faults_of(outcome):
        where = f"{order.tag} ({order.kind}, {order.form}, {order.model}, instance {order.instance})"
        run.violations.append(f"{where}: {fault}")
        print(f"{time.time():.1f} {run.violations[-1]} {outcome.headers.get('x-request-id', '')}", flush=True)


def _dead(run: Run, order: Order) -> bool:
    """Whether the instance has just been killed."""
    process = run.site.instances[order.instance].process
    return process is None or process.returncode is not None


async def _idle(run: Run, session: aiohttp.ClientSession) -> dict[str, tuple[int, int]]:
    """Tasks and open files of each instance that nobody asks anything."""
    found: dict[str, tuple[int, int]] = {}
    for child, url in zip(run.site.instances, run.site.urls, strict=True):
        async with session.get(url + TASKS) as response:
            told: Json = json.loads(await response.read())
        tasks = told.get("tasks") if isinstance(told, dict) else None
        child.measure()
        found[child.name] = (tasks if isinstance(tasks, int) else -1, child.samples[-1].files if child.samples else 0)
    return found


def calls_in(ledger: Path, names: dict[str, str]) -> list[ProviderCall]:
    """The provider's ledger; `names` gives the catalogue name of a wire name."""
    calls: list[ProviderCall] = []
    for line in ledger.read_text("utf-8").splitlines():
        with suppress(KeyError):
            given = json.loads(line)
            model = str(given["model"])
            calls.append(
                ProviderCall(
                    int(given["call"]),
                    str(given["marker"]),
                    names.get(model, model),
                    str(given["fault"]),
                    float(given["began"]),
                    float(given["ended"]),
                )
            )
    return calls
