"""Questions that mean the same, and a deployment that has learned to trust them."""

from __future__ import annotations

from typing import Final

from lib.ai.near.pools import ALL, TRUSTED_SECONDS
from lib.contract import Json, JsonObject
from tests.support.asgi_client import Exchange, Response
from tests.support.deployment import ADMIN, Deployment, Instance

FIRST: Final = "How do I reset my password?"
SECOND: Final = "How can I reset the password of my account?"
TRAP: Final = "How do I reset my password 3 times?"
SAYS: Final = "Open the settings, choose security and follow the link that is sent to you."


def question(text: str, **more: Json) -> JsonObject:
    """A chat that is nothing but this question."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


async def pool(here: Instance, name: str = ALL) -> dict[str, int]:
    """What has been counted, 1,024-fold."""
    reply = await here.gateway.store.run("HGETALL", here.gateway.keys.near_pool(name))
    cells = reply if isinstance(reply, list) else []
    return {str(k): int(str(v)) for k, v in zip(cells[::2], cells[1::2], strict=True) if k != "w"}


async def certify(site: Deployment, here: Instance, name: str = ALL) -> None:
    """As if many comparisons had all come out the same, so that all near hits are served; seen by all at once."""
    fields: list[str | int] = [part for at in range(1, 13) for part in (f"s{at}", 400 * 1024)]
    await here.gateway.store.run("HSET", here.gateway.keys.near_pool(name), *fields)
    site.clock.turn(TRUSTED_SECONDS + 1)


async def near_stats(here: Instance) -> JsonObject:
    """The section of the statistics."""
    response = await Exchange(here.app("stats"), "GET", "/api/ai/stats", {"authorization": f"Bearer {ADMIN}"}).run()
    assert response.status == 200
    section = response.json()["nearCache"]
    assert isinstance(section, dict)
    return section


def cache_of(response: Response) -> str:
    """Of `x-cache`."""
    assert response.status == 200, response.body
    return response.headers["x-cache"]
