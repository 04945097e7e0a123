"""Chooses a model for `auto`: hard filter, the customer's own field, then the ranking of the class of work."""

from __future__ import annotations

from dataclasses import dataclass

from lib.ai.plan import Alternative, Dropped
from lib.ai.router.choice import Choice, baseline_micro_usd, dollars, spread
from lib.ai.router.constraints import refusal, split
from lib.ai.router.domain import MYCOLOGY
from lib.ai.router.fallbacks import listed
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.ranking import Goal, goal_of, rank
from lib.ai.router.reading import Reading
from lib.answer import Health
from lib.catalog.providers import DEMO
from lib.contract import ChatRequest


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every model that fits, best first, those that do not, and what was aimed at."""

    quotes: tuple[Quote, ...]
    dropped: tuple[Dropped, ...]
    goal: Goal

    @property
    def best(self) -> Quote:
        """The one to ask first."""
        return self.quotes[0]


def choose(request: ChatRequest, reading: Reading, offer: Offer) -> Choice:
    """The best models for the request. Raises NoModelAvailable naming the demand that left none."""
    ranking = ranked(reading, offer)
    best, dropped = ranking.best, ranking.dropped
    chain = spread(ranking.quotes, use_fallback=request.use_fallback, same_provider=request.same_provider)
    if request.routing.models and request.use_fallback:
        wanted = listed(request, reading.needs, offer, best.model)
        chain = (best, *wanted.fit)
        dropped += tuple(each for each in wanted.dropped if each not in dropped)
    return Choice(
        chain=chain,
        reasoning=f"{_why(ranking, reading, offer.facts.baseline)}{_own_field(ranking, reading)}",
        alternatives=tuple(
            Alternative(q.model.id, q.total, q.model.quality, why_not(q, ranking)) for q in ranking.quotes[1:]
        ),
        dropped=dropped,
        automatic=True,
    )


def ranked(reading: Reading, offer: Offer) -> Ranking:
    """Filter and rank the whole catalogue. Raises NoModelAvailable naming the demand that left no model.

    The demo is no candidate, and a model that is down is one only when all are.
    """
    candidates = [row for row in offer.catalog.models if row.provider != DEMO]
    fit, rejected = split(candidates, reading.needs, offer)
    if not fit:
        raise refusal(rejected)
    standing, down = _standing(fit, offer)
    baseline = baseline_micro_usd(reading, offer)
    goal = goal_of(reading.policy, reading.complexity.level, reading.needs, offer, baseline)
    order = rank(standing, goal, offer)
    if reading.domain_hits:
        order = tuple(sorted(order, key=lambda quote: quote.model.id != MYCOLOGY.model))
    return Ranking(order, tuple(rejection.told() for rejection in rejected) + down, goal)


def _standing(fit: tuple[Quote, ...], offer: Offer) -> tuple[tuple[Quote, ...], tuple[Dropped, ...]]:
    """Those that are not down, and those that are; all of them stand when all are down."""
    standing = tuple(quote for quote in fit if offer.health(quote.model) is not Health.DOWN)
    if not standing:
        return fit, ()
    return standing, tuple(Dropped(quote.model.id, "down") for quote in fit if quote not in standing)


def why_not(quote: Quote, ranking: Ranking) -> str:
    """The plainest reason why `quote` comes after the best."""
    best, goal = ranking.best, ranking.goal
    if goal.shortfall(quote) > goal.shortfall(best):
        return f"quality {quote.model.quality} is below the {goal.quality} needed"
    if quote.total > best.total:
        return f"costs {dollars(quote.total)} rather than {dollars(best.total)}"
    if quote.model.speed < best.model.speed:
        return "slower"
    if best.model.id in goal.preferred:
        return f"{best.model.id} is preferred for {goal.policy.task.value}"
    return "ranked lower overall"


def _why(ranking: Ranking, reading: Reading, against: str) -> str:
    best, goal, complexity = ranking.best, ranking.goal, reading.complexity
    classification = reading.classification
    met = "meets" if not goal.shortfall(best) else "comes nearest to"
    preferred = ", is preferred for it" if best.model.id in goal.preferred else ""
    baseline = f" against {dollars(goal.baseline_micro_usd)} on {against}" if goal.baseline_micro_usd else ""
    return (
        f"{classification.task.value} (confidence {classification.confidence:.2f}) of {complexity.level} complexity "
        f"({complexity.score}): {best.model.id} {met} quality {goal.quality}{preferred} and is expected to cost "
        f"{dollars(best.total)}{baseline}."
    )


def _own_field(ranking: Ranking, reading: Reading) -> str:
    if not reading.domain_hits:
        return ""
    field = f" The prompt is of the field {MYCOLOGY.name} ({', '.join(reading.domain_hits[:4])})"
    if ranking.best.model.id == MYCOLOGY.model:
        return f"{field}, which {MYCOLOGY.model} is made for."
    reason = next((each.reason for each in ranking.dropped if each.model == MYCOLOGY.model), "not in the catalogue")
    return f"{field}, but {MYCOLOGY.model} was left out: {reason}."
