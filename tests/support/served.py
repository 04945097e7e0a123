"""The whole product behind a real server on loopback, for clients that bring their own HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.support.deployment import SERVICE, Deployment, Instance, deployed
from tests.support.loopback_server import serve

NAMED: Final = {"x-user-id": "u1", "x-user-tier": "master"}
"""For whom the service's token speaks."""


@dataclass(frozen=True)
class Served:
    """A deployment with one function of one instance behind a server."""

    site: Deployment
    instance: Instance
    url: str

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes."""
        return f"{self.url}/api/ai/v1"

    @property
    def key(self) -> str:
        """The credential."""
        return SERVICE


@asynccontextmanager
async def served(function: str = "v1", **env: str) -> AsyncGenerator[Served]:
    """One function of a deployment, until the block ends."""
    async with deployed(**env) as site:
        instance = site.instance()
        async with serve(instance.app(function)) as url:
            yield Served(site, instance, url)
