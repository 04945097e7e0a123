"""The whole product in this process: instances share an embedded store and ask a scripted provider over sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import orjson

from dev.kv import EmbeddedServer, MemoryStore
from lib.aiohttp_transport import AiohttpTransport
from lib.app import app_of
from lib.clock import Clock
from lib.composition import Gateway, World
from lib.contract import Json, JsonObject
from lib.side_calls import SideCalls
from lib.site import Site
from lib.transport import Transport
from lib.web.asgi import AsgiApp
from tests.scripted.provider import ScriptedProvider
from tests.support.asgi_client import Exchange, Response, json_object, post
from tests.support.asgi_transport import AsgiTransport
from tests.support.clock import HandTurnedClock
from tests.support.kv import TOKEN, embedded_server
from tests.support.ticks import next_tick

SERVICE: Final = "service-token"
ADMIN: Final = "admin-token"
ASK: Final[JsonObject] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is a lease?"}]}


@dataclass
class Instance:
    """One instance of the product."""

    site: Site

    @property
    def gateway(self) -> Gateway:
        """Its parts."""
        return self.site.gateway

    @cached_property
    def chat_app(self) -> AsgiApp:
        """The function that answers chats."""
        return self.app("chat")

    def app(self, name: str) -> AsgiApp:
        """Another function of this instance."""
        return app_of(self.site, name)

    async def chat(self, document: Mapping[str, Json] = ASK, /, **headers: str) -> Response:
        """A chat as the service's server asks it, for user `u1` of tier `pro` unless headers say otherwise."""
        named = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1", "x_user_tier": "pro"} | headers
        return await post(self.chat_app, dict(document), **named)

    def exchange(self, document: JsonObject) -> Exchange:
        """The same, not yet run, so that the client can hang up."""
        headers = {"authorization": f"Bearer {SERVICE}", "x-user-id": "u1", "x-user-tier": "pro"}
        return Exchange(self.chat_app, path="/api/ai/v2/chat", headers=headers, body=(orjson.dumps(document),))

    async def usage(self) -> JsonObject:
        """Today's totals."""
        return await self.gateway.stats.get_daily_stats()


@dataclass
class Deployment:
    """A store, a provider, and what every instance is configured with."""

    provider: ScriptedProvider
    clock: HandTurnedClock
    store: EmbeddedServer
    transport: AiohttpTransport
    env: dict[str, str] = field(default_factory=dict[str, str])
    side_calls: SideCalls = field(default_factory=SideCalls)
    """How third parties are reached; a test puts scripted ones in its place."""

    def having(self, env: Mapping[str, str]) -> Deployment:
        """The same with other settings."""
        return replace(self, env={**self.env, **env})

    def instance(self, *, kv_transport: Transport | None = None, clock: Clock | None = None, **env: str) -> Instance:
        """Another instance, sharing store and provider."""
        world = World(
            env=self.env | env,
            transport=self.transport,
            kv_transport=kv_transport or AsgiTransport(self.store),
            clock=clock or self.clock,
            chance=random.Random(7),
            side_calls=self.side_calls,
        )
        return Instance(Site(Gateway(world)))


@asynccontextmanager
async def deployed(turns: float = 0.0, /, **env: str) -> AsyncGenerator[Deployment]:
    """A deployment whose OpenAI, Anthropic and Google are the scripted provider; waits between retries are nil.

    Sleeps of at most `turns` seconds turn the clock by themselves.
    """
    clock = HandTurnedClock(turns=turns)
    store = embedded_server(MemoryStore(clock.now))
    transport = AiohttpTransport()
    async with ScriptedProvider() as provider:
        settings = {
            "UPSTASH_REDIS_REST_URL": "http://kv.test",
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
            "GATEWAY_SERVICE_TOKEN": SERVICE,
            "GATEWAY_ADMIN_TOKEN": ADMIN,
            "RETRY_BASE_SECONDS": "0",
            "REQUEST_TIMEOUT_SECONDS": "86400",
            "OPENAI_API_KEY": "key-openai",
            "OPENAI_BASE_URL": provider.base_url,
            "ANTHROPIC_API_KEY": "key-anthropic",
            "ANTHROPIC_BASE_URL": provider.base_url,
            "GEMINI_API_KEY": "key-google",
            "GOOGLE_BASE_URL": provider.base_url,
        }
        place = Deployment(provider, clock, store, transport, settings | env)
        try:
            yield place
        finally:
            await place.side_calls.aclose()
            await transport.aclose()


async def finished(site: Deployment, tasks: Sequence[asyncio.Task[Response]]) -> list[Response]:
    """All responses; time goes on slowly meanwhile, so that waiting duplicates look again."""
    while not all(task.done() for task in tasks):
        site.clock.turn(0.01)
        await next_tick()
    return [task.result() for task in tasks]


def text_in(response: Response) -> str:
    """The content of a JSON answer."""
    content = json_object(response.body)["content"]
    assert isinstance(content, str)
    return content


def metadata_of(response: Response) -> JsonObject:
    """The metadata of a JSON answer."""
    metadata = json_object(response.body)["metadata"]
    assert isinstance(metadata, dict)
    return metadata
