"""The store for tests: the real client, talking REST to the embedded server without a socket."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp

from dev.kv import Backend, EmbeddedServer, MemoryStore
from lib.clock import Clock
from lib.kv.client import KV, KvEndpoint, KvLimits
from lib.transport import Transport
from tests.support.asgi_transport import AsgiTransport
from tests.support.faulty_kv import FaultyKv

URL: Final = "http://kv.test"
TOKEN: Final = "store-token"
READ_ONLY_TOKEN: Final = "read-only-token"


def embedded_kv(clock: Clock, *, limits: KvLimits | None = None) -> tuple[KV, EmbeddedServer]:
    """A fresh store whose keys expire by `clock`, and the server behind it with its counters."""
    server = embedded_server(MemoryStore(clock.now))
    return client_of(server, clock, limits=limits), server


def embedded_server(backend: Backend | None = None) -> EmbeddedServer:
    """The REST server over a backend (fakeredis unless said), with tokens that tests know."""
    return EmbeddedServer(backend or MemoryStore(), token=TOKEN, read_only_token=READ_ONLY_TOKEN)


def client_of(
    app: ASGIApp,
    clock: Clock,
    *,
    limits: KvLimits | None = None,
    token: str = TOKEN,
    transport: Transport | None = None,
) -> KV:
    """Another client of a store, as another instance of the product would be."""
    endpoint = KvEndpoint(URL, token)
    return KV(endpoint, transport=transport or AsgiTransport(app), clock=clock, limits=limits or KvLimits())


def faulty_kv(clock: Clock, *, limits: KvLimits | None = None) -> tuple[KV, FaultyKv]:
    """A client whose store misbehaves as `script` and `always` of the second value say."""
    faulty = FaultyKv(embedded_server(MemoryStore(clock.now)))
    return client_of(faulty, clock, limits=limits), faulty
