"""A whole deployment behind its own routes and rewrites, with a credential of every kind to call it with."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import orjson
from starlette.types import ASGIApp

from dev.site import site as mounted
from dev.vercel_config import VercelConfig
from lib.access.key_record import KeyTerms
from lib.contract import JsonObject
from lib.web.asgi import AsgiApp
from lib.web.shell import Route, Shell
from tests.support import stripe
from tests.support.asgi_client import Exchange, Response
from tests.support.auth_matrix import CHAT, ORIGIN, QUEUE_KEY, Who
from tests.support.deployment import ADMIN, SERVICE, Deployment, Instance, deployed
from tests.support.tokens import AUDIENCE, ISSUER, SECRET, SharedSigner

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CONFIG: Final = VercelConfig.read(ROOT / "vercel.json")
CRON: Final = "cron-secret"
USER: Final = "ann"
SECRETS: Final[Mapping[str, str]] = {
    "CRON_SECRET": CRON,
    "STRIPE_WEBHOOK_SECRET": stripe.SECRET,
    "STRIPE_PRICE_TIERS": "price_pro=pro",
    "JWT_ISSUER": ISSUER,
    "JWT_AUDIENCE": AUDIENCE,
    "JWT_SECRET": SECRET,
    "GATEWAY_HASH_SECRET": "hash-secret",
    "QSTASH_CURRENT_SIGNING_KEY": QUEUE_KEY,
    "GATEWAY_URL": ORIGIN,
    "ALLOW_ANONYMOUS": "0",
}


def functions() -> dict[str, str]:
    """The name that each file under api/ gives its app, by the path it is served at."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "api").rglob("*.py")):
        (name,) = re.findall(r'app_for\("(\w+)"\)', file.read_text(encoding="utf-8"))
        found["/" + file.relative_to(ROOT).with_suffix("").as_posix()] = name
    return found


def path_of(route: Route) -> str:
    """A route's path; what it takes below it as `…`."""
    return f"{route.path}/…" if route.below else route.path


@dataclass
class GuardedSite:
    """The deployment as its callers reach it."""

    place: Deployment
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def instance(self) -> Instance:
        return replace(self.place, env={**self.place.env, **self.env}).instance()

    @cached_property
    def shells(self) -> dict[str, Shell]:
        """Every function by its path."""
        return {path: cast("Shell", self.instance.app(name)) for path, name in functions().items()}

    @cached_property
    def app(self) -> AsgiApp:
        apps = {path: cast("ASGIApp", shell) for path, shell in self.shells.items()}
        return cast("AsgiApp", mounted(apps, CONFIG, ROOT / "public"))

    def routes(self) -> Iterator[Route]:
        for shell in self.shells.values():
            yield from shell.routes

    async def methods(self, path: str) -> tuple[str, ...]:
        """Those that a path takes, as OPTIONS tells."""
        response = await self.call("OPTIONS", path, {})
        allowed = response.headers["allow"].split(", ")
        return tuple(method for method in allowed if method not in ("HEAD", "OPTIONS"))

    async def call(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        asked, _, query = path.partition("?")
        return await Exchange(self.app, method, asked, headers, (body,), query).run()

    async def answer(self) -> str:
        """The id of an answer to the user."""
        return (await self._ask("/api/ai/v2/chat", CHAT)).headers["x-request-id"]

    async def batch(self) -> str:
        """The id of a durable batch of the user."""
        response = await self._ask("/api/ai/v2/batch", {"requests": [CHAT], "mode": "durable"})
        return str(response.json()["id"])

    async def _ask(self, path: str, document: JsonObject) -> Response:
        response = await self.call("POST", path, _service() | {"x-user-tier": "master"}, orjson.dumps(document))
        assert response.status in (200, 202), response.body
        return response

    async def api_key(self) -> str:
        """The id of another key of the user."""
        return (await self.instance.gateway.api_keys.create(USER, KeyTerms())).record.id

    async def credentials(self) -> dict[Who, Mapping[str, str]]:
        """Headers of every kind of caller but those who sign."""
        keys, now = self.instance.gateway.api_keys, self.place.clock.now()
        expired = await keys.create(USER, replace(KeyTerms(), expires_at=int(now) + 1))
        revoked = await keys.create(USER, KeyTerms())
        await keys.revoke(revoked.record.id)
        self.place.clock.turn(2)
        tokens = SharedSigner()
        return {
            Who.NOBODY: {},
            Who.ANONYMOUS: {},
            Who.STRANGER: _bearer("stranger"),
            Who.OTHER_SCHEME: {"authorization": f"Basic {SERVICE}"},
            Who.EXPIRED_KEY: _bearer(expired.token),
            Who.REVOKED_KEY: _bearer(revoked.token),
            Who.EXPIRED_TOKEN: _bearer(tokens.token(sub=USER, exp=int(now) - 3_600)),
            Who.ANOTHER: _bearer((await keys.create("bob", KeyTerms())).token),
            Who.KEY: _bearer((await keys.create(USER, KeyTerms())).token),
            Who.TOKEN: _bearer(tokens.token(sub=USER)),
            Who.SERVICE: _service(),
            Who.ADMIN: _bearer(ADMIN) | {"x-user-id": USER},
            Who.CRON: _bearer(CRON),
            Who.SIGNED: {},
        }


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _service() -> dict[str, str]:
    return _bearer(SERVICE) | {"x-user-id": USER}


@asynccontextmanager
async def guarded(**env: str) -> AsyncGenerator[GuardedSite]:
    """A deployment with every secret set, and anonymous callers turned away unless `env` lets them in."""
    async with deployed(**(dict(SECRETS) | env)) as place:
        yield GuardedSite(place)
