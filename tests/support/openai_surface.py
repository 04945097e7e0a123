"""Asking /api/ai/v1 as the service's server does, without a client library."""

from __future__ import annotations

from typing import Final

from lib.contract import Json, JsonObject
from lib.embedding import numbers_of
from tests.scripted.vectors import scripted_vector
from tests.support.asgi_client import Response, post, request
from tests.support.deployment import SERVICE, Instance

BASE: Final = "/api/ai/v1"
SMALL: Final = "openai/text-embedding-3-small"
WHO: Final = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1", "x_user_tier": "pro"}


async def ask(instance: Instance, document: JsonObject, path: str = "chat/completions", **headers: str) -> Response:
    """A document posted, for user `u1` of tier `pro` unless headers say otherwise."""
    return await post(instance.app("v1"), document, f"{BASE}/{path}", **(WHO | headers))


async def embed(instance: Instance, *texts: Json, **fields: Json) -> Response:
    """The embeddings of these inputs."""
    document: JsonObject = {"model": "text-embedding-3-small", "input": [*texts], "dimensions": 4}
    document |= fields
    return await ask(instance, document, "embeddings")


async def totals(instance: Instance, model: str = SMALL) -> JsonObject:
    """Today's totals of one model."""
    usage = (await instance.usage())["byModel"]
    assert isinstance(usage, dict)
    of_model = usage[model]
    assert isinstance(of_model, dict)
    return of_model


async def keys_of(instance: Instance) -> list[str]:
    """Every key in the store."""
    found = await instance.gateway.store.run("KEYS", "*")
    assert isinstance(found, list)
    return [key for key in found if isinstance(key, str)]


async def read(instance: Instance, path: str, **headers: str) -> Response:
    """What GET answers."""
    return await request(instance.app("v1"), "GET", f"{BASE}/{path}", **(WHO | headers))


def error_of(response: Response) -> JsonObject:
    """The error object of a response."""
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error


def vectors_in(response: Response) -> list[Json]:
    """The embeddings of an answer, in order."""
    data = response.json()["data"]
    assert isinstance(data, list)
    return [item["embedding"] for item in data if isinstance(item, dict)]


def gateway_of(response: Response) -> JsonObject:
    """What the gateway says about an answer."""
    gateway = response.json()["gateway"]
    assert isinstance(gateway, dict)
    return gateway


def vector(text: str, size: int = 4) -> list[float]:
    """The numbers that the scripted provider gives for a text."""
    return numbers_of(scripted_vector(text, size))
