"""Batches as clients send them, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from lib.web.asgi import AsgiApp
from tests.support.asgi_client import Exchange, Response, json_object, post, request
from tests.support.deployment import SERVICE, Instance

PATH: Final = "/api/ai/v2/batch"


def question(number: int, **fields: Json) -> JsonObject:
    """An item unlike the others, with an id."""
    messages: list[Json] = [{"role": "user", "content": f"Question {number}"}]
    return {"id": f"q{number}", "model": "gpt-4o-mini", "messages": messages, **fields}


def batch(count: int, **options: Json) -> JsonObject:
    """So many items, and options beside them."""
    return {"requests": [question(number) for number in range(count)], **options}


@dataclass(frozen=True)
class Client:
    """Somebody who sends batches to one function, the service for user `u1` unless headers say otherwise."""

    app: AsgiApp
    user: str = "u1"
    tier: str = "pro"
    token: str = SERVICE

    @classmethod
    def of(cls, instance: Instance, user: str = "u1", tier: str = "pro", token: str = SERVICE) -> Client:
        return cls(instance.app("batch"), user, tier, token)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "x_user_id": self.user, "x_user_tier": self.tier}

    async def post(self, document: JsonObject, **headers: str) -> Response:
        return await post(self.app, document, PATH, **self.headers, **headers)

    def exchange(self, document: JsonObject, **headers: str) -> Exchange:
        """The same, not yet run."""
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        return Exchange(self.app, path=PATH, headers=named, body=(orjson.dumps(document),))

    async def job(self, job: str, method: str = "GET") -> Response:
        return await request(self.app, method, f"{PATH}/{job}", **self.headers)

    async def results(self, job: str, query: str = "") -> list[JsonObject]:
        headers = {name.replace("_", "-"): value for name, value in self.headers.items()}
        response = await Exchange(self.app, "GET", f"{PATH}/{job}/results", headers, query=query).run()
        assert response.status == 200
        return lines_of(response)


def lines_of(response: Response) -> list[JsonObject]:
    """The documents of JSON Lines."""
    return [json_object(line) for line in response.body.splitlines()]


def results_of(response: Response) -> list[JsonObject]:
    """The items of an inline answer."""
    results = response.json()["results"]
    assert isinstance(results, list)
    return [result for result in results if isinstance(result, dict)]


def content_of(result: Mapping[str, Json]) -> str:
    """What an item was answered."""
    answer = result["answer"]
    assert isinstance(answer, dict)
    return str(answer["content"])


def error_of(result: Mapping[str, Json]) -> JsonObject:
    """How an item failed."""
    error = result["error"]
    assert isinstance(error, dict)
    return error


def statuses(results: list[JsonObject]) -> list[str]:
    """One word per item."""
    return [str(result["status"]) for result in results]
