"""POST /api/ai/route: the whole recommendation, and no model asked."""

from __future__ import annotations

import pytest

from lib.contract import Json, JsonObject
from tests.support.asgi_client import Response, post
from tests.support.deployment import SERVICE, Instance, deployed

ASK: JsonObject = {"messages": [{"role": "user", "content": "Translate to French: good morning"}]}


async def advice(here: Instance, document: JsonObject, **headers: str) -> Response:
    named = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1", "x_user_tier": "pro"} | headers
    return await post(here.app("route"), document, path="/api/ai/route", **named)


async def test_the_advice_names_model_reasons_alternatives_costs_and_what_was_dropped() -> None:
    async with deployed() as site:
        answer = await advice(site.instance(), ASK)
        said = answer.json()
        assert answer.status == 200
        assert (said["task"], said["automatic"], said["pinned"]) == ("translation", True, False)
        assert str(said["modelId"]).startswith(f"{said['provider']}/")
        for field in ("reasoning", "alternatives", "estimatedCostUsd", "dropped", "fallbackChain", "policyVersion"):
            assert said[field], field
        assert site.provider.requests == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": "no-such-model"}, "model"),
        ({"gateway": {"maxCostPer1MTokens": 0.000001}}, "gateway.maxCostPer1MTokens"),
        ({"messages": []}, "messages"),
    ],
)
async def test_what_no_model_can_serve_is_refused_with_the_field(changes: JsonObject, param: str) -> None:
    async with deployed() as site:
        answer = await advice(site.instance(), {**ASK, **changes})
        error: Json = answer.json()["error"]
        assert isinstance(error, dict)
        assert answer.status in (400, 404)
        assert error["param"] == param


async def test_nobody_is_advised_without_a_credential() -> None:
    async with deployed(ALLOW_ANONYMOUS="0") as site:
        here = site.instance()
        assert (await post(here.app("route"), ASK, path="/api/ai/route")).status == 401
