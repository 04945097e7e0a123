"""This product as the gateway under test: on loopback, its store beside it, and little patience with its providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from bench.faults.asking import Target
from dev.server import HOST, bound, server_of, stop, store
from lib.app import app_of, real_world
from lib.composition import Gateway, World
from lib.site import Site
from tests.scripted.faults import ANTHROPIC, OPENAI

ADMIN: Final = "fault-table"
"""Administrators are not rate-limited."""
MODELS: Final = {OPENAI: "gpt-4o", ANTHROPIC: "claude-sonnet-5-5"}
SETTINGS: Final = {
    "GATEWAY_ADMIN_TOKEN": ADMIN,
    "OPENAI_API_KEY": "none",
    "ANTHROPIC_API_KEY": "none",
    "RETRY_MAX_ATTEMPTS": "2",
    "RETRY_BASE_SECONDS": "0.1",
    "RETRY_MAX_SECONDS": "5",
    "FIRST_TOKEN_TIMEOUT_SECONDS": "2",
    "REASONING_FIRST_TOKEN_TIMEOUT_SECONDS": "2",
    "IDLE_TIMEOUT_SECONDS": "2",
    "REASONING_IDLE_TIMEOUT_SECONDS": "2",
    "WHOLE_ANSWER_TIMEOUT_SECONDS": "3",
    "REASONING_WHOLE_ANSWER_TIMEOUT_SECONDS": "3",
}
OWN_WAITS: Final = ", and waits 2 s for a first token, 2 s between chunks and 3 s for an answer in one piece"


class _ByFault:
    """A fresh instance with its own namespace per fault: none counts against a model when the next is tried."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._apps: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        name = dict(scope["headers"]).get(b"x-asked-fault", b"none").decode()
        if name not in self._apps:
            gateway = Gateway(replace(self._world, env={**self._world.env, "KV_NAMESPACE": name}))
            self._apps[name] = app_of(Site(gateway), "chat")
        await self._apps[name](scope, receive, send)


@asynccontextmanager
async def own_product(provider_url: str, patience: float) -> AsyncGenerator[Target]:
    """The product, served, with the provider in the place of OpenAI and Anthropic."""
    env = {**SETTINGS, "OPENAI_BASE_URL": provider_url, "ANTHROPIC_BASE_URL": provider_url}
    async with store(env):
        world = real_world(env)
        with bound(0) as listener:
            server = server_of(_ByFault(world))
            task = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield Target(f"http://{HOST}:{listener.getsockname()[1]}", "v2", ADMIN, patience=patience)
            finally:
                stop(server)
                await task
                await world.transport.aclose()
