"""The programs around what is measured: provider, store and load generator in C, and Redis. None is the bottleneck."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from bench.overhead.machine import LOOK_SECONDS, cores, free_port, running
from bench.overhead.scenarios import Scenario

SOURCES: Final = Path(__file__).parent / "native"
NEEDED: Final = ("cc", "redis-server", "taskset")
KEY: Final = "sk-bench"
"""What every gateway lets its callers in with."""


class Load(TypedDict):
    """What the load generator prints; times in microseconds as p50, p95, p99."""

    seconds: float
    next: int
    statuses: dict[str, int]
    whole: list[float]
    first: list[float]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gateway takes chats."""

    port: int
    path: str
    headers: tuple[str, ...] = ()
    model: str = "gpt-4o-mini"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands ready for every gateway."""

    folder: Path
    """For compiled programs, logs and whatever a gateway wants to write."""
    provider: int
    redis: int
    stores: dict[int, int]
    """Port of the store's REST API by added delay in milliseconds."""

    @property
    def provider_url(self) -> str:
        """Base URL as OpenAI's clients take it."""
        return f"http://127.0.0.1:{self.provider}/v1"

    def load(self, endpoint: Endpoint, scenario: Scenario, seconds: float, first: int) -> Load:
        """Ask for some seconds; numbers of requests begin with `first`. Raises CalledProcessError."""
        lines = (
            f"POST {endpoint.path} HTTP/1.1",
            f"host: 127.0.0.1:{endpoint.port}",
            "content-type: application/json",
            f"authorization: Bearer {KEY}",
            f"x-user-id: {scenario.user}",
            f"x-user-tier: {scenario.tier}",
            *endpoint.headers,
        )
        head = "".join(line + "\r\n" for line in lines)
        numbers = (endpoint.port, scenario.connections, seconds, first)
        command = ["taskset", "-c", str(cores()[1]), str(self.folder / "load"), *map(str, numbers)]
        done = subprocess.run(
            [*command, head, scenario.body(endpoint.model)], stdout=subprocess.PIPE, check=True, timeout=120
        )
        read: Load = json.loads(done.stdout)
        return read


def missing() -> tuple[str, ...]:
    """Programs that the measurement needs and this machine lacks."""
    return tuple(name for name in NEEDED if shutil.which(name) is None)


@contextmanager
def surroundings(folder: Path, delays_ms: tuple[int, ...]) -> Generator[Surroundings]:
    """Compile and start everything."""
    for name in ("provider", "store", "load"):
        subprocess.run(["cc", "-O2", "-o", folder / name, SOURCES / f"{name}.c"], check=True)
    redis = free_port()
    arguments = ("--bind", "127.0.0.1", "--port", str(redis), "--dir", str(folder), "--save", "")
    core = cores()[1]
    with ExitStack() as stack:
        started = stack.enter_context(running(("redis-server", *arguments), core, folder / "redis.log", {}))
        started.wait_for(redis)
        provider = stack.enter_context(_telling(folder, "provider"))
        stores = {ms: stack.enter_context(_telling(folder, "store", str(redis), str(ms * 1000))) for ms in delays_ms}
        yield Surroundings(folder, provider, redis, stores)


@contextmanager
def _telling(folder: Path, name: str, *arguments: str) -> Generator[int]:
    """One of ours, which says on which port it listens."""
    log = folder / f"{name}-{'-'.join(arguments)}.port"
    with running((folder / name, *arguments), cores()[1], log, {}) as program:
        while not (said := log.read_text(encoding="ascii")).endswith("\n"):
            if program.process.poll() is not None:
                raise RuntimeError(f"{name} ended: {said}")
            time.sleep(LOOK_SECONDS)
        yield int(said)
