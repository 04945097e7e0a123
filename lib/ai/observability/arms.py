"""Both sides of a gradual rollout over a day, and the difference."""

from __future__ import annotations

from typing import Final

from lib.ai.observability.histogram import quantile
from lib.ai.observability.shown import QUANTILES, Timed, described, rate
from lib.contract import JsonObject

COMPARED: Final = QUANTILES[:2]


def compared(new: Timed, old: Timed) -> JsonObject:
    """Each side as a model's day is shown, with its cost per request; the difference is new less old.

    A difference is None where a side has nothing to compare: no request, no answer, or a cost that is not known.
    Latency is over what a model or the old implementation answered: hits are shown by their rate.
    """
    sides, figures = {"new": new, "old": old}, {"new": figures_of(new), "old": figures_of(old)}
    shown: JsonObject = {
        name: {**described(side), "costPerRequest": figures[name]["costPerRequest"]} for name, side in sides.items()
    }
    difference: JsonObject = {name: _less(figures["new"][name], figures["old"][name]) for name in figures["new"]}
    return {**shown, "difference": difference}


def figures_of(side: Timed) -> dict[str, float | None]:
    """What is compared; None for what is not known."""
    totals = side.totals
    served = totals.requests - totals.refused
    priced = served > 0 and totals.unpriced == 0
    return {
        "errorRate": rate(totals.errors, served) if served else None,
        **{name: quantile(side.latency, q) for name, q in COMPARED},
        "costPerRequest": round(totals.cost_micro_usd / served / 1e6, 9) if priced else None,
    }


def _less(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else round(new - old, 9)
