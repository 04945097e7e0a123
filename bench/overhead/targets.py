"""What is measured: the provider itself, the floors, and ours. Other gateways are in `bench.overhead.rivals`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from bench.overhead.bootstrap import bootstrapped
from bench.overhead.machine import Program, cores, free_port, running
from bench.overhead.programs import KEY, Endpoint, Surroundings
from bench.overhead.scenarios import ALL, CACHED, GUARDED, PLAIN, Scenario

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CHAT: Final = "/api/ai/v2/chat"
DELAYS_MS: Final = (0, 1, 5)


@dataclass(frozen=True, slots=True)
class Started:
    """A target that can be asked; the provider itself is nobody's process."""

    endpoint: Endpoint
    program: Program | None


Start: TypeAlias = Callable[[Surroundings], AbstractContextManager[Started]]


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the tables."""

    name: str
    title: str
    start: Start
    scenarios: tuple[Scenario, ...] = ALL


@contextmanager
def direct(around: Surroundings) -> Generator[Started]:
    """No gateway at all."""
    yield Started(Endpoint(around.provider, "/v1/chat/completions"), None)


def floor(kind: str) -> Start:
    """See `bench.overhead.floors`."""

    @contextmanager
    def start(around: Surroundings) -> Generator[Started]:
        port = free_port()
        command = (sys.executable, "-m", "bench.overhead.floors", kind, str(port), str(around.provider))
        with running(command, cores()[0], around.folder / f"floor-{kind}.log", {}) as program:
            program.wait_for(port)
            yield Started(Endpoint(port, "/v1/chat/completions"), program)

    return start


def settings(around: Surroundings, delay_ms: int) -> dict[str, str]:
    """Ours with everything on: routing by task, limits, budgets, de-duplication, cache, usage records, health."""
    return {
        "GATEWAY_ENV": "production",
        "GATEWAY_SERVICE_TOKEN": KEY,
        "GATEWAY_ADMIN_TOKEN": "bench-admin",
        "OPENAI_API_KEY": "bench",
        "OPENAI_BASE_URL": around.provider_url,
        "UPSTASH_REDIS_REST_URL": f"http://127.0.0.1:{around.stores[delay_ms]}",
        "UPSTASH_REDIS_REST_TOKEN": "bench",
        "KV_NAMESPACE": f"bench{delay_ms}",
        "TIER_LIMITS": "master=10000000,free=5/60",
        "MODEL_CLASS_LIMITS": "gpt-4o=10000000,claude-opus=10000000,o1=10000000",
        "TIER_DAILY_BUDGETS_USD": "master=100000",
        "DAILY_BUDGET_USD": "1000000",
    }


def ours(delay_ms: int) -> Start:
    """The chat function under uvicorn."""

    @contextmanager
    def start(around: Surroundings) -> Generator[Started]:
        port = free_port()
        command = (sys.executable, "-m", "uvicorn", "api.ai.v2.chat:app", "--port", str(port), "--no-access-log")
        log = around.folder / f"ours-{delay_ms}.log"
        with running((*command, "--log-level", "warning"), cores()[0], log, settings(around, delay_ms)) as program:
            program.wait_for(port)
            yield Started(Endpoint(port, CHAT, model="auto"), program)

    return start


def built(tree: Path) -> Target:
    """Ours as the builder left it in `tree`, under Vercel's own bootstrap."""

    @contextmanager
    def start(around: Surroundings) -> Generator[Started]:
        with bootstrapped(tree, CHAT, around.folder / "vercel", settings(around, 0)) as (program, port):
            headers = ("x-vercel-internal-invocation-id: {n}", "x-vercel-internal-request-id: {n}")
            yield Started(Endpoint(port, CHAT, headers, model="auto"), program)

    return Target("vercel", "ours, Vercel's bootstrap, store at 0 ms", start)


OURS: Final = "ours"
TARGETS: Final = (
    Target("direct", "the provider itself", direct, PLAIN),
    Target("floor-raw", "floor: bytes passed on by asyncio", floor("raw"), PLAIN),
    Target("floor", "floor: Starlette and aiohttp", floor("starlette"), PLAIN),
    Target(OURS, "ours, store at 0 ms", ours(0)),
    Target("ours-1ms", "ours, store at 1 ms", ours(1), (*PLAIN[:3], *CACHED, *GUARDED)),
    Target("ours-5ms", "ours, store at 5 ms", ours(5), (*PLAIN[:3], *CACHED, *GUARDED)),
)
