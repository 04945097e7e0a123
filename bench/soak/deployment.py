"""The deployment that is soaked: a Redis, the store in front of it, the provider, two instances, and their settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.soak.processes import Child
from bench.soak.traffic import ADMIN_TOKEN, PROVIDER_KEY, SERVICE_TOKEN
from tests.support.breakable_server import closed_port
from tests.support.redis_server import running_redis

NAMESPACE: Final = "soak"
STORE_TOKEN: Final = "canary-store-token-5153"  # noqa: S105 - a canary
HASH_SECRET: Final = "canary-hash-secret-5154"  # noqa: S105 - a canary
INSTANCES: Final = 2
STABLE: Final = 0
"""The instance that is never killed."""
MORTAL: Final = 1


@dataclass
class Deployment:
    """The processes. `environment` is what both instances were started with."""

    redis_url: str
    store: Child
    upstream: Child
    instances: list[Child]
    urls: list[str]
    environment: Mapping[str, str]

    async def switch_store(self, fault: str) -> None:
        """From now on the store behaves as `fault` says; the empty text for well."""
        self.store.tell(fault=fault)
        await self.store.line()

    def let_reads_be_stale(self, stale: bool) -> None:  # noqa: FBT001 - a state, not a mode
        """Whether the store reads from its late replica from now on."""
        self.store.tell(stale=stale)

    async def stale_reads(self) -> tuple[int, int]:
        """Reads from the replica so far, and those that the primary contradicted."""
        self.store.tell(count=True)
        reads, wrong = (await self.store.line()).split()
        return int(reads), int(wrong)

    @property
    def children(self) -> list[Child]:
        """All that run."""
        return [*self.instances, self.store, self.upstream]

    @property
    def logs(self) -> list[Path]:
        """Of the instances."""
        return [child.log for child in self.instances]


def settings(store_url: str, provider_url: str) -> dict[str, str]:
    """What the instances are configured with: short waits, lockouts that end, a budget for one tier."""
    return {
        "GATEWAY_ENV": "development",
        "VERCEL": "1",
        "ALLOW_ANONYMOUS": "on",
        "KV_NAMESPACE": NAMESPACE,
        "GATEWAY_HASH_SECRET": HASH_SECRET,
        "GATEWAY_SERVICE_TOKEN": SERVICE_TOKEN,
        "GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN,
        "UPSTASH_REDIS_REST_URL": store_url,
        "UPSTASH_REDIS_REST_TOKEN": STORE_TOKEN,
        "KV_FAIL_CLOSED_TIERS": "expert",
        "TIER_LIMITS": "free=10/20,pro=30/10,expert=100/10,master=1000",
        "TIER_DAILY_BUDGETS_USD": "expert=0.004",
        "MODEL_CLASS_LIMITS": "gpt-4o=40",
        "RETRY_BASE_SECONDS": "0.2",
        "RETRY_MAX_SECONDS": "3",
        "BREAKER_OPEN_SECONDS": "10",
        "REQUEST_TIMEOUT_SECONDS": "20",
        "CONNECT_TIMEOUT_SECONDS": "2",
        "FIRST_TOKEN_TIMEOUT_SECONDS": "3",
        "REASONING_FIRST_TOKEN_TIMEOUT_SECONDS": "3",
        "IDLE_TIMEOUT_SECONDS": "3",
        "REASONING_IDLE_TIMEOUT_SECONDS": "3",
        "OPENAI_API_KEY": PROVIDER_KEY,
        "OPENAI_BASE_URL": provider_url,
        "ANTHROPIC_API_KEY": PROVIDER_KEY,
        "ANTHROPIC_BASE_URL": provider_url,
        "GEMINI_API_KEY": PROVIDER_KEY,
        "GOOGLE_BASE_URL": provider_url,
    }


@asynccontextmanager
async def deployed(folder: Path, seed: int) -> AsyncGenerator[Deployment]:
    """Start everything, yield it, end everything. Logs and the provider's ledger go to `folder`."""
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    async with AsyncExitStack() as stack:
        redis_url, replica_url = stack.enter_context(running_redis()), stack.enter_context(running_redis())
        serving = ("bench.soak.store", redis_url, replica_url, STORE_TOKEN, str(seed))
        providing = ("bench.soak.upstream", str(seed), str(folder / "calls.jsonl"))
        store = Child("store", serving, plain, folder / "store.log")
        upstream = Child("upstream", providing, plain, folder / "upstream.log")
        for child in (store, upstream):
            stack.push_async_callback(child.stop)
        store_url, provider_url = await asyncio.gather(store.start(), upstream.start())
        environment = settings(store_url, provider_url)
        instances = [
            Child(
                f"instance {i}",
                ("bench.soak.instance", str(closed_port())),
                plain | environment,
                folder / f"instance-{i}.log",
            )
            for i in range(INSTANCES)
        ]
        for child in instances:
            stack.push_async_callback(child.stop)
        urls = [await child.start() for child in instances]
        yield Deployment(redis_url, store, upstream, instances, urls, environment)
