"""What votes change in a choice: beliefs about the models that fit, and now and then a trial of another one.

Trials are for requests where the model is nobody's wish and a change goes unnoticed, among models that are not thought
worse than is needed and do not cost much more. Without votes there is nothing to learn from, and nothing is tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lib.ai.lessons import ENOUGH, NOTHING, Belief, Lessons, belief
from lib.ai.router.exploring import SURE, Arm, Trial, drawn, trial
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.ranking import Goal
from lib.ai.router.reading import Reading
from lib.answer import Health
from lib.contract import ChatRequest
from lib.kv.cache.canonical import canonical
from lib.messages import last_user_text, system_text

INSTRUCTIONS: Final = frozenset({"system", "developer"})
ARMS: Final = 5
"""Models tried among, the first of the ranking included."""
TIMES_AS_DEAR: Final = 2.0
"""What a trial may cost against the model it takes the place of, or, where that is more:"""
SHARE_OF_BASELINE: Final = 0.1
"""of what the baseline would cost."""
WORSE_AT_MOST: Final = 0.15
"""By how much a model that is tried may be thought worse."""


def lessons_for(reading: Reading, offer: Offer) -> Lessons:
    """What is known of this class of work."""
    known = offer.facts.lessons or {}
    return known.get(reading.classification.task.value, NOTHING)


def beliefs(quotes: Sequence[Quote], reading: Reading, offer: Offer) -> Mapping[str, Belief]:
    """By model; empty where nobody has voted on this class of work."""
    lessons, task = lessons_for(reading, offer), reading.classification.task
    if not lessons.cells:
        return {}
    prior = offer.judgement.table.prior(task, {row.id: row for row in offer.catalog.models})
    return {
        id_: belief(prior(reading.bucket, id_), lessons.votes(reading.bucket, id_), lessons.leaning(id_, prior))
        for id_ in (quote.model.id for quote in quotes)
    }


def tried(request: ChatRequest, reading: Reading, offer: Offer, ranked: tuple[Sequence[Quote], Goal]) -> Trial:
    """Whether this request is a trial, and of which of the ranked models."""
    quotes, goal = ranked
    if not may_try(request, reading, offer):
        return SURE
    arms = [at for at, quote in enumerate(quotes) if not at or safe(quote, quotes[0], goal, offer)][:ARMS]
    prompt = "\0".join((system_text(request.messages), canonical(last_user_text(request.messages))))
    found = trial([_arm(quotes[at], goal) for at in arms], offer.facts.exploration, drawn(prompt, offer.facts.now))
    return Trial(arms[found.arm], found.propensity, found.explored)


def may_try(request: ChatRequest, reading: Reading, offer: Offer) -> bool:
    """Whether the request is one of those of which a share tries another model."""
    wish = request.routing
    turns = [message for message in request.messages if message.get("role") not in INSTRUCTIONS]
    return (
        offer.facts.exploration > 0
        and lessons_for(reading, offer).weight >= ENOUGH
        and len(turns) == 1
        and request.temperature != 0
        and not (reading.needs.capabilities or reading.domain_hits)
        and not (wish.models or wish.order or wish.sort or wish.prioritize_speed)
    )


def safe(quote: Quote, best: Quote, goal: Goal, offer: Offer) -> bool:
    """Whether a model may be tried in the place of the best."""
    believed, of_best = goal.beliefs[quote.model.id], goal.beliefs[best.model.id]
    ceiling = max(TIMES_AS_DEAR * best.total, SHARE_OF_BASELINE * goal.baseline_micro_usd)
    return (
        quote.known
        and quote.total <= ceiling
        and not goal.shortfall(quote)
        and believed.mean >= of_best.mean - WORSE_AT_MOST
        and offer.health(quote.model) is Health.HEALTHY
    )


def _arm(quote: Quote, goal: Goal) -> Arm:
    """Quality for its cost, whatever the policy prefers: that is what is to be learned."""
    believed = goal.beliefs[quote.model.id]
    cost = goal.judgement.table.trade * quote.total / max(1, goal.baseline_micro_usd)
    return Arm(believed.mean - cost, believed.deviation)
