"""A plan as JSON: in full for who asks why, in short beside every chat answer. Money is in dollars here."""

from __future__ import annotations

from typing import Final

from lib.ai.plan import Alternative, CostEstimate, Plan
from lib.contract import Json, JsonObject

MICRO_USD_PER_USD: Final = 1_000_000


def recommendation(plan: Plan) -> JsonObject:
    """The whole recommendation, in the wire's camelCase."""
    return {
        "modelId": plan.model.id,
        "provider": plan.model.provider,
        "modelRequested": plan.requested,
        "automatic": plan.automatic,
        "substitution": plan.substitution,
        "task": plan.task.value,
        "taskConfidence": round(plan.task_confidence, 3),
        "complexity": {
            "score": plan.complexity.score,
            "level": plan.complexity.level,
            "signals": list[Json](plan.complexity.signals),
        },
        "reasoning": plan.reasoning,
        "alternatives": [_alternative(each) for each in plan.alternatives],
        "estimatedTokens": {"input": plan.input_tokens, "output": plan.output_tokens},
        "estimatedCostUsd": _cost(plan.cost),
        "constraintsApplied": list[Json](plan.constraints),
        "dropped": _dropped(plan),
        "policyVersion": plan.policy,
        "exploration": plan.exploration,
        "propensity": plan.propensity,
        "pinned": plan.pinned,
        "fallbackChain": _fallbacks(plan),
    }


def summary(plan: Plan) -> JsonObject:
    """The short form carried by chat answers; `dropped` is told where the caller named the models."""
    short: JsonObject = {
        "modelId": plan.model.id,
        "task": plan.task.value,
        "taskConfidence": round(plan.task_confidence, 3),
        "complexity": plan.complexity.level,
        "reasoning": plan.reasoning,
        "estimatedCostUsd": _usd(plan.cost.total),
        "fallbackChain": _fallbacks(plan),
        "policyVersion": plan.policy,
        "automatic": plan.automatic,
        "pinned": plan.pinned,
    }
    if plan.propensity < 1:
        short |= {"exploration": plan.exploration, "propensity": round(plan.propensity, 6)}
    if plan.substitution:
        short["substitution"] = plan.substitution
    if plan.budget_downgrade:
        short["budgetDowngrade"] = plan.budget_downgrade
    if plan.dropped and not plan.automatic:
        short["dropped"] = _dropped(plan)
    return short


def saved_percent(cost: CostEstimate) -> float:
    """How much less than the baseline, in percent with one decimal; negative when more, 0 without a baseline."""
    if cost.baseline <= 0:
        return 0.0
    return round(100 * (cost.baseline - cost.total) / cost.baseline, 1)


def _cost(cost: CostEstimate) -> JsonObject:
    return {
        "input": _usd(cost.input),
        "output": _usd(cost.output),
        "total": _usd(cost.total),
        "baseline": _usd(cost.baseline),
        "savedPct": saved_percent(cost),
    }


def _alternative(each: Alternative) -> JsonObject:
    return {
        "modelId": each.model,
        "estCostUsd": _usd(each.cost_micro_usd),
        "quality": each.quality,
        "whyNot": each.why_not,
    }


def _dropped(plan: Plan) -> list[Json]:
    return [{"modelId": each.model, "reason": each.reason} for each in plan.dropped]


def _fallbacks(plan: Plan) -> list[Json]:
    return [row.id for row in plan.chain[1:]]


def _usd(micro_usd: int) -> float:
    return micro_usd / MICRO_USD_PER_USD
