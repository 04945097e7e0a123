"""A store for development and tests that speaks Upstash's REST protocol, over fakeredis or over any Redis server."""

from __future__ import annotations

from dev.kv.app import EmbeddedServer, Stats
from dev.kv.backend import Backend
from dev.kv.bridge import RedisBridge
from dev.kv.memory import MemoryStore

__all__ = ["Backend", "EmbeddedServer", "MemoryStore", "RedisBridge", "Stats", "create"]


def create(*, token: str, backend: str | None = None, read_only_token: str | None = None) -> EmbeddedServer:
    """The ASGI app of a store: in this process, or in front of the `redis://host:port` that `backend` names.

    Raises ValueError for a `backend` that is no such URL.
    """
    store: Backend = RedisBridge.from_url(backend) if backend else MemoryStore()
    return EmbeddedServer(store, token=token, read_only_token=read_only_token)
