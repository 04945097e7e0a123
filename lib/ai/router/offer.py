"""What is on offer at this moment: the catalogue, today's prices, and which providers can be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache

from lib.ai.plan import RouteFacts
from lib.ai.router.judgement import Judgement
from lib.ai.router.needs import Needs
from lib.answer import Health, Usage
from lib.catalog import Catalog, ModelRow, PriceBook
from lib.catalog.providers import DEMO


@dataclass(frozen=True, slots=True)
class Quote:
    """A model and what this request is expected to cost on it, in micro-dollars."""

    model: ModelRow
    total: int
    known: bool
    """False when a ceiling stands in for an unknown price."""
    usd_per_million: float
    """Blended over the expected tokens of this request."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything a decision looks at beside the request."""

    catalog: Catalog
    prices: PriceBook
    facts: RouteFacts
    judgement: Judgement = field(default_factory=Judgement)

    @property
    def today(self) -> date:
        """The day (UTC) by which models retire."""
        return datetime.fromtimestamp(self.facts.now, UTC).date()

    @property
    def only_demo(self) -> bool:
        """Whether nothing but the demo can answer."""
        return self.facts.providers == frozenset({DEMO})

    def health(self, model: ModelRow) -> Health:
        """How the model has answered of late."""
        return self.facts.health.get(model.id, Health.HEALTHY)

    def quote(self, model: ModelRow, needs: Needs, kept_tokens: int = 0) -> Quote:
        """The expected cost; long inputs are quoted at the rate that holds for them.

        `kept_tokens` of the input are at the price of what the provider keeps of earlier requests.
        """
        kept = min(kept_tokens, needs.input_tokens)
        usage = _expected(needs.input_tokens, kept, needs.output_tokens)
        cost = self.prices.cost(model, "", usage, self.facts.now)
        # One micro-dollar per token is one dollar per million tokens.
        return Quote(model, cost.micro_usd, cost.known, cost.micro_usd / max(1, usage.total_tokens))

    def input_micro_usd(self, model: ModelRow, needs: Needs) -> int:
        """The input's share of the quote."""
        return self.prices.estimate(model, needs.input_tokens, 0, self.facts.now)


@lru_cache(maxsize=64)  # the same for every model that is quoted
def _expected(input_tokens: int, kept_tokens: int, output_tokens: int) -> Usage:
    return Usage(input_tokens=input_tokens, cached_input_tokens=kept_tokens, output_tokens=output_tokens)
