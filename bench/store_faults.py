"""What a failing store does to the product's callers: every fault over real sockets, beside a healthy instance.

    python -m bench.store_faults [--requests 60] [--only hang]

The product runs under uvicorn in a process of its own, against a store (Upstash's REST protocol over a Redis, or over
fakeredis where there is none) and a provider that answers at once. Each fault meets a fresh instance; a second one with
a healthy store is asked in turn with it, so that a busy machine slows both. Then the store is back, and the books are
read.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.kv import Backend, MemoryStore, RedisBridge
from lib.ai.observability.record import ABOUT_OTHERS, decode
from lib.clock import SystemClock
from tests.scripted.provider import ScriptedProvider
from tests.support import faulty_kv as faults
from tests.support.breakable_server import HOST, BreakableServer, closed_port
from tests.support.faulty_kv import Fault, FaultyKv, Refuses, Scripted
from tests.support.kv import TOKEN, embedded_server
from tests.support.late_replica import LateReplica
from tests.support.redis_server import PROGRAM, running_redis

SERVICE: Final = "bench"
WARM_UP: Final = 10
FLAPS: Final = 15
AFTER: Final = 4
SLOW_SECONDS: Final = 2.0
OPEN_SECONDS: Final = 2.0
"""Shorter than the default of 5, so that the run takes minutes and still holds several probes."""
PAUSE_SECONDS: Final = 0.1
"""Between requests of the faulty phase, so that it lasts over several probes."""
NOTICED_MS: Final = 50.0
"""A request had to wait if it took so much longer than the slowest of the healthy instance."""
CLOCK: Final = SystemClock()
PRODUCT: Final = (
    "import uvicorn, sys; from lib.app import app_for;"
    "uvicorn.run(app_for('chat'), host='127.0.0.1', port=int(sys.argv[1]), log_level='warning', access_log=False)"
)


@dataclass
class Store:
    """A store that can be told to fail."""

    backend: Backend
    slow: bool = False

    def __post_init__(self) -> None:
        self.faulty = FaultyKv(embedded_server(self.backend))
        self.front: ASGIApp = self.faulty
        self.server = BreakableServer(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, late or not."""
        if self.slow:
            await CLOCK.sleep(SLOW_SECONDS)
        await self.front(scope, receive, send)


Switch = Callable[[Store, int], Awaitable[None]]
"""Called before each request of the faulty phase with its number, and with -1 after the last."""


def answers(scripted: Scripted) -> Switch:
    """Every request meets the same fault."""

    async def switch(store: Store, number: int) -> None:
        store.faulty.always = None if number < 0 else scripted

    return switch


async def refuses(store: Store, number: int) -> None:
    """Nobody listens on the port."""
    if number == 0:
        await store.server.refuse()
    elif number < 0:
        await store.server.accept()


async def slow(store: Store, number: int) -> None:
    """Two seconds for every answer, which is more than the time limit."""
    store.slow = number >= 0


async def late(store: Store, number: int) -> None:
    """Reads come from a replica that lags behind."""
    if number == 0:
        store.front = LateReplica(store.faulty, 3)
    elif number < 0:
        store.front = store.faulty


async def flaps(store: Store, number: int) -> None:
    """Some requests without the store, as many with it."""
    store.faulty.always = Fault.DROP if number >= 0 and number // FLAPS % 2 == 0 else None


FAULTS: Final[tuple[tuple[str, Switch], ...]] = (
    ("connection refused", refuses),
    ("connection reset", answers(Fault.DROP)),
    ("reset after the commands ran (unknown outcome)", answers(Fault.DROP_AFTER)),
    ("every answer takes 2 s", slow),
    ("hangs", answers(Fault.HANG)),
    ("hangs after the commands ran (unknown outcome)", answers(Fault.HANG_AFTER)),
    ("401 bad token", answers(faults.UNAUTHORIZED)),
    ("400 with the quota's text", answers(faults.QUOTA)),
    ("429", answers(faults.TOO_MANY)),
    ("500", answers(faults.SERVER_ERROR)),
    ("502 with HTML", answers(faults.BAD_GATEWAY)),
    ("200 with HTML", answers(faults.HTML)),
    ("body cut short", answers(Fault.TRUNCATED)),
    ("half the JSON", answers(Fault.HALF_JSON)),
    ("one result too few", answers(Fault.SHORT)),
    ("admission fails in the pipeline", answers(Refuses("EVAL", ":u1:"))),
    ("usage append fails in the pipeline", answers(Refuses("EVAL", "nameless"))),
    ("stale replica reads", late),
    (f"up and down every {FLAPS} requests", flaps),
)


