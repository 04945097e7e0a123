"""The store for tests: the real client, talking REST to the embedded server without a socket."""

from __future__ import annotations

from typing import Final

from dev.kv import Backend, EmbeddedServer, MemoryStore
from lib.clock import Clock
from lib.kv.client import KV, KvEndpoint, KvLimits
from tests.support.asgi_transport import AsgiTransport

TOKEN: Final = "store-token"
READ_ONLY_TOKEN: Final = "read-only-token"


def embedded_kv(clock: Clock, *, limits: KvLimits | None = None) -> tuple[KV, EmbeddedServer]:
    """A fresh store whose keys expire by `clock`, and the server behind it with its counters."""
    server = embedded_server(MemoryStore(clock.now))
    return client_of(server, clock, limits=limits), server


def embedded_server(backend: Backend) -> EmbeddedServer:
    """The REST server over a backend, with tokens that tests know."""
    return EmbeddedServer(backend, token=TOKEN, read_only_token=READ_ONLY_TOKEN)


def client_of(server: EmbeddedServer, clock: Clock, *, limits: KvLimits | None = None) -> KV:
    """Another client of the same store, as another instance of the product would be."""
    endpoint = KvEndpoint("http://kv.test", TOKEN)
    return KV(endpoint, transport=AsgiTransport(server), clock=clock, limits=limits or KvLimits())
