"""Plans for a model the caller named: that model, then what may follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lib.ai.plan import Alternative
from lib.ai.router.automatic import ranked
from lib.ai.router.choice import CHAIN_LENGTH, Choice
from lib.ai.router.constraints import Rejection, refusal, rejection_of
from lib.ai.router.fallbacks import Candidates, chained, listed
from lib.ai.router.needs import Needs
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.reading import Reading
from lib.catalog import ModelRow
from lib.contract import ChatRequest
from lib.errors import NoModelAvailable

ESTIMATE_SLACK: Final = 0.8
"""Token estimates run up to a fifth high, so a named model gets the benefit of the doubt: its provider has the word."""


def follow(request: ChatRequest, reading: Reading, offer: Offer) -> Choice:
    """The named model and its fallbacks.

    Raises InvalidRequest for a name that does not exist, NoModelAvailable naming the demand that left no model.
    """
    resolution = offer.catalog.resolve(request.model, offer.today)
    asked = resolution.model
    rejection = rejection_of(asked, _lenient(reading.needs), offer)
    followers = _followers(request, reading.needs, offer, asked)
    chain = followers.fit if rejection else (offer.quote(asked, reading.needs), *followers.fit)
    if rejection and not chain:
        chain = _last_resort(request, reading, offer, asked)
    if rejection and not chain:
        raise refusal((rejection, *followers.rejected))
    return Choice(
        chain=chain[:CHAIN_LENGTH],
        reasoning=_reasoning(asked, chain, rejection),
        alternatives=tuple(Alternative(q.model.id, q.total, q.model.quality, "a fallback") for q in chain[1:]),
        dropped=((rejection.told(),) if rejection else ()) + followers.dropped,
        substitution=resolution.substitution,
    )


def _lenient(needs: Needs) -> Needs:
    """What is certain about the size: too long for the window even if the estimate is high, whatever the answer."""
    return replace(needs, room=int(needs.input_tokens * ESTIMATE_SLACK), max_tokens=0)


def _followers(request: ChatRequest, needs: Needs, offer: Offer, asked: ModelRow) -> Candidates:
    if not request.use_fallback:
        return Candidates()
    if request.routing.models:
        return listed(request, needs, offer, asked)
    return chained(needs, offer, asked)


def _last_resort(request: ChatRequest, reading: Reading, offer: Offer, asked: ModelRow) -> tuple[Quote, ...]:
    """Any model that fits, best first, where the catalogue's chain has none and the caller lists none."""
    if not request.use_fallback or request.routing.models:
        return ()
    try:
        ranking = ranked(reading, offer)
    except NoModelAvailable:
        return ()
    return tuple(q for q in ranking.quotes if not request.same_provider or q.model.provider == asked.provider)


def _reasoning(asked: ModelRow, chain: Sequence[Quote], rejection: Rejection | None) -> str:
    ids = [quote.model.id for quote in chain]
    if rejection:
        return f"{asked.id} cannot serve this request ({rejection.failure.reason}); {ids[0]} takes its place."
    after = f", then {', '.join(ids[1:])} if it fails" if ids[1:] else ""
    return f"{asked.id} was asked for{after}."
