"""The outcome of choosing, whichever way it was done, and the plan that tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.ai.plan import Alternative, CostEstimate, Dropped, Plan, Shadowed
from lib.ai.router.exploring import SURE, Trial
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.reading import Reading

CHAIN_LENGTH: Final = 4
"""The model and up to three fallbacks."""
MAX_ALTERNATIVES: Final = 4
LONGEST: Final = 8
"""Without `max_tokens`, an answer is reckoned to be at most so many times as long as is expected of its class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Models in the order they will be asked, and the story behind it."""

    chain: tuple[Quote, ...]
    """Never empty."""
    reasoning: str
    alternatives: tuple[Alternative, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    substitution: str = ""
    automatic: bool = False
    trial: Trial = SURE
    pinned: bool = False
    """The first is that which the conversation is with."""
    shadow: Shadowed | None = None


def baseline_micro_usd(reading: Reading, offer: Offer) -> int:
    """What the one-model-for-everything baseline would cost; 0 when the catalogue does not have that model."""
    row = next((row for row in offer.catalog.models if row.id == offer.facts.baseline), None)
    return offer.quote(row, reading.needs).total if row is not None else 0


def most_micro_usd(choice: Choice, reading: Reading, offer: Offer) -> int:
    """What the request may cost at most, so far as can be known: any model of the chain may answer, at length."""
    needs = reading.needs
    longest = needs.max_tokens or needs.output_tokens * LONGEST
    return max(
        max(
            quote.total,
            offer.prices.estimate(
                quote.model, needs.input_tokens, needs.choices * min(longest, quote.model.max_output), offer.facts.now
            ),
        )
        for quote in choice.chain
    )


def spread(ranked: tuple[Quote, ...], *, use_fallback: bool, same_provider: bool) -> tuple[Quote, ...]:
    """A chain from ranked models: the first, then the best of each other provider, so that one outage spares some."""
    first, *rest = ranked
    if not use_fallback:
        return (first,)
    if same_provider:
        return (first, *(quote for quote in rest if quote.model.provider == first.model.provider))[:CHAIN_LENGTH]
    seen = {first.model.provider}
    others: list[Quote] = []
    again: list[Quote] = []
    for quote in rest:
        (again if quote.model.provider in seen else others).append(quote)
        seen.add(quote.model.provider)
    return (first, *others, *again)[:CHAIN_LENGTH]


def plan_of(requested: str, choice: Choice, reading: Reading, offer: Offer) -> Plan:
    """The full recommendation."""
    first = choice.chain[0]
    input_cost = min(first.total, offer.input_micro_usd(first.model, reading.needs))
    return Plan(
        requested=requested,
        chain=tuple(quote.model for quote in choice.chain),
        task=reading.classification.task,
        task_confidence=reading.classification.confidence,
        complexity=reading.complexity,
        input_tokens=reading.needs.input_tokens,
        output_tokens=reading.needs.output_tokens,
        cost=CostEstimate(
            input_cost,
            first.total - input_cost,
            baseline_micro_usd(reading, offer),
            most_micro_usd(choice, reading, offer),
        ),
        reasoning=choice.reasoning,
        alternatives=choice.alternatives[:MAX_ALTERNATIVES],
        dropped=choice.dropped,
        constraints=reading.needs.constraints(automatic=choice.automatic),
        policy=offer.judgement.version,
        automatic=choice.automatic,
        substitution=choice.substitution,
        exploration=choice.trial.explored,
        propensity=choice.trial.propensity,
        pinned=choice.pinned,
        bucket=reading.bucket if choice.automatic and offer.facts.lessons is not None else "",
        shadow=choice.shadow,
    )


def dollars(micro_usd: int) -> str:
    """For showing: `$0.0021`."""
    return f"${micro_usd / 1_000_000:.6f}".rstrip("0").rstrip(".")
