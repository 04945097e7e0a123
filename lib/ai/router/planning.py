"""`route`: from a request and the facts of the moment to a plan. Pure: same arguments, same plan."""

from __future__ import annotations

from dataclasses import replace

from lib.ai.plan import Dropped, Plan, RouteFacts
from lib.ai.router import automatic, named
from lib.ai.router.choice import Choice, plan_of
from lib.ai.router.constraints import no_provider, refusal, rejection_of
from lib.ai.router.health import adjusted
from lib.ai.router.judgement import Judgement
from lib.ai.router.offer import Offer
from lib.ai.router.pinning import kept
from lib.ai.router.policy import AUTO
from lib.ai.router.reading import Reading, read
from lib.catalog import Catalog, PriceBook
from lib.catalog.providers import DEMO
from lib.contract import ChatRequest
from lib.errors import PermissionDenied


def route(
    request: ChatRequest, facts: RouteFacts, catalog: Catalog, prices: PriceBook, judgement: Judgement | None = None
) -> Plan:
    """Decide which models to ask, in order; `judgement` is the document's with the shipped table where none is given.

    Raises InvalidRequest naming a field that is wrong, PermissionDenied for a model the caller may not use,
    NoModelAvailable naming the demand that left no model, and NoProviderConfigured when there is no provider at all.
    """
    offer = _with_successors(Offer(catalog, prices, facts, judgement or Judgement()))
    if not facts.providers:
        raise no_provider()
    _check_allowed(request, offer)
    reading = read(_with_ceiling(request, facts), offer.judgement.table)
    return adjusted(plan_of(request.model, _choice(request, reading, offer), reading, offer), facts.health)


def _with_successors(offer: Offer) -> Offer:
    """Who may use a model may use what serves in its place once it is retired."""
    allowed = offer.facts.models
    if not allowed:
        return offer
    known = {row.id for row in offer.catalog.models}
    serving = [offer.catalog.resolve(name, offer.today).model.id for name in allowed if name in known]
    return replace(offer, facts=replace(offer.facts, models=tuple(serving) or allowed))


def _check_allowed(request: ChatRequest, offer: Offer) -> None:
    allowed = offer.facts.models
    if not allowed or _is_auto(request):
        return
    if offer.catalog.resolve(request.model, offer.today).model.id not in allowed:
        raise PermissionDenied(
            f"this API key does not allow the model asked for; it allows {', '.join(allowed)}",
            param="model",
            code="model_not_allowed",
        )


def _with_ceiling(request: ChatRequest, facts: RouteFacts) -> ChatRequest:
    """The request with the operator's price ceiling, where the router chooses and the caller set none."""
    ceiling, wish = facts.max_usd_per_million, request.routing
    if ceiling is None or wish.max_usd_per_million is not None or not _is_auto(request):
        return request
    return replace(request, routing=replace(wish, max_usd_per_million=ceiling))


def _is_auto(request: ChatRequest) -> bool:
    return request.model.strip().lower() == AUTO


def _choice(request: ChatRequest, reading: Reading, offer: Offer) -> Choice:
    is_auto = _is_auto(request)
    if offer.only_demo:
        return _demonstrate(request, reading, offer, is_auto=is_auto)
    if is_auto:
        return automatic.choose(request, reading, offer, kept(request, reading, offer))
    return named.follow(request, reading, offer)


def _demonstrate(request: ChatRequest, reading: Reading, offer: Offer, *, is_auto: bool) -> Choice:
    """Without any provider's key the demo answers for every model, and says so."""
    demo = next(row for row in offer.catalog.models if row.provider == DEMO)
    rejection = rejection_of(demo, reading.needs, offer)
    if rejection:
        raise refusal((rejection,))
    asked = demo if is_auto else offer.catalog.resolve(request.model, offer.today).model
    stand_in = asked.id != demo.id
    return Choice(
        chain=(offer.quote(demo, reading.needs),),
        reasoning=f"No provider has a key, so {demo.id} answers.",
        dropped=(Dropped(asked.id, "no key configured"),) if stand_in else (),
        substitution=f"{request.model} is answered by {demo.id}: no key configured" if stand_in else "",
        automatic=is_auto,
    )
