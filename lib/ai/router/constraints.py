"""The hard filter: a model that fails one demand is left out, with the reason in words.

Demands are rows, from those the operator answers for to those the caller chose. When no model is left, the demand
that came last is the one to name: everything before it still had a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lib.ai.plan import Dropped
from lib.ai.router.needs import Needs
from lib.ai.router.offer import Offer, Quote
from lib.catalog import ModelRow
from lib.catalog.providers import DEMO
from lib.contract import OWN_KEY
from lib.errors import NoModelAvailable, NoProviderConfigured

SHOWN: Final = 3
"""How many models an error names."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model fails a demand, and the request's field that makes it; None when only the operator can help."""

    reason: str
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A model that failed, and the position of the demand it failed in `DEMANDS`."""

    model: str
    failure: Failure
    demand: int

    def told(self) -> Dropped:
        """As the plan shows it."""
        return Dropped(self.model, self.failure.reason)


Demand: TypeAlias = Callable[[ModelRow, Needs, Offer], Failure | None]


def _no_key(model: ModelRow, _: Needs, offer: Offer) -> Failure | None:
    if model.provider in offer.facts.providers:
        return None
    if offer.facts.own_keys:
        return Failure("none of the keys you sent is its provider's", f"{OWN_KEY}{model.provider}")
    return Failure("no key configured")


def _not_allowed(model: ModelRow, _: Needs, offer: Offer) -> Failure | None:
    allowed = not offer.facts.models or model.id in offer.facts.models
    return None if allowed else Failure("the API key does not allow it", "model")


def _retired(model: ModelRow, _: Needs, offer: Offer) -> Failure | None:
    retires = model.retires
    return Failure(f"retired on {retires}", "model") if retires is not None and retires <= offer.today else None


def _outside_only(model: ModelRow, needs: Needs, offer: Offer) -> Failure | None:
    only = needs.wish.only
    if not only or model.provider in only:
        return None
    # Only names of ours are repeated: the caller's text may be long, or made to be seen in an error.
    known = [row.id for row in offer.catalog.providers if row.id in only]
    return Failure(f"provider is not in only ({', '.join(known) or 'no provider of that name'})", "gateway.only")


def _lacks(model: ModelRow, needs: Needs, _: Offer) -> Failure | None:
    for capability in needs.capabilities:
        if capability.name not in model.capabilities:
            return Failure(f"has no {capability.name}, and {capability.source}", capability.param)
    return None


def _too_small(model: ModelRow, needs: Needs, _: Offer) -> Failure | None:
    window = model.context_window
    if window >= needs.room:
        return None
    return Failure(f"context window of {window} tokens is below the {needs.room} needed", "messages")


def _too_short(model: ModelRow, needs: Needs, _: Offer) -> Failure | None:
    longest = model.max_output
    if longest >= needs.max_tokens:
        return None
    return Failure(f"answers end at {longest} tokens, {needs.max_tokens} are asked for", "max_tokens")


def _too_dear(model: ModelRow, needs: Needs, offer: Offer) -> Failure | None:
    ceiling = needs.wish.max_usd_per_million
    if ceiling is None:
        return None
    quote = offer.quote(model, needs)
    if quote.usd_per_million <= ceiling:
        return None
    price = (
        f"${quote.usd_per_million:.2f}" if quote.known else f"an unknown price, taken as ${quote.usd_per_million:.2f}"
    )
    return Failure(f"{price} per million tokens is above ${ceiling:g}", "gateway.maxCostPer1MTokens")


def _over_budget(model: ModelRow, needs: Needs, offer: Offer) -> Failure | None:
    left = offer.facts.left_micro_usd
    if left is None or offer.quote(model, needs).total <= left:
        return None
    return Failure("too little is left of the budget for it", "model")


DEMANDS: Final[tuple[Demand, ...]] = (
    *(_no_key, _retired, _not_allowed, _outside_only),
    *(_lacks, _too_small, _too_short, _too_dear, _over_budget),
)
DEMO_DEMANDS: Final[tuple[Demand, ...]] = (_no_key, _retired, _outside_only)
"""The demo shows the gateway without a key: it takes requests with tools or images too, and ignores them."""


def rejection_of(model: ModelRow, needs: Needs, offer: Offer) -> Rejection | None:
    """The first demand the model fails, or None."""
    demands = DEMO_DEMANDS if model.provider == DEMO else DEMANDS
    for position, demand in enumerate(demands):
        failure = demand(model, needs, offer)
        if failure is not None:
            return Rejection(model.id, failure, position)
    return None


def split(models: Iterable[ModelRow], needs: Needs, offer: Offer) -> tuple[tuple[Quote, ...], tuple[Rejection, ...]]:
    """Quotes of those that meet every demand, and those that do not."""
    fit: list[Quote] = []
    rejected: list[Rejection] = []
    for model in models:
        rejection = rejection_of(model, needs, offer)
        if rejection is None:
            fit.append(offer.quote(model, needs))
        else:
            rejected.append(rejection)
    return tuple(fit), tuple(rejected)


def refusal(rejected: Sequence[Rejection]) -> NoModelAvailable:
    """The error when no model is left: 400 naming the caller's demand, or 503 when only the operator can help."""
    last = max(rejected, key=lambda rejection: rejection.demand)
    deciding = [rejection for rejection in rejected if rejection.demand == last.demand]
    shown = "; ".join(f"{rejection.model}: {rejection.failure.reason}" for rejection in deciding[:SHOWN])
    more = f"; and {len(deciding) - SHOWN} more" if len(deciding) > SHOWN else ""
    error = NoModelAvailable(f"no model can serve this request ({shown}{more})", param=last.failure.param)
    if last.failure.param is None:
        error.status, error.type = NoProviderConfigured.status, NoProviderConfigured.type
    return error


def no_provider() -> NoProviderConfigured:
    """The error when there is no provider at all."""
    return NoProviderConfigured(
        "no model provider is configured on this server",
        detail="set the key of a provider, for example OPENAI_API_KEY, or switch the demo provider on",
    )
