"""What a chat request costs in the KV: round trips, and commands as Upstash bills them, on a real Redis.

    python -m bench.kv_commands

Billed is every command, inside a pipeline and inside a script: Redis' own `INFO commandstats` counts exactly those.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from dev.kv import RedisBridge
from lib.ai.near.pools import ALL, BINS
from lib.clock import SystemClock
from lib.composition import Gateway, World
from lib.contract import Caller, CallerKind, ChatRequest, Job
from tests.support.asgi_transport import AsgiTransport
from tests.support.kv import TOKEN, embedded_server
from tests.support.redis_server import running_redis

REQUESTS: Final = 2_048
IGNORED: Final = frozenset({"info", "config|resetstat", "hello", "client|setinfo"})


class Meter:
    """Requests sent to one deployment, and what they cost."""

    def __init__(self, url: str, **env: str) -> None:
        self._bridge = RedisBridge.from_url(url)
        self._server = embedded_server(self._bridge)
        transport = AsgiTransport(self._server)
        settings = {
            "DEMO_PROVIDER": "on",
            "IP_LIMIT_PER_MINUTE": "1000000",
            "TIER_LIMITS": "master=1000000",
            "UPSTASH_REDIS_REST_URL": "http://kv",
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        }
        world = World(settings | env, transport, transport, SystemClock(), random.Random(1))
        self._gateway = Gateway(world)
        self._ids = 0

    async def ask(self, prompt: str, user: str) -> None:
        """One request through the pipeline, settled."""
        self._ids += 1
        clock = self._gateway.world.clock
        request = ChatRequest(model="auto", messages=({"role": "user", "content": prompt},))
        caller = Caller(user, "master", CallerKind.USER, "192.0.2.1")
        job = Job(f"r{self._ids}", request, caller, clock.now(), clock.now() + 60)
        await self._gateway.functions.generate_ai_response(job)

    async def certify(self) -> None:
        """As if comparisons had shown that near hits are right."""
        kv, keys = self._gateway.store, self._gateway.keys
        counted: list[str | int] = [part for at in range(1, BINS) for part in (f"s{at}", 400 * 1024)]
        await kv.run("HSET", keys.near_pool(ALL), *counted)
        if self._gateway.near:
            self._gateway.near.pools.learn(ALL, await kv.run("HGETALL", keys.near_pool(ALL)))

    async def cost_of(self, work: Callable[[int], Awaitable[None]], times: int) -> tuple[float, float, dict[str, int]]:
        """Round trips and billed commands per request, and the commands by name."""
        await self._bridge.run([[b"CONFIG", b"RESETSTAT"]])
        before = self._server.stats.requests
        for i in range(times):
            await work(i)
        trips = self._server.stats.requests - before
        (stats,) = await self._bridge.run([[b"INFO", b"commandstats"]])
        counts = read_stats(stats.decode() if isinstance(stats, bytes) else "")
        return trips / times, sum(counts.values()) / times, counts

    async def aclose(self) -> None:
        """Close the bridge."""
        await self._bridge.aclose()


def read_stats(text: str) -> dict[str, int]:
    """Calls by command of `INFO commandstats`."""
    counts: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith("cmdstat_"):
            name, _, figures = line.removeprefix("cmdstat_").partition(":")
            counts[name] = int(figures.partition("calls=")[2].partition(",")[0])
    return {name: calls for name, calls in counts.items() if name not in IGNORED}


async def measure(url: str) -> None:
    """Print the table."""
    print(f"{'request':34} {'round trips':>11} {'billed':>7}   commands (of the last column's requests)")
    for label, env in (
        ("", {}),
        (", with a budget", {"TIER_DAILY_BUDGETS_USD": "master=1000"}),
        (", near hits on", {"CACHE_MODE": "near"}),
    ):
        meter = Meter(url, **env)

        async def miss(i: int, meter: Meter = meter, label: str = label) -> None:
            await meter.ask(f"question {i}{label}", f"user {i % 100}")

        async def hit(_: int, meter: Meter = meter, label: str = label) -> None:
            await meter.ask(f"question 0{label}", "user 0")

        first = await meter.cost_of(miss, 1)
        rows = (
            ("first miss of an instance", first, 1),
            (f"miss, {REQUESTS} by 100 users", await meter.cost_of(miss, REQUESTS), REQUESTS),
            ("exact hit", await meter.cost_of(hit, 1), 1),
            (f"exact hit, {REQUESTS} by one user", await meter.cost_of(hit, REQUESTS), REQUESTS),
        )
        for name, (trips, billed, counts), _ in rows:
            shown = " ".join(f"{n} {c}" for n, c in sorted(counts.items(), key=lambda pair: -pair[1]))
            print(f"{name + label:34} {trips:11.2f} {billed:7.2f}   {shown}")
        await meter.aclose()


def measured(measure: Callable[[str], Coroutine[object, object, None]]) -> None:
    """Start one, and give its address to `measure`; say so where none is installed."""
    if not shutil.which("redis-server"):
        print("skipped: no redis-server on this machine (apt-get install redis-server)")
        return
    with running_redis() as url:
        asyncio.run(measure(url))


if __name__ == "__main__":
    measured(measure)
