"""Which model a conversation stays with (pure, without a store): its turns are decided again, in order.

Providers keep the beginning of a conversation and charge less for it, so a change of model costs what that saves. A
request carries its whole history: the model that was chosen for the first message follows from that message, and
whether a later one asked clearly for more follows from that one. In a tool loop the last message of the user decides
as it did when the loop began. What cannot be known so: an outage or a price that was another one at an earlier turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lib.ai.plan import Task
from lib.ai.router.automatic import Ranking, first_of, ranked
from lib.ai.router.domain import MYCOLOGY
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.ranking import utility
from lib.ai.router.reading import Reading, read
from lib.answer import Health
from lib.contract import ChatRequest, Message
from lib.errors import NoModelAvailable
from lib.messages import estimate_input_tokens

FOLLOWED: Final = 3
"""Messages of the user that are decided again, from the first on, beside the last: the work is bounded."""
KEPT_FROM: Final = 1_024
"""Tokens from which providers keep a prompt's beginning."""
TIER: Final = 0.1
"""What a capability tier is taken to be worth in quality, where classes of work set no least tier."""
CLEARLY: Final = 2
"""Tiers by which the model must be too low to be left once something is kept; before that one is enough."""
SURE: Final = 0.7
"""Confidence from which a message is of another class of work than that which the model was chosen for."""


@dataclass(frozen=True, slots=True)
class Held:
    """The model a conversation is with, and the class of work it was chosen for."""

    model: str = ""
    task: Task = Task.SIMPLE_CHAT


NOTHING: Final = Held()


def kept(request: ChatRequest, reading: Reading, offer: Offer) -> str:
    """The model to stay with; empty for a first message, and for one that asks for another model."""
    turns = _turns(request.messages)
    if not turns:
        return ""
    table = offer.judgement.table
    calm = replace(offer, facts=replace(offer.facts, health={}, left_micro_usd=None))
    held = before = NOTHING
    for end in turns:
        so_far = replace(request, messages=request.messages[:end])
        whole = end == len(request.messages)
        held, before = _after(so_far, reading if whole else read(so_far, table), held, calm), held
    return held.model if held.model == before.model or request.messages[-1].get("role") != "user" else ""


def _turns(messages: Sequence[Message]) -> list[int]:
    """Where the followed turns end; none where the model has not answered yet."""
    ends = [place + 1 for place, message in enumerate(messages) if message.get("role") == "user"]
    if not ends or all(message.get("role") != "assistant" for message in messages[ends[0] :]):
        return []
    return ends if len(ends) <= FOLLOWED else [*ends[:FOLLOWED], ends[-1]]


def _after(request: ChatRequest, reading: Reading, held: Held, offer: Offer) -> Held:
    """The model after one more message of the user."""
    try:
        ranking = ranked(reading, offer) if held.model else first_of(request, reading, offer, "")[0]
    except NoModelAvailable:
        return held
    own = next((quote for quote in ranking.quotes if quote.model.id == held.model), None)
    other = Held(ranking.best.model.id, reading.classification.task)
    own_field = bool(reading.domain_hits) and other.model == MYCOLOGY.model
    if own is None or own_field:
        return other
    kept_tokens = _kept_tokens(request)
    if kept_tokens and not _of_another_class(reading, held):
        return held
    at_kept_price = offer.quote(own.model, reading.needs, kept_tokens)
    return other if _asks_for_more(ranking, at_kept_price, CLEARLY if kept_tokens else 1) else held


def _kept_tokens(request: ChatRequest) -> int:
    """What the provider is likely to have kept of all that stands before the last message."""
    history = estimate_input_tokens(replace(request, messages=request.messages[:-1], tools=()))
    return history if history >= KEPT_FROM else 0


def _of_another_class(reading: Reading, held: Held) -> bool:
    found = reading.classification
    return found.task is not held.task and found.confidence >= SURE


def _asks_for_more(ranking: Ranking, own: Quote, margin: int) -> bool:
    """Whether the best model is by `margin` tiers nearer to what is needed than the own one, and worth it."""
    goal, best = ranking.goal, ranking.best
    if goal.weights.shortfall:
        nearer: float = goal.shortfall(own) - goal.shortfall(best)
    else:
        nearer = (goal.expected(best.model) - goal.expected(own.model)) / TIER
    return nearer >= margin and utility(best, goal, Health.HEALTHY) > utility(own, goal, Health.HEALTHY)
