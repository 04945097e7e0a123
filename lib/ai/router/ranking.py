"""Puts the models that fit in order: the class's preferences, quality, cost, speed and health, or the caller's wish."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.router.complexity import HIGH, LOW, MEDIUM
from lib.ai.router.needs import Needs
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.policy import BALANCED, SPEED_FIRST, UNKNOWN_COST, TaskPolicy
from lib.answer import Health

LEVELS: Final = (LOW, MEDIUM, HIGH)


@dataclass(frozen=True, slots=True)
class Goal:
    """What the ranking aims at."""

    policy: TaskPolicy
    level: str
    preferred: tuple[str, ...]
    """Ids in force today, best first."""
    baseline_micro_usd: int
    needs: Needs

    @property
    def quality(self) -> int:
        """The least capability tier for this class at this complexity."""
        return self.policy.quality[LEVELS.index(self.level)]

    def shortfall(self, quote: Quote) -> int:
        """Tiers the model is below what is needed."""
        return max(0, self.quality - quote.model.quality)


def goal_of(policy: TaskPolicy, level: str, needs: Needs, offer: Offer, baseline_micro_usd: int) -> Goal:
    """The goal, with retired preferences replaced by their successors."""
    known = {row.id for row in offer.catalog.models}
    names = [offer.catalog.resolve(name, offer.today).model.id for name in policy.prefers if name in known]
    return Goal(policy, level, tuple(dict.fromkeys(names)), baseline_micro_usd, needs)


def rank(quotes: Sequence[Quote], goal: Goal, offer: Offer) -> tuple[Quote, ...]:
    """Best first: asked-for providers, then the asked-for order or utility; ties to the cheaper, then by id."""
    return tuple(sorted(quotes, key=lambda quote: _key(quote, goal, offer)))


def utility(quote: Quote, goal: Goal, health: Health) -> float:
    """What a model is worth for this request, in the units of `policy.Weights`."""
    weights = SPEED_FIRST if goal.needs.wish.prioritize_speed else BALANCED
    model = quote.model
    worth = weights.quality * min(model.quality, goal.quality + 1) - weights.shortfall * goal.shortfall(quote)
    if model.id in goal.preferred:
        worth += weights.preference - weights.preference_step * goal.preferred.index(model.id)
    relative = quote.total / max(1, goal.baseline_micro_usd) if quote.known else UNKNOWN_COST
    worth -= weights.cost * math.log2(1 + relative)
    worth += weights.speed * model.speed
    return worth - (weights.degraded if health is not Health.HEALTHY else 0.0)


def _key(quote: Quote, goal: Goal, offer: Offer) -> tuple[int, float, float, int, str]:
    place = goal.needs.place_of(quote.model.provider)
    worth = round(utility(quote, goal, offer.health(quote.model)), 6)
    return place, _sorted_by(quote, goal.needs.wish.sort), -worth, quote.total, quote.model.id


def _sorted_by(quote: Quote, sort: str | None) -> float:
    if sort == "cost":
        return quote.total
    # The catalogue has one figure for speed; it stands for the first token and for tokens per second.
    return -quote.model.speed if sort else 0.0
