"""A plan told: as JSON in full, in short, and after health has changed its order."""

from __future__ import annotations

from dataclasses import replace

from lib.ai.plan import CostEstimate
from lib.ai.router import adjusted, recommendation, summary
from lib.ai.router.explanation import saved_percent
from lib.ai.router.policy import VERSION
from lib.ai.router.quality import shipped
from lib.answer import Health
from tests.support.routing import ask, facts, ids, plan

CHAT = plan(ask("hello"))
NAMED = plan(ask("hello", "gpt-4o"))


def test_the_recommendation_has_every_documented_field() -> None:
    told = recommendation(CHAT)
    assert list(told) == [
        "modelId",
        "provider",
        "modelRequested",
        "automatic",
        "substitution",
        "task",
        "taskConfidence",
        "complexity",
        "reasoning",
        "alternatives",
        "estimatedTokens",
        "estimatedCostUsd",
        "constraintsApplied",
        "dropped",
        "policyVersion",
        "exploration",
        "propensity",
        "pinned",
        "fallbackChain",
    ]
    assert (told["modelId"], told["provider"], told["task"]) == ("openai/gpt-6-luna", "openai", "simple_chat")
    assert told["complexity"] == {"score": 0, "level": "low", "signals": []}
    assert told["fallbackChain"] == ids(CHAT)[1:]
    assert (told["exploration"], told["propensity"]) == (False, 1.0)
    assert told["policyVersion"] == f"document-{VERSION}/{shipped().version}"


def test_money_is_told_in_dollars_beside_the_baseline() -> None:
    plan_ = replace(CHAT, cost=CostEstimate(input=1_500, output=500, baseline=8_000))
    assert recommendation(plan_)["estimatedCostUsd"] == {
        "input": 0.0015,
        "output": 0.0005,
        "total": 0.002,
        "baseline": 0.008,
        "savedPct": 75.0,
    }


def test_the_estimate_is_the_price_of_the_first_model_and_the_baselines_list_price() -> None:
    assert NAMED.cost.total == NAMED.cost.baseline > 0
    assert CHAT.cost.total < CHAT.cost.baseline


def test_a_dearer_model_saves_a_negative_share_and_no_baseline_saves_nothing() -> None:
    assert saved_percent(CostEstimate(input=10, output=10, baseline=10)) == -100.0
    assert saved_percent(CostEstimate(input=10, output=10, baseline=0)) == 0.0


def test_alternatives_and_left_out_models_are_told_with_reasons() -> None:
    told = recommendation(CHAT)
    first = CHAT.alternatives[0]
    alternatives = told["alternatives"]
    assert isinstance(alternatives, list)
    assert alternatives[0] == {
        "modelId": first.model,
        "estCostUsd": first.cost_micro_usd / 1_000_000,
        "quality": first.quality,
        "whyNot": first.why_not,
    }
    dropped = told["dropped"]
    assert isinstance(dropped, list)
    assert {"modelId": "xai/grok-4.7", "reason": "no key configured"} in dropped


def test_the_short_form_tells_substitutions_and_what_a_named_model_lost() -> None:
    short = summary(plan(ask("hello", "o1"), facts(frozenset({"anthropic"}))))
    assert short["substitution"] == "o1 is no longer offered; served by openai/gpt-6.1-sol"
    dropped = short["dropped"]
    assert isinstance(dropped, list)
    assert {"modelId": "openai/gpt-6.1-sol", "reason": "no key configured"} in dropped
    assert "dropped" not in summary(CHAT)
    assert "substitution" not in summary(CHAT)
    assert summary(CHAT)["fallbackChain"] == ids(CHAT)[1:]


def test_where_all_are_healthy_the_plan_is_unchanged() -> None:
    assert adjusted(CHAT, {}) is CHAT
    assert adjusted(CHAT, dict.fromkeys(ids(CHAT), Health.HEALTHY)) is CHAT


def test_an_automatic_plan_asks_healthy_models_first_then_degraded_then_down() -> None:
    first, second, third, fourth = ids(CHAT)
    changed = adjusted(CHAT, {first: Health.DOWN, second: Health.DEGRADED})
    assert ids(changed) == [third, fourth, second, first]
    assert ids(adjusted(CHAT, {first: Health.DEGRADED})) == [second, third, fourth, first]
    assert f"{first} is down" in changed.reasoning
    assert f"{second} is degraded" in changed.reasoning


def test_a_named_model_keeps_its_place_until_it_is_down() -> None:
    first, second, third = ids(NAMED)
    assert ids(adjusted(NAMED, {first: Health.DEGRADED})) == [first, second, third]
    assert ids(adjusted(NAMED, {first: Health.DOWN})) == [second, third, first]
    assert ids(adjusted(NAMED, {second: Health.DEGRADED})) == [first, third, second]


def test_nothing_is_left_out_even_when_everything_is_down() -> None:
    down = dict.fromkeys(ids(CHAT), Health.DOWN)
    assert adjusted(CHAT, down) is CHAT
