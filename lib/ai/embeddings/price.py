"""What vectors cost: rounded up to a whole micro-dollar, since a short text costs less than half of one.

Rounded to the nearest, most searches would be booked at nothing, whatever their number.
"""

from __future__ import annotations

from dataclasses import replace

from lib.answer import Usage
from lib.catalog.pricing import Cost, PriceBook
from lib.catalog.rows import ModelRow


def cost_of(prices: PriceBook, model: ModelRow, usage: Usage, at: float, served_model: str = "") -> Cost:
    """The cost of one call's `usage`; nothing only for no tokens, or where the price is nothing."""
    cost = prices.cost(model, served_model, usage, at)
    price = prices.price_of(model, served_model, at)
    free = not usage.input_tokens or (price is not None and not price.input.base)
    return cost if free else replace(cost, micro_usd=max(1, cost.micro_usd))
