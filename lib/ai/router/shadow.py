"""A second policy on paper: what it would have asked, for requests that the first one serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from lib.ai.plan import Shadowed
from lib.ai.router.judgement import WEIGHTS
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.policy import Weights
from lib.ai.router.ranking import Goal, rank

Judged: TypeAlias = tuple[float, float, int, str]
WEIGHT_NAMES: Final = tuple(each.name for each in fields(Weights))


def _cheapest(quote: Quote, goal: Goal) -> Judged:
    return goal.shortfall(quote), 0.0, quote.total, quote.model.id


def _best(quote: Quote, goal: Goal) -> Judged:
    believed = goal.beliefs.get(quote.model.id)
    quality = goal.judgement.table.of(goal.policy.task, goal.bucket, quote.model)
    return -(quality + believed.moved if believed else quality), 0.0, quote.total, quote.model.id


SIMPLE: Final = MappingProxyType[str, Callable[[Quote, Goal], Judged]]({"cheapest": _cheapest, "quality": _best})


def shadowed(ranking: tuple[tuple[Quote, ...], Goal], offer: Offer) -> Shadowed | None:
    """The shadow policy's choice among the models that fit, beside the first of the ranking; None without a policy."""
    quotes, goal = ranking
    policy = offer.facts.shadow
    if policy is None:
        return None
    if judge := SIMPLE.get(policy.kind):
        first = min(quotes, key=lambda quote: judge(quote, goal))
    else:
        weights = replace(WEIGHTS.get(policy.kind, goal.weights), **policy.weights)
        first = rank(quotes, replace(goal, beliefs={}, own_weights=weights), offer)[0]
    served = quotes[0]
    return Shadowed(first.model.id, first.total, served.total, first.model.id == served.model.id)
