"""What may follow a model: the caller's own list, or else the catalogue's chain for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lib.ai.plan import Dropped
from lib.ai.router.constraints import Rejection, split
from lib.ai.router.needs import Needs
from lib.ai.router.offer import Offer, Quote
from lib.catalog import ModelRow, Resolution
from lib.catalog.providers import DEMO
from lib.contract import ChatRequest
from lib.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Candidates:
    """Models that can follow, in order, and those that cannot."""

    fit: tuple[Quote, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    outside: tuple[Dropped, ...] = ()
    """Left out because of another provider than the only one allowed."""

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """All that were left out, with reasons."""
        return (*self.outside, *(rejection.told() for rejection in self.rejected))


def listed(request: ChatRequest, needs: Needs, offer: Offer, lead: ModelRow) -> Candidates:
    """The models the caller lists as fallbacks. Raises InvalidRequest naming the one that does not exist."""
    resolved = [_resolve(name, position, offer) for position, name in enumerate(request.routing.models)]
    return _usable((resolution.model for resolution in resolved), needs, offer, lead)


def chained(needs: Needs, offer: Offer, lead: ModelRow) -> Candidates:
    """The catalogue's fallbacks of `lead`; where none of them can serve, a chain made of the providers that can."""
    fixed = _usable(_rows(offer.catalog.chain_for(lead, today=offer.today), offer), needs, offer, lead)
    if fixed.fit:
        return _in_order(fixed, needs)
    providers = _allowed(needs, offer, lead)
    made = _usable(
        _rows(offer.catalog.chain_for(lead, today=offer.today, providers=providers), offer), needs, offer, lead
    )
    return _in_order(Candidates(made.fit, fixed.rejected + made.rejected, fixed.outside + made.outside), needs)


def _in_order(candidates: Candidates, needs: Needs) -> Candidates:
    """Preferred providers first, otherwise as they were."""
    fit = sorted(candidates.fit, key=lambda quote: needs.place_of(quote.model.provider))
    return replace(candidates, fit=tuple(fit))


def _resolve(name: str, position: int, offer: Offer) -> Resolution:
    try:
        return offer.catalog.resolve(name, offer.today)
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param=f"gateway.models[{position}]", code=error.code) from error


def _rows(ids: Iterable[str], offer: Offer) -> Iterable[ModelRow]:
    return (offer.catalog.model(id_) for id_ in ids)


def _allowed(needs: Needs, offer: Offer, lead: ModelRow) -> frozenset[str]:
    providers = offer.facts.providers - {DEMO}
    if needs.wish.only:
        providers &= frozenset(needs.wish.only)
    return providers & {lead.provider} if needs.same_provider else providers


def _usable(models: Iterable[ModelRow], needs: Needs, offer: Offer, lead: ModelRow) -> Candidates:
    rows = tuple({row.id: row for row in models if row.id != lead.id}.values())
    inside = [row for row in rows if not needs.same_provider or row.provider == lead.provider]
    outside = tuple(Dropped(row.id, f"fallbacks are to stay with {lead.provider}") for row in rows if row not in inside)
    fit, rejected = split(inside, needs, offer)
    return Candidates(fit, rejected, outside)