@dataclass
class Phase:
    """Requests of one phase."""

    milliseconds: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])
    degraded: int = 0
    ids: set[str] = field(default_factory=set[str])

    def quantile(self, share: float) -> float:
        """The latency that `share` of the requests do not exceed."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Row:
    """A fault and what it did."""

    name: str
    healthy: Phase
    faulty: Phase
    lost: int
    twice: int

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        faulty, healthy = self.faulty, self.healthy
        total = len(faulty.milliseconds)
        noticed = sum(ms > healthy.quantile(1) + NOTICED_MS for ms in faulty.milliseconds)
        return (
            self.name,
            str(total),
            str(sum(n for status, n in faulty.statuses.items() if status >= 500)),
            str(total - faulty.statuses[200]),
            f"{healthy.quantile(0.5):.1f}",
            f"{faulty.quantile(0.5) - healthy.quantile(0.5):+.1f}",
            f"{faulty.quantile(0.95) - healthy.quantile(0.95):+.1f}",
            f"{faulty.quantile(0.99) - healthy.quantile(0.99):+.1f}",
            str(noticed),
            f"{faulty.degraded / total:.0%}",
            str(self.lost),
            str(self.twice),
        )


HEAD: Final = (
    "fault",
    "requests",
    "5xx",
    "not 200",
    "healthy p50, ms",
    "added p50, ms",
    "added p95, ms",
    "added p99, ms",
    "had to wait",
    "degraded",
    "records lost",
    "counted twice",
)


@dataclass
class Product:
    """An instance of the product, its log, and a client."""

    url: str
    log: Path
    session: aiohttp.ClientSession
    asked: int = 0

    async def ask(self, phase: Phase) -> None:
        """One chat with a question of its own."""
        self.asked += 1
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"question {self.asked}"}]}
        headers = {"authorization": f"Bearer {SERVICE}", "x-user-id": f"u{self.asked % 5}", "x-user-tier": "master"}
        began = CLOCK.monotonic()
        async with self.session.post(self.url, json=body, headers=headers) as response:
            answer = await response.read()
            phase.milliseconds.append((CLOCK.monotonic() - began) * 1000)
        whole = response.status != 200 or f"question {self.asked}".encode() in answer
        phase.statuses[response.status if whole else 599] += 1
        phase.degraded += "x-ai-degraded" in response.headers
        phase.ids.add(response.headers["x-request-id"])

    def unbooked(self) -> list[str]:
        """Ids of the records that the log says are to be imported."""
        lines = self.log.read_text(errors="replace").splitlines()
        records = [decode(line.partition("unbooked ")[2]) for line in lines if "unbooked {" in line]
        return [record.request_id for record in records if record]


@asynccontextmanager
async def running(env: dict[str, str]) -> AsyncGenerator[Product]:
    """A fresh instance under uvicorn."""
    port = closed_port()
    with tempfile.TemporaryDirectory(prefix="store-faults-") as folder, ExitStack() as stack:
        log = Path(folder) / "log"
        output = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(  # noqa: ASYNC220 - it outlives the call
            [sys.executable, "-c", PRODUCT, str(port)], env=os.environ | env, stdout=output, stderr=output
        )
        try:
            url = f"http://{HOST}:{port}/api/ai/v2/chat"
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
                await listening(session, url)
                yield Product(url, log, session)
        finally:
            process.terminate()
            process.wait()


async def listening(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until the instance takes requests."""
    for _ in range(200):
        try:
            async with session.options(url):
                return
        except aiohttp.ClientConnectorError:
            await CLOCK.sleep(0.1)
    raise RuntimeError("the product does not start")


async def play(number: int, backend: Backend, requests: int) -> Row:
    """One fault, from a healthy store to one that is back."""
    name, switch = FAULTS[number]
    failing, sound = Store(backend), Store(backend)
    async with ScriptedProvider() as provider, failing.server as server, sound.server as sound_server:
        env = {
            "UPSTASH_REDIS_REST_URL": server.url,
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
            "KV_NAMESPACE": f"bench-{number}",
            "KV_CIRCUIT_OPEN_SECONDS": str(OPEN_SECONDS),
            "GATEWAY_SERVICE_TOKEN": SERVICE,
            "OPENAI_API_KEY": "key",
            "OPENAI_BASE_URL": provider.base_url,
        }
        healthy_env = env | {"UPSTASH_REDIS_REST_URL": sound_server.url, "KV_NAMESPACE": f"bench-{number}-healthy"}
        async with running(env) as product, running(healthy_env) as other:
            warm, healthy, faulty, after = Phase(), Phase(), Phase(), Phase()
            for _ in range(WARM_UP):
                await product.ask(warm)
                await other.ask(Phase())
            for index in range(requests):
                await switch(failing, index)
                await product.ask(faulty)
                await other.ask(healthy)
                await CLOCK.sleep(PAUSE_SECONDS)
            await switch(failing, -1)
            await product.ask(after)
            await CLOCK.sleep(OPEN_SECONDS + SLOW_SECONDS)
            for _ in range(AFTER):
                await product.ask(after)
                await CLOCK.sleep(0.5)
            booked = Counter(await logged(backend, env["KV_NAMESPACE"]))
            everything = warm.ids | faulty.ids | after.ids
            lost = everything - booked.keys() - set(product.unbooked())
            return Row(name, healthy, faulty, len(lost), sum(n - 1 for n in booked.values()))


async def logged(backend: Backend, namespace: str) -> list[str]:
    """The ids of the requests in the usage log."""
    (names,) = await backend.run([[b"KEYS", f"{namespace}:ev:*".encode()]])
    ids: list[str] = []
    for name in names if isinstance(names, list) else []:
        if isinstance(name, bytes):
            (lines,) = await backend.run([[b"LRANGE", name, b"0", b"-1"]])
            texts = [line.decode() for line in lines if isinstance(line, bytes)] if isinstance(lines, list) else []
            records = [record for text in texts if (record := decode(text))]
            ids += [record.request_id for record in records if record.kind not in ABOUT_OTHERS]
    return ids


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


async def measure(url: str | None, requests: int, only: str) -> None:
    """Play the faults and print the table."""
    backend: Backend = RedisBridge.from_url(url) if url else MemoryStore()
    rows: list[Row] = []
    for number, (name, _) in enumerate(FAULTS):
        if only in name:
            print(f"… {name}", file=sys.stderr, flush=True)
            rows.append(await play(number, backend, requests))
    print(table(rows))
    await backend.aclose()


def main() -> None:
    """Read the arguments; use a Redis of its own where there is one."""
    parser = argparse.ArgumentParser(prog="python -m bench.store_faults", description="The product and a failing store")
    parser.add_argument("--requests", type=int, default=60, help="requests during each fault")
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    given = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(running_redis()) if shutil.which(PROGRAM) else None
        asyncio.run(measure(url, given.requests, given.only))


if __name__ == "__main__":
    main()
