"""The shape of `prices.json`: how price rows are written to it and read from it.

`{"providers": {provider: [{"names": [...], "prices": [row, …]}]}}`; a row holds micro-dollars per million tokens by
kind, a tiered rate as `[base, [above, rate], …]`, and from when (`since`) or in which UTC hours (`between`) it applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import TypeAlias

from lib.catalog.rows import PriceRow, Rate
from lib.contract import Json, JsonObject

Listing: TypeAlias = Mapping[str, Mapping[str, tuple[PriceRow, ...]]]
"""Price rows by provider and by model name, in the order in which the last one that applies wins."""


def read_listings(value: Json) -> Listing:
    """The price rows of a file this product wrote. Raises TypeError naming what is not as written."""
    listings: dict[str, dict[str, tuple[PriceRow, ...]]] = {}
    for provider, models in _object(_object(value, "file").get("providers"), "providers").items():
        by_name = listings.setdefault(provider, {})
        for model in _list(models, provider):
            fields = _object(model, provider)
            rows = tuple(read_row(row) for row in _list(fields.get("prices"), provider))
            by_name.update((name, rows) for name in _list(fields.get("names"), provider) if isinstance(name, str))
    return listings


def read_row(value: Json) -> PriceRow:
    """One price row. Raises TypeError."""
    row = _object(value, "price row")
    dearest = read_rate(row.get("input")), read_rate(row.get("output"))
    if dearest[0] is None or dearest[1] is None:
        raise TypeError("a price row needs input and output")
    return PriceRow(
        input=dearest[0],
        output=dearest[1],
        cached_input=read_rate(row.get("cached_input")),
        cache_write=read_rate(row.get("cache_write")),
        cache_write_1h=read_rate(row.get("cache_write_1h")),
        since=date.fromisoformat(since) if isinstance(since := row.get("since"), str) else None,
        between=_hours(row.get("between")),
    )


def read_rate(value: Json) -> Rate | None:
    """A rate, or None when there is none. Raises TypeError."""
    if value is None or isinstance(value, int):
        return None if value is None else Rate(value)
    base, *tiers = _list(value, "rate")
    return Rate(_whole(base), tuple((_whole(above), _whole(rate)) for above, rate in (_list(t, "tier") for t in tiers)))


def write_row(row: PriceRow) -> JsonObject:
    """The row as it stands in the file; what it has not is left out."""
    written: JsonObject = {}
    for kind in ("input", "output", "cached_input", "cache_write", "cache_write_1h"):
        rate: Rate | None = getattr(row, kind)
        if rate is not None:
            tiers: list[Json] = [[above, dearer] for above, dearer in rate.tiers]
            written[kind] = [rate.base, *tiers] if tiers else rate.base
    if row.since is not None:
        written["since"] = row.since.isoformat()
    if row.between is not None:
        written["between"] = [moment.isoformat("minutes") for moment in row.between]
    return written


def _hours(value: Json) -> tuple[time, time] | None:
    if value is None:
        return None
    start, end = (time.fromisoformat(moment) for moment in _list(value, "between") if isinstance(moment, str))
    return start, end


def _object(value: Json, what: str) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError(f"{what} must be an object")
    return value


def _list(value: Json, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError(f"{what} must be a list")
    return value


def _whole(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError("a rate must be a whole number")
    return value
