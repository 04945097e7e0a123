"""Instances of the product in processes that can be killed, beside instances in this one, on one store over sockets."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from dev.kv import Backend, MemoryStore
from lib import site as product
from lib.aiohttp_transport import AiohttpTransport
from lib.clock import Clock, SystemClock
from lib.composition import Gateway, World
from lib.contract import Json, JsonObject
from lib.transport import HttpRequest, Timeouts
from tests.scripted.provider import ScriptedProvider
from tests.support.breakable_server import BreakableServer
from tests.support.deployment import ADMIN, ASK, SERVICE, Instance
from tests.support.held_kv import HeldKv
from tests.support.kv import TOKEN, embedded_server

ROOT: Final = Path(__file__).resolve().parents[2]
STARTING_SECONDS: Final = 60.0
"""After which a process that has not said its URL has failed."""


@dataclass
class Running:
    """A process that serves chats."""

    url: str
    process: asyncio.subprocess.Process
    transport: AiohttpTransport

    def request(self, document: Mapping[str, Json] = ASK, user: str = "u1") -> HttpRequest:
        headers = {
            "authorization": f"Bearer {SERVICE}",
            "content-type": "application/json",
            "x-user-id": user,
            "x-user-tier": "pro",
        }
        url = f"{self.url}/api/ai/v2/chat"
        return HttpRequest("POST", url, headers, orjson.dumps(dict(document)), Timeouts(total=60.0))

    async def chat(self, document: Mapping[str, Json] = ASK, user: str = "u1") -> tuple[int, JsonObject]:
        """Status and JSON. Raises TransportError when the process dies before it has answered."""
        async with self.transport.send(self.request(document, user)) as response:
            body: Json = orjson.loads(await response.read(1 << 20))
            assert isinstance(body, dict)
            return response.status, body

    async def kill(self) -> None:
        """SIGKILL, as a platform does."""
        self.process.kill()
        await self.process.wait()


@dataclass
class Site:
    """A provider and a store on sockets, and what every instance is configured with."""

    provider: ScriptedProvider
    store: HeldKv
    transport: AiohttpTransport
    stack: AsyncExitStack
    env: dict[str, str] = field(default_factory=dict[str, str])

    async def process(self, log: Path | None = None, function: str = "chat") -> Running:
        """Start a process, ended with the site if it has not been killed before. `log` takes what it says."""
        said = self.stack.enter_context(log.open("wb")) if log else asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.instance_process",
            function,
            cwd=ROOT,
            env=self.env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
        )
        self.stack.push_async_callback(ended, process)
        assert process.stdout is not None
        async with asyncio.timeout(STARTING_SECONDS):
            url = (await process.stdout.readline()).decode().strip()
        return Running(url, process, self.transport)

    def roomy(self, connections: int) -> AiohttpTransport:
        """A transport that is not short of connections."""
        transport = AiohttpTransport(max_connections=2 * connections)
        self.stack.push_async_callback(transport.aclose)
        return transport

    def instance(self, clock: Clock | None = None) -> Instance:
        """An instance in this process, on the same store and provider."""
        world = World(self.env, self.transport, self.transport, clock or SystemClock(), random.Random(7))
        gateway = Gateway(world)
        return Instance(product.Site(gateway))


async def ended(process: asyncio.subprocess.Process) -> None:
    """Kill a process that has not ended yet."""
    if process.returncode is None:
        process.kill()
    await process.communicate()


@asynccontextmanager
async def site(
    backend: Backend | None = None, models: ScriptedProvider | None = None, /, **env: str
) -> AsyncGenerator[Site]:
    """A store and a provider without an instance. Leases last one second, retries do not wait."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(models or ScriptedProvider())
        store = HeldKv(embedded_server(backend or MemoryStore()))
        server = await stack.enter_async_context(BreakableServer(store))
        transport = AiohttpTransport()
        stack.push_async_callback(transport.aclose)
        settings = {
            "UPSTASH_REDIS_REST_URL": server.url,
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
            "GATEWAY_SERVICE_TOKEN": SERVICE,
            "GATEWAY_ADMIN_TOKEN": ADMIN,
            "DEDUP_LEASE_SECONDS": "1",
            "KV_TIMEOUT_SECONDS": "30",
            "RETRY_BASE_SECONDS": "0",
            "OPENAI_API_KEY": "key-openai",
            "OPENAI_BASE_URL": provider.base_url,
        }
        yield Site(provider, store, transport, stack, settings | env)
