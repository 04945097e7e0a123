"""What one model for everything would have cost: the measure of what choosing among models saves."""

from __future__ import annotations

from dataclasses import dataclass

from lib.answer import Usage
from lib.catalog.pricing import PriceBook
from lib.catalog.rows import ModelRow


@dataclass(frozen=True, slots=True)
class Baseline:
    """The model that savings are counted against, at its list price."""

    prices: PriceBook
    model: ModelRow

    def micro_usd(self, usage: Usage, at: float) -> int:
        """Micro-dollars for the tokens that another model has taken; 0 where nobody knows the price."""
        cost = self.prices.cost(self.model, "", usage, at)
        return cost.micro_usd if cost.known else 0
