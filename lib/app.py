"""The composition root's door: the only reader of the environment. Each function under `api/` takes its app from here.

A wrong setting does not hide: every route then answers 503 and names the variable.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from importlib import import_module
from typing import Final

from lib.aiohttp_transport import AiohttpTransport
from lib.clock import SystemClock
from lib.composition import Gateway, World
from lib.errors import GatewayError, SettingsError
from lib.settings import Settings
from lib.web.access import Access, AccessRules
from lib.web.asgi import AsgiApp, Call
from lib.web.cors import Cors
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint, Reply
from lib.web.shell import Route, Shell

VERSION: Final = "0.1.0"
SPARE_CONNECTIONS: Final = 64
"""To the KV, beside two for each request: its model and one that it is hedged with. Who waits for a connection times
out as if the model did not answer."""


def request_id() -> str:
    """A fresh id, unlike any other."""
    return "req_" + secrets.token_hex(12)


class Apps:
    """The functions' ASGI apps over one gateway. What a route alone needs is imported when the route is built."""

    def __init__(self, gateway: Gateway, ids: Callable[[], str] = request_id) -> None:
        self.gateway = gateway
        self._ids = ids
        given = gateway.settings
        self._cors = Cors(given.access.cors_origins)
        self._access = Access(
            AccessRules(
                service_token=given.access.service_token or "",
                admin_token=given.access.admin_token or "",
                allow_anonymous=given.access.allow_anonymous,
                on_vercel=given.environment.on_vercel,
                tiers=frozenset(tier.name for tier in gateway.table.tiers),
            )
        )

    def chat(self) -> AsgiApp:
        """POST /api/ai/v2/chat."""
        from lib.web.chat_route import ChatEndpoint, ChatRules

        rules = ChatRules(
            seconds=self.gateway.settings.timeouts.total_seconds,
            time_limit=platform_deadline(),
            keep_alive_seconds=15.0,
            default_model=self.gateway.settings.routing.default_model,
            cors=self._cors,
            at_once=self.gateway.settings.limits.at_once,
        )
        endpoint = ChatEndpoint(self.gateway.pipeline, self._access, self.gateway.world.clock, self._ids, rules)
        return self._shell(Route("/api/ai/v2/chat", endpoint))

    def health(self) -> AsgiApp:
        """GET /api/ai/health."""
        from lib.web.health_route import HealthFacts, HealthRoute

        async def look() -> HealthFacts:
            trouble, models = await asyncio.gather(self.gateway.store_trouble(), self.gateway.get_all_model_health())
            return HealthFacts(
                kv_available=not trouble,
                kv_error=trouble,
                kv_configured=self.gateway.kv_configured,
                providers=tuple(sorted(self.gateway.lines)),
                models=models,
            )

        version = self.gateway.settings.environment.version[:12]
        return self._shell(
            self._json("/api/ai/health", HealthRoute(look, f"{VERSION}+{version}" if version else VERSION))
        )

    def stats(self) -> AsgiApp:
        """GET /api/ai/stats."""
        from lib.web.stats_route import StatsRoute

        route = StatsRoute(self.gateway.stats, self._access, self.gateway.sweep.when_due)
        return self._shell(self._json("/api/ai/stats", route))

    def diagnostics(self) -> AsgiApp:
        """GET /api/ai/test-rate-limit and /api/ai/test-cache."""
        from lib.web.diagnostics_route import DiagnosticsRoute

        enabled = self.gateway.settings.diagnostics.test_endpoints
        gateway = self.gateway
        route = DiagnosticsRoute(self._access, enabled, gateway.simple_guard, gateway.keys.person, gateway.try_cache)
        return self._shell(
            self._json("/api/ai/test-rate-limit", route.rate_limit), self._json("/api/ai/test-cache", route.cache)
        )

    def _json(self, path: str, answer: Callable[[Call], Awaitable[Reply]]) -> Route:
        return Route(path, JsonEndpoint(answer, self._ids, EndpointRules(cors=self._cors)))

    def _shell(self, *routes: Route) -> AsgiApp:
        return Shell(routes, self._ids, self.gateway.world.transport.aclose)


def platform_deadline() -> Callable[[], float | None]:
    """When the platform ends the present invocation, where it says so (Vercel's runtime does)."""
    try:
        runtime: object = import_module("vercel_runtime")
    except ImportError:
        return lambda: None
    ends: Callable[[], datetime | None] = getattr(runtime, "get_deadline", lambda: None)

    def deadline() -> float | None:
        moment = ends()
        return moment.timestamp() if moment else None

    return deadline


def real_world(env: Mapping[str, str]) -> World:
    """The process's own clock, network and chance."""
    most = Settings.from_env(env).limits.at_once
    transport = AiohttpTransport(max_connections=2 * most + SPARE_CONNECTIONS)
    chance = random.Random(secrets.randbits(64))  # noqa: S311 - draws jitter, not secrets
    return World(env, transport, transport, SystemClock(), chance)


def misconfigured(error: SettingsError) -> AsgiApp:
    """What every route answers while a setting is wrong: which variable, and what it takes."""

    async def answer(_: Call) -> Reply:
        refusal = GatewayError(f"this deployment is misconfigured: {error}", code="misconfigured")
        refusal.status = 503
        raise refusal

    return JsonEndpoint(answer, request_id, EndpointRules(methods=("GET", "POST")))


def create(env: Mapping[str, str], name: str) -> AsgiApp:
    """The app of one function: `chat`, `health`, `stats` or `diagnostics`."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each URL at INFO
    try:
        apps = Apps(Gateway(real_world(env)))
    except SettingsError as error:
        logging.getLogger(__name__).critical("%s", error)
        return misconfigured(error)
    makers: dict[str, Callable[[], AsgiApp]] = {
        "chat": apps.chat,
        "health": apps.health,
        "stats": apps.stats,
        "diagnostics": apps.diagnostics,
    }
    return makers[name]()


def app_for(name: str) -> AsgiApp:
    """`create` with the process's environment."""
    return create(os.environ, name)
