"""Chooses a model for `auto`: hard filter, the customer's own field, then the ranking of the class of work."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lib.ai.plan import Alternative, Dropped
from lib.ai.router.choice import MAX_ALTERNATIVES, Choice, baseline_micro_usd, dollars, spread
from lib.ai.router.constraints import refusal, split
from lib.ai.router.domain import MYCOLOGY
from lib.ai.router.exploring import SURE, Trial
from lib.ai.router.fallbacks import listed
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.ranking import Goal, goal_of, rank
from lib.ai.router.reading import Reading
from lib.ai.router.shadow import shadowed
from lib.ai.router.trying import beliefs, tried
from lib.answer import Health
from lib.catalog.providers import DEMO
from lib.contract import ChatRequest


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every model that fits, best first, those that do not, and what was aimed at."""

    quotes: tuple[Quote, ...]
    dropped: tuple[Dropped, ...]
    goal: Goal
    pinned: bool = False
    """The first is that which the conversation is with."""

    @property
    def best(self) -> Quote:
        """The one to ask first."""
        return self.quotes[0]

    def led_by(self, place: int) -> Ranking:
        """The same with the one at `place` first."""
        return replace(self, quotes=(self.quotes[place], *self.quotes[:place], *self.quotes[place + 1 :]))

    def staying_with(self, kept: str) -> Ranking:
        """The same with the model of that id first, where it is among them."""
        place = next((place for place, quote in enumerate(self.quotes) if quote.model.id == kept), None)
        return self if place is None else replace(self.led_by(place), pinned=True)


def choose(request: ChatRequest, reading: Reading, offer: Offer, kept: str = "") -> Choice:
    """The best models for the request, before them the one that its conversation is with.

    Raises NoModelAvailable naming the demand that left none.
    """
    ranking, trial = first_of(request, reading, offer, kept)
    best, dropped = ranking.best, ranking.dropped
    chain = spread(ranking.quotes, use_fallback=request.use_fallback, same_provider=request.same_provider)
    if request.routing.models and request.use_fallback:
        wanted = listed(request, reading.needs, offer, best.model)
        chain = (best, *wanted.fit)
        dropped += tuple(each for each in wanted.dropped if each not in dropped)
    return Choice(
        chain=chain,
        reasoning=f"{_why(ranking, reading, offer.facts.baseline)}{_own_field(ranking, reading)}{_tried(trial)}"
        f"{' The conversation stays with it.' if ranking.pinned else ''}",
        alternatives=tuple(
            Alternative(q.model.id, q.total, q.model.quality, why_not(q, ranking))
            for q in ranking.quotes[1 : MAX_ALTERNATIVES + 1]
        ),
        dropped=dropped,
        automatic=True,
        trial=trial,
        pinned=ranking.pinned,
        shadow=shadowed((ranking.quotes, ranking.goal), offer),
    )


def first_of(request: ChatRequest, reading: Reading, offer: Offer, kept: str) -> tuple[Ranking, Trial]:
    """The ranking with the one first that is asked first, and whether that is a trial."""
    ranking = ranked(reading, offer).staying_with(kept)
    if ranking.pinned:
        return ranking, SURE
    trial = tried(request, reading, offer, (ranking.quotes, ranking.goal))
    return ranking.led_by(trial.arm), trial


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
    goal = replace(goal, bucket=reading.bucket, demand=reading.demand, beliefs=beliefs(standing, reading, offer))
    order = rank(standing, goal, offer)
    if reading.domain_hits:
        order = tuple(sorted(order, key=lambda quote: quote.model.id != MYCOLOGY.model))
    return Ranking(order, tuple(rejection.told() for rejection in rejected) + down, goal)


def _standing(fit: tuple[Quote, ...], offer: Offer) -> tuple[tuple[Quote, ...], tuple[Dropped, ...]]:
    """Those that are not down, and those that are; all of them stand when all are down."""
    down = [quote.model.id for quote in fit if offer.health(quote.model) is Health.DOWN]
    if len(down) in (0, len(fit)):
        return fit, ()
    standing = tuple(quote for quote in fit if quote.model.id not in down)
    return standing, tuple(Dropped(model, "down") for model in down)


def why_not(quote: Quote, ranking: Ranking) -> str:
    """The plainest reason why `quote` comes after the best."""
    best, goal = ranking.best, ranking.goal
    if goal.shortfall(quote) > goal.shortfall(best):
        return f"quality {quote.model.quality} is below the {goal.quality} needed"
    if ranking.pinned:
        return f"the conversation stays with {best.model.id}"
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


def _tried(trial: Trial) -> str:
    return f" It is tried to learn from votes (propensity {trial.propensity:.4f})." if trial.explored else ""


def _own_field(ranking: Ranking, reading: Reading) -> str:
    if not reading.domain_hits:
        return ""
    field = f" The prompt is of the field {MYCOLOGY.name} ({', '.join(reading.domain_hits[:4])})"
    if ranking.best.model.id == MYCOLOGY.model:
        return f"{field}, which {MYCOLOGY.model} is made for."
    reason = next((each.reason for each in ranking.dropped if each.model == MYCOLOGY.model), "not in the catalogue")
    return f"{field}, but {MYCOLOGY.model} was left out: {reason}."
