"""The store under contract: the embedded one always, a real Redis behind the same REST server where there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import orjson
import pytest

from dev.kv import Backend, EmbeddedServer, MemoryStore, RedisBridge
from lib.clock import SystemClock
from lib.contract import Json
from lib.kv.client import KV
from lib.transport import HttpRequest
from tests.support.asgi_transport import AsgiTransport
from tests.support.kv import TOKEN, URL, client_of, embedded_server
from tests.support.redis_server import redis_url

__all__ = ["redis_url"]


@dataclass
class StoreUnderTest:
    """A store, seen through the client and as bare REST."""

    kv: KV
    server: EmbeddedServer

    async def rest(self, path: str, body: Sequence[object] | bytes = b"", **headers: str) -> tuple[int, Json]:
        """POST to the REST API as the given token's owner; the status and the JSON answered."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"authorization": f"Bearer {TOKEN}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        method = sent.pop("method", "POST")
        async with AsgiTransport(self.server).send(HttpRequest(method, URL + path, sent, content)) as response:
            answer: Json = orjson.loads(await response.read(64 << 20))
            return response.status, answer


@pytest.fixture(params=["fakeredis", pytest.param("redis", marks=pytest.mark.redis)])
def backend(request: pytest.FixtureRequest) -> Backend:
    """What runs the commands."""
    if request.param == "fakeredis":
        return MemoryStore()
    return RedisBridge.from_url(request.getfixturevalue("redis_url"))


@pytest.fixture
async def store(backend: Backend) -> AsyncGenerator[StoreUnderTest]:
    """An empty store."""
    await backend.run([[b"FLUSHALL"], [b"SCRIPT", b"FLUSH"]])
    server = embedded_server(backend)
    kv = client_of(server, SystemClock())
    yield StoreUnderTest(kv, server)
    await kv.close()
    await server.aclose()
