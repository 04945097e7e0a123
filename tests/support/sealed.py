"""The product in this process without a network: the demo answers, the store is embedded, other calls are faults."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from dev.kv import EmbeddedServer, MemoryStore
from lib.app import app_of
from lib.composition import Gateway, World
from lib.site import Site
from lib.transport import HttpRequest, Transport
from lib.web.asgi import AsgiApp
from tests.support.asgi_transport import AsgiTransport
from tests.support.clock import HandTurnedClock
from tests.support.kv import TOKEN, embedded_server

TOKENS: Final[Mapping[str, str]] = {"service": "service-token", "admin": "admin-token"}


class NoNetwork:
    """A transport that nothing may use."""

    def send(self, request: HttpRequest) -> NoReturn:
        raise AssertionError(f"called {request.url}")

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass
class Sealed:
    """The product and its store."""

    site: Site
    store: MemoryStore
    routes: Mapping[str, AsgiApp] = field(init=False)

    def __post_init__(self) -> None:
        self.routes = {name: app_of(self.site, name) for name in ("stats", "health", "chat")}

    def app_at(self, path: str) -> AsgiApp:
        """The function that a request for `path` reaches; the chat's for any that none would."""
        return self.routes.get(path.removeprefix("/api/ai/"), self.routes["chat"])

    async def keys(self) -> frozenset[str]:
        """All keys in the store."""
        (found,) = await self.store.run([[b"KEYS", b"*"]])
        assert isinstance(found, list)
        return frozenset(key.decode() for key in found if isinstance(key, bytes))


def sealed(transport: Transport | None = None, /, **env: str) -> Sealed:
    """The product as configured by `env` beside its tokens and store; `transport` reaches providers, if any does."""
    clock = HandTurnedClock()
    store = MemoryStore(clock.now)
    server: EmbeddedServer = embedded_server(store)
    settings = {
        "UPSTASH_REDIS_REST_URL": "http://kv.test",
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        "KV_TIMEOUT_SECONDS": "600",  # the store is in this process: only a busy machine makes it slow
        "GATEWAY_SERVICE_TOKEN": TOKENS["service"],
        "GATEWAY_ADMIN_TOKEN": TOKENS["admin"],
        "ALLOW_ANONYMOUS": "off",
        "DEMO_PROVIDER": "on",
    }
    world = World(settings | env, transport or NoNetwork(), AsgiTransport(server), clock, random.Random(1))
    return Sealed(Site(Gateway(world)), store)
