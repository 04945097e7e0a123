"""GET /api/ai/v1/models: what can be called here, by whom, at what price."""

from __future__ import annotations

import pytest

from lib.catalog.models_embedding import EMBEDDINGS
from lib.contract import Grant, JsonObject
from lib.web.models_route import ModelOffer
from tests.support.asgi_client import Response
from tests.support.deployment import Deployment, Instance, deployed
from tests.support.openai_surface import error_of, read


def ids_in(response: Response) -> list[str]:
    data = response.json()["data"]
    assert isinstance(data, list)
    return [str(item["id"]) for item in data if isinstance(item, dict)]


def with_keys(site: Deployment) -> Instance:
    """An instance that can call OpenAI alone."""
    return site.instance(ANTHROPIC_API_KEY="", GEMINI_API_KEY="")


async def test_the_list_holds_what_has_a_key_and_the_routers_choice() -> None:
    async with deployed() as site:
        response = await read(with_keys(site), "models")
    ids = ids_in(response)
    assert (response.status, response.json()["object"], ids[0]) == (200, "list", "auto")
    assert {"openai/gpt-4o", "openai/text-embedding-3-small"} <= set(ids)
    assert {name.partition("/")[0] for name in ids} == {"auto", "openai"}


async def test_without_any_key_the_list_is_the_demos() -> None:
    async with deployed(OPENAI_API_KEY="", DEMO_PROVIDER="1") as site:
        response = await read(with_keys(site), "models")
    assert ids_in(response) == ["auto", "demo/echo", "demo/embedding"]


async def test_an_embedding_model_is_listed_where_another_provider_offers_it() -> None:
    async with deployed(OPENAI_API_KEY="", AI_GATEWAY_API_KEY="key") as site:
        response = await read(with_keys(site), "models")
    assert "openai/text-embedding-3-small" in ids_in(response)
    assert "openai/text-embedding-ada-002" not in ids_in(response)


async def test_a_model_says_what_it_takes_and_costs() -> None:
    async with deployed() as site:
        response = await read(site.instance(), "models/openai/gpt-4o")
    assert response.json() == {
        "id": "openai/gpt-4o",
        "object": "model",
        "created": 0,
        "owned_by": "openai",
        "type": "chat",
        "context_length": 128_000,
        "max_output_tokens": 16_384,
        "capabilities": ["json", "stream", "tools", "vision"],
        "pricing": {
            "input_usd_per_million": 2.5,
            "output_usd_per_million": 10.0,
            "cached_input_usd_per_million": 1.25,
        },
        "retires": "2027-01-14",
    }


async def test_an_embedding_model_says_how_long_its_vectors_are() -> None:
    async with deployed() as site:
        response = await read(site.instance(), "models/text-embedding-3-small")
    described: JsonObject = {
        "id": "openai/text-embedding-3-small",
        "type": "embedding",
        "context_length": 8_192,
        "dimensions": 1_536,
        "shortens": True,
        "pricing": {"input_usd_per_million": 0.02, "output_usd_per_million": 0.0},
    }
    assert described.items() <= response.json().items()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai%2Fgpt-4o", "openai/gpt-4o"),
        ("gpt-4o", "openai/gpt-4o"),
        ("auto", "auto"),
        ("openai/gpt-4o/", "openai/gpt-4o"),
    ],
)
async def test_a_model_is_found_by_encoded_and_bare_names(name: str, model: str) -> None:
    async with deployed() as site:
        response = await read(site.instance(), f"models/{name}")
    assert response.json()["id"] == model


@pytest.mark.parametrize("name", ["gpt-99", "mistral/mistral-medium-3.5", "text-embedding-99", "mistral-embed"])
async def test_a_model_that_cannot_be_called_is_not_found(name: str) -> None:
    async with deployed() as site:
        response = await read(site.instance(), f"models/{name}")
    assert (response.status, error_of(response)["code"]) == (404, "model_not_found")


async def test_a_credential_for_some_models_lists_those_and_finds_no_other() -> None:
    async with deployed() as site:
        gateway = site.instance().gateway
        offer = ModelOffer(gateway.catalog, EMBEDDINGS, gateway.prices, frozenset(gateway.lines))
        grant = Grant(models=("openai/gpt-4o", "openai/text-embedding-3-large"))
        listed = [item["id"] for item in offer.listing(grant, site.clock.now()) if isinstance(item, dict)]
    assert listed == ["auto", "openai/gpt-4o", "openai/text-embedding-3-large"]


async def test_a_model_of_the_past_is_not_listed_and_found_as_its_successor() -> None:
    async with deployed() as site:
        site.clock.turn(90 * 86_400)
        listed = await read(site.instance(), "models")
        found = await read(site.instance(), "models/openai/gpt-4o")
    assert "openai/gpt-4o" not in ids_in(listed)
    assert found.json()["id"] == "openai/gpt-6-luna"


async def test_a_price_that_nobody_knows_is_shown_as_unknown() -> None:
    async with deployed(CROWELOGIC_API_KEY="key", CROWELOGIC_BASE_URL="https://crowelogic.test/v1") as site:
        response = await read(site.instance(), "models/crowelogic/mini")
    assert response.json()["pricing"] is None


async def test_the_list_is_for_callers() -> None:
    async with deployed() as site:
        response = await read(site.instance(), "models", authorization="Bearer wrong")
    assert response.status == 401
