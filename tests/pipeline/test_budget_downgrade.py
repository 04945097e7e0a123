"""Near the end of a budget a cheaper model answers, for callers who take one, and the answer says so."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.contract import JsonObject
from tests.scripted.sayings import Saying, speaks
from tests.support.asgi_client import Response
from tests.support.deployment import ASK, Deployment, deployed, finished, metadata_of, text_in
from tests.support.ticks import next_tick

INSTANCES: Final = 8
REQUESTS: Final = 50
CENT: Final = 10_000
LITTLE: Final = "pro=0.002"
"""Too little for an answer of gpt-4o, enough for one of gpt-4o-mini."""
DOWNGRADE: Final[JsonObject] = {"onBudget": "downgrade"}
ASKED: Final[JsonObject] = {**ASK, "maxTokens": 500, "gateway": DOWNGRADE}
ANSWER: Final = speaks(Saying(("cheap",), usage={"prompt_tokens": 20, "completion_tokens": 500}))
COSTS: Final = {"openai/gpt-4o": 5_050, "openai/gpt-4o-mini": 303}
"""Of such an answer."""


def asking(question: str) -> JsonObject:
    return {"messages": [{"role": "user", "content": question}]}


def models_called(site: Deployment) -> list[str]:
    return [request.model for request in site.provider.requests]


def routing_of(response: Response) -> JsonObject:
    routing = metadata_of(response)["routing"]
    assert isinstance(routing, dict)
    return routing


async def test_a_cheaper_model_of_the_chain_answers_and_the_answer_says_so() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE) as site:
        site.provider.script("gpt-4o-mini", [ANSWER])
        response = await site.instance().chat(ASKED)
        assert (response.status, text_in(response)) == (200, "cheap")
        assert (response.json()["modelUsed"], response.json()["modelRequested"]) == ("openai/gpt-4o-mini", "gpt-4o")
        assert response.headers["x-ai-budget-downgrade"] == "openai/gpt-4o"
        assert routing_of(response)["budgetDowngrade"] == "openai/gpt-4o"
        assert models_called(site) == ["gpt-4o-mini"]
        by_model = (await site.instance().usage())["byModel"]
        assert isinstance(by_model, dict)
        assert set(by_model) == {"openai/gpt-4o-mini"}


@pytest.mark.parametrize("gateway", [{}, {"onBudget": "refuse"}])
async def test_without_the_callers_wish_there_is_no_other_model(gateway: JsonObject) -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE) as site:
        assert (await site.instance().chat(ASKED | {"gateway": gateway})).status == 402
        assert models_called(site) == []


async def test_an_operator_can_wish_it_for_a_tier_and_a_caller_can_still_refuse() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE, BUDGET_DOWNGRADE_TIERS="pro") as site:
        site.provider.script("gpt-4o-mini", [ANSWER])
        here = site.instance()
        refusing: JsonObject = {"gateway": {"onBudget": "refuse"}}
        assert (await here.chat(ASKED | refusing)).status == 402
        assert (await here.chat(ASKED | {"gateway": {}})).headers["x-ai-budget-downgrade"] == "openai/gpt-4o"


async def test_no_model_outside_of_the_callers_own_chain_answers() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE) as site:
        here = site.instance()
        alone: JsonObject = {"enableFallback": False}
        dear: JsonObject = {"gateway": {**DOWNGRADE, "models": ["claude-opus-5-5"]}}
        its_chain_is_dear: JsonObject = {"model": "claude-opus-5-5"}
        for fields in (alone, dear, its_chain_is_dear):
            assert (await here.chat(ASKED | fields)).status == 402
        assert models_called(site) == []


async def test_when_a_budget_is_wholly_spent_there_is_no_cheaper_model_either() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.004") as site:
        site.provider.script("gpt-4o", [ANSWER])
        here = site.instance()
        assert (await here.chat(ASKED | {"maxTokens": 60})).status == 200
        assert (await here.chat(ASKED | {"temperature": 1})).status == 402
        assert models_called(site) == ["gpt-4o"]


async def test_for_auto_the_best_model_that_fits_answers() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.0005") as site:
        here = site.instance()
        question = "Prove that the halting problem is undecidable, step by step, and derive Rice's theorem from it."
        asked = ASKED | asking(question) | {"model": "auto", "maxTokens": 300}
        assert (await here.chat(asked | {"gateway": {}})).status == 402
        response = await here.chat(asked)
        assert response.status == 200
        routing = routing_of(response)
        assert routing["budgetDowngrade"] not in ("", response.json()["modelUsed"])
        assert float(str(routing["estimatedCostUsd"])) <= 0.0005


async def test_a_stream_tells_it_in_its_headers() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE) as site:
        site.provider.script("gpt-4o-mini", [ANSWER])
        response = await site.instance().chat(ASKED | {"stream": True})
        assert response.headers["x-ai-budget-downgrade"] == "openai/gpt-4o"
        assert response.headers["x-ai-model"] == "openai/gpt-4o-mini"
        assert b"cheap" in response.body


async def test_the_answer_is_kept_for_those_who_ask_for_the_cheaper_model_alone() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE) as site:
        site.provider.script("gpt-4o-mini", [ANSWER])
        here = site.instance()
        assert (await here.chat(ASKED)).status == 200
        assert (await here.chat(ASKED | {"gateway": {}})).status == 402
        same = await here.chat(ASKED | {"model": "gpt-4o-mini", "gateway": {}})
        assert same.headers["x-cache"] == "HIT (exact)"
        again = await here.chat(ASKED)
        assert (again.headers["x-cache"], again.headers["x-ai-model"]) == ("HIT (exact)", "openai/gpt-4o-mini")
        assert models_called(site) == ["gpt-4o-mini"]


async def test_a_refused_request_counts_once_however_often_admission_was_asked() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD=LITTLE, TIER_LIMITS="pro=2/60") as site:
        site.provider.script("gpt-4o-mini", [ANSWER, ANSWER])
        here = site.instance()
        statuses = [(await here.chat(ASKED | {"temperature": n / 10})).status for n in range(3)]
        assert statuses == [200, 200, 429]


@pytest.mark.parametrize("most_tokens", [500, 900])
async def test_fifty_at_once_with_it_go_over_a_cent_by_less_than_one_answers_difference(most_tokens: int) -> None:
    async with deployed(DAILY_BUDGET_USD="0.01") as site:
        instances = [site.instance() for _ in range(INSTANCES)]
        for model in ("gpt-4o", "gpt-4o-mini"):
            site.provider.script(model, [ANSWER] * REQUESTS)
        site.provider.hold()
        tasks = [
            asyncio.create_task(
                instances[n % INSTANCES].chat(
                    ASKED | asking(f"essay {n}") | {"maxTokens": most_tokens}, x_user_id=f"u{n}"
                )
            )
            for n in range(REQUESTS)
        ]
        while site.provider.in_flight + sum(task.done() for task in tasks) < REQUESTS:
            await next_tick()
        site.provider.release()
        answered = [response for response in await finished(site, tasks) if response.status == 200]
        used = [str(response.json()["modelUsed"]) for response in answered]
        assert set(used) == set(COSTS)
        spent = sum(COSTS[model] for model in used)
        estimates = {
            model: min(
                round(float(str(routing_of(each)["estimatedCostUsd"])) * 1e6)
                for each, name in zip(answered, used, strict=True)
                if name == model
            )
            for model in COSTS
        }
        most = max(COSTS[model] - estimates[model] for model in COSTS)
        assert spent <= CENT + max(0, most)
