"""The composition root's door: the only reader of the environment. Each function under `api/` takes its app from here.

A wrong setting does not hide: every route then answers 503 and names the variable.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
from collections.abc import Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from lib.aiohttp_transport import AiohttpTransport
from lib.clock import SystemClock
from lib.composition import Gateway, World
from lib.errors import GatewayError, SettingsError
from lib.settings import Settings
from lib.site import Site, request_id
from lib.web.asgi import AsgiApp, Call
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint, Reply
from lib.web.shell import Route, Shell

SPARE_CONNECTIONS: Final = 64
"""To the KV, beside two for each request: its model and one that it is hedged with. Who waits for a connection times
out as if the model did not answer."""


class Routes(Protocol):
    """A module of `lib.endpoints`."""

    def routes(self, site: Site) -> tuple[Route, ...]:
        """The function's routes."""
        ...


def app_of(site: Site, name: str) -> AsgiApp:
    """The app of one function: its name is that of a module of `lib.endpoints`, imported now."""
    module = cast("Routes", import_module(f"lib.endpoints.{name}"))
    return Shell(module.routes(site), site.ids, site.gateway.world.aclose)


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

    return JsonEndpoint(answer, request_id, EndpointRules(methods=("GET", "POST", "PUT", "PATCH", "DELETE")))


def create(env: Mapping[str, str], name: str) -> AsgiApp:
    """The app of one function, see `app_of`."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each URL at INFO
    try:
        return app_of(Site(Gateway(real_world(env))), name)
    except SettingsError as error:
        logging.getLogger(__name__).critical("%s", error)
        return misconfigured(error)


def app_for(name: str) -> AsgiApp:
    """`create` with the process's environment."""
    return create(os.environ, name)
