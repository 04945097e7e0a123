"""Puts the models that fit in order, by the caller's wish or by utility.

Utility is quality − λ · cost / the baseline's cost + speed, and what the policy's rows add: the preferences of the
class of work, and the tier it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from lib.ai.lessons import BUCKETS, Belief
from lib.ai.router.complexity import HIGH, LOW, MEDIUM
from lib.ai.router.judgement import Judgement
from lib.ai.router.needs import Needs
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.policy import SPEED_FIRST, UNKNOWN_COST, TaskPolicy, Weights
from lib.ai.router.quality import TIERS
from lib.answer import Health
from lib.catalog import ModelRow

LEVELS: Final = (LOW, MEDIUM, HIGH)


@dataclass(frozen=True)
class Goal:
    """What the ranking aims at."""

    policy: TaskPolicy
    level: str
    preferred: tuple[str, ...]
    """Ids in force today, best first."""
    baseline_micro_usd: int
    needs: Needs
    judgement: Judgement
    bucket: str = BUCKETS[0]
    """Of the prompt's length."""
    demand: float = 0.0
    """What the prompt's words say of how much a strong model would gain."""
    beliefs: Mapping[str, Belief] = field(default_factory=dict[str, Belief])
    """By model, where users have voted on this class of work."""

    own_weights: Weights | None = None
    """In the place of the policy's."""

    @cached_property
    def weights(self) -> Weights:
        """What counts how much."""
        if self.own_weights is not None:
            return self.own_weights
        return SPEED_FIRST if self.needs.wish.prioritize_speed else self.judgement.weights

    @cached_property
    def quality(self) -> int:
        """The least capability tier for this class at this complexity."""
        return self.policy.quality[LEVELS.index(self.level)]

    def shortfall(self, quote: Quote) -> int:
        """Tiers the model is below what is needed."""
        return max(0, self.quality - quote.model.quality)

    def expected(self, model: ModelRow) -> float:
        """The model's quality for this prompt by the table, from 0 to 1."""
        table = self.judgement.table
        if model.id not in table.models:
            return self._of_tiers[min(TIERS, max(1, model.quality)) - 1]
        return self._reckoned(table.of(self.policy.task, self.bucket, model), model.quality)

    @cached_property
    def _of_tiers(self) -> tuple[float, ...]:
        """What is expected of a model by its tier alone, from the first on: the same for most of the catalogue."""
        of_tier = self.judgement.table.of_tier
        return tuple(self._reckoned(of_tier(self.policy.task, self.bucket, tier), tier) for tier in range(1, TIERS + 1))

    def _reckoned(self, quality: float, tier: int) -> float:
        table = self.judgement.table
        found = quality + table.gain(self.demand, tier)
        if not self.weights.shortfall:
            return found
        # More than one tier above what is needed is worth nothing more.
        enough = min(TIERS, self.quality + 1)
        return min(found, table.of_tier(self.policy.task, self.bucket, enough) + table.gain(self.demand, enough))

    def price(self, quote: Quote) -> float:
        """What the model's cost takes from its worth."""
        weight = self.judgement.table.trade if self.weights.cost is None else self.weights.cost
        return weight * (quote.total / max(1, self.baseline_micro_usd) if quote.known else UNKNOWN_COST)


def goal_of(policy: TaskPolicy, level: str, needs: Needs, offer: Offer, baseline_micro_usd: int) -> Goal:
    """The goal, with retired preferences replaced by their successors."""
    known = {row.id for row in offer.catalog.models}
    names = [offer.catalog.resolve(name, offer.today).model.id for name in policy.prefers if name in known]
    return Goal(policy, level, tuple(dict.fromkeys(names)), baseline_micro_usd, needs, offer.judgement)


def rank(quotes: Sequence[Quote], goal: Goal, offer: Offer) -> tuple[Quote, ...]:
    """Best first: asked-for providers, then the asked-for order or utility; ties to the cheaper, then by id."""
    return tuple(sorted(quotes, key=lambda quote: _key(quote, goal, offer)))


def utility(quote: Quote, goal: Goal, health: Health) -> float:
    """What a model is worth for this request, in the units of `policy.Weights`."""
    weights = goal.weights
    model = quote.model
    worth = weights.quality * goal.expected(model) - weights.shortfall * goal.shortfall(quote)
    if model.id in goal.preferred:
        worth += weights.preference - weights.preference_step * goal.preferred.index(model.id)
    worth += weights.speed * model.speed - goal.price(quote)
    if believed := goal.beliefs.get(model.id):
        worth += weights.votes * believed.moved
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
