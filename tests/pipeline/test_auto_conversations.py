"""`auto` through the whole pipeline: conversations keep their model, and settings reach the router."""

from __future__ import annotations

import pytest

from lib.contract import Json, JsonObject
from lib.errors import SettingsError
from tests.support.asgi_client import Response
from tests.support.deployment import deployed

POEM = "write a poem about rain"
THREE: JsonObject = {
    "model": "auto",
    "messages": [
        {"role": "user", "content": POEM},
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "thanks"},
    ],
}


def first(document: JsonObject) -> JsonObject:
    messages = document["messages"]
    assert isinstance(messages, list)
    return {**document, "messages": [*messages[:1]]}


def used(response: Response) -> Json:
    return response.json()["modelUsed"]


async def test_a_later_turn_is_answered_by_the_model_of_the_first_on_any_instance() -> None:
    async with deployed() as site:
        opened = await site.instance().chat(first(THREE))
        later = await site.instance().chat(THREE)
        alone = await site.instance().chat({"model": "auto", "messages": [{"role": "user", "content": "thanks"}]})
        assert used(later) == used(opened) == "anthropic/claude-sonnet-5-5"
        assert used(alone) != used(opened)


async def test_the_python_function_heeds_the_operators_baseline_and_ceiling() -> None:
    async with deployed(BASELINE_MODEL="openai/gpt-6-luna", MAX_USD_PER_MILLION="2") as site:
        plan = site.instance().gateway.functions.route_to_optimal_model(POEM)
        plain = site.instance(BASELINE_MODEL="", MAX_USD_PER_MILLION="").gateway.functions.route_to_optimal_model(POEM)
        assert plan.cost.total <= 2 * (plan.input_tokens + plan.output_tokens) < plain.cost.total
        assert plan.cost.baseline < plain.cost.baseline


async def test_a_deployment_may_go_by_measured_quality() -> None:
    async with deployed(ROUTING_POLICY="measured") as site:
        plan = site.instance().gateway.functions.route_to_optimal_model(POEM)
        assert plan.policy.startswith("measured-")


async def test_a_quality_table_that_is_none_is_told_before_anything_is_asked() -> None:
    async with deployed(ROUTING_QUALITY="{}") as site:
        with pytest.raises(SettingsError, match="ROUTING_QUALITY"):
            site.instance()
