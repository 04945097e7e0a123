"""What a call costs. The only place that turns tokens into money, in exact integer arithmetic.

Prices come from `prices.json` (written by `scripts/generate_prices.py`), read on first use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Final

from lib.answer import Usage
from lib.catalog.names import readings
from lib.catalog.price_file import Listing, read_listings
from lib.catalog.rows import ModelRow, PriceRow, Rate
from lib.contract import Json

PRICES_FILE: Final = Path(__file__).parent / "prices.json"
MILLION: Final = 1_000_000
CEILING: Final = PriceRow(input=Rate(75 * MILLION), output=Rate(150 * MILLION))
"""Stands in for an unknown price until settings say otherwise: dearer than any listed chat model."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Integer micro-dollars; `known` is False when the ceiling stood in for an unknown price."""

    micro_usd: int
    known: bool = True


def cost_micro_usd(usage: Usage, price: PriceRow) -> int:
    """The cost of a call in micro-dollars, rounded half up once.

    Cached and cache-write tokens are parts of `input_tokens`. A missing rate falls back to the next wider one. The
    tier is chosen by all input tokens and holds for the whole request, as vendors bill and genai-prices computes.
    """
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    plain = max(0, usage.input_tokens - usage.cached_input_tokens - written)
    cache_write = price.cache_write or price.input
    parts = (
        (plain, price.input),
        (usage.cached_input_tokens, price.cached_input or price.input),
        (usage.cache_write_tokens, cache_write),
        (usage.cache_write_1h_tokens, price.cache_write_1h or cache_write),
        (usage.output_tokens, price.output),
    )
    exact = 0
    for tokens, rate in parts:
        if tokens:
            exact += tokens * rate_for(rate, usage.input_tokens)
    return (exact + MILLION // 2) // MILLION


def rate_for(rate: Rate, input_tokens: int) -> int:
    """Micro-dollars per million tokens in a request of `input_tokens`."""
    amount = rate.base
    for above, dearer in rate.tiers:
        if input_tokens > above:
            amount = dearer
    return amount


def price_in_force(prices: Iterable[PriceRow], at: float) -> PriceRow | None:
    """The last row that applies at `at` (seconds since the epoch), as genai-prices chooses."""
    chosen = None
    for row in prices:
        if (row.since is None and row.between is None) or _applies(row, datetime.fromtimestamp(at, UTC)):
            chosen = row
    return chosen


def _applies(row: PriceRow, moment: datetime) -> bool:
    started = row.since is None or moment.date() >= row.since
    return started and (row.between is None or _within(row.between, moment.time()))


def _within(hours: tuple[time, time], moment: time) -> bool:
    start, end = hours
    if end < start:
        return moment >= start or moment < end
    return start <= moment < end


def from_dollars(usd_per_million: tuple[float, float]) -> PriceRow:
    """A price row of plain input and output prices in dollars per million tokens."""
    dollars_in, dollars_out = usd_per_million
    return PriceRow(input=Rate(round(dollars_in * MILLION)), output=Rate(round(dollars_out * MILLION)))


class PriceBook:
    """Finds prices: a model's own, else the price list's for the model that served, else for the model asked."""

    def __init__(self, ceiling: PriceRow = CEILING, path: Path = PRICES_FILE) -> None:
        self._ceiling = ceiling
        self._path = path
        self._own: dict[tuple[str, str], tuple[int, PriceRow | None]] = {}

    @cached_property
    def _listings(self) -> Listing:
        value: Json = json.loads(self._path.read_bytes())
        return read_listings(value)

    def price_of(self, model: ModelRow, served_model: str, at: float) -> PriceRow | None:
        """The price in force at `at`, or None when none is known.

        `served_model` is the response's model field: it decides when the provider's list knows it, dated or not.
        """
        if model.usd_per_million is not None:
            return from_dollars(model.usd_per_million)
        if served_model:
            return self._found(model, served_model, at)
        # Routing asks for the price of every model with every request, and prices change on the minute.
        name, minute = (model.provider, model.wire_name), int(at // 60)
        known = self._own.get(name)
        if known is None or known[0] != minute:
            known = self._own[name] = (minute, self._found(model, "", at))
        return known[1]

    def _found(self, model: ModelRow, served_model: str, at: float) -> PriceRow | None:
        for named in (served_model.lower().removeprefix("models/"), model.wire_name):
            for name in readings(named):
                row = price_in_force(self._listed(model.provider, name), at)
                if row is not None:
                    return row
        return None

    def cost(self, model: ModelRow, served_model: str, usage: Usage, at: float) -> Cost:
        """What `usage` costs; an unknown price is the ceiling and says so, never zero."""
        price = self.price_of(model, served_model, at)
        return Cost(cost_micro_usd(usage, price or self._ceiling), known=price is not None)

    def estimate(self, model: ModelRow, input_tokens: int, output_tokens: int, at: float) -> int:
        """Micro-dollars a call of that size is expected to cost."""
        return self.cost(model, "", Usage(input_tokens=input_tokens, output_tokens=output_tokens), at).micro_usd

    def usd_per_million(self, model: ModelRow, at: float) -> tuple[float, float]:
        """Input and output price in dollars per million tokens, for showing and comparing."""
        price = self.price_of(model, "", at) or self._ceiling
        return price.input.base / MILLION, price.output.base / MILLION

    def _listed(self, provider: str, name: str) -> tuple[PriceRow, ...]:
        listings = self._listings
        if provider not in listings and "/" in name:
            # A gateway names models `provider/model` and charges their list price.
            provider, _, name = name.partition("/")
        return listings.get(provider, {}).get(name, ())
