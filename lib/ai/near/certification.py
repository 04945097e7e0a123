"""When near hits may be served: by an upper bound on how many of them would be wrong, never by likeness alone. Pure.

Misses that had a candidate called the model all the same, so the two answers could be compared. With K of N comparisons
against the candidate, Clopper and Pearson (1934) bound the true share by the quantile BetaInv(1 - alpha; K + 1, N - K).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ALPHA: Final = 0.1
"""The bound holds with nine chances in ten."""
FEWEST: Final = 30.0
"""Comparisons below which nothing is said."""
_STEPS: Final = 200
"""Of the continued fraction, which converges within O(sqrt(max(a, b))): enough for counts in the ten thousands."""
_PRECISE: Final = 1e-12
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Tally:
    """Comparisons of one range of scores; fractions, since old ones count for less."""

    compared: float = 0.0
    against: float = 0.0
    """Those that did not show the two answers to be the same."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.compared + other.compared, self.against + other.against)


def wrong_bound(tally: Tally, alpha: float = ALPHA) -> float:
    """The share of wrong ones that is not exceeded, but with probability `alpha`; 1 where nothing is known."""
    n, k = tally.compared, tally.against
    return 1.0 if n - k <= 0 else _quantile(1 - alpha, k + 1, n - k)


def least_wrong(tally: Tally, alpha: float = ALPHA) -> float:
    """The share of wrong ones that there are at least, but with probability `alpha`."""
    n, k = tally.compared, tally.against
    return 0.0 if k <= 0 or n <= 0 else _quantile(alpha, k, n - k + 1)


def within(tally: Tally, max_wrong: float, alpha: float = ALPHA) -> bool:
    """Whether `wrong_bound` is at most `max_wrong`, without working it out."""
    n, k = tally.compared, tally.against
    return n - k > 0 and incomplete_beta(k + 1, n - k, max_wrong) >= 1 - alpha


def worse(tally: Tally, max_wrong: float, alpha: float = ALPHA) -> bool:
    """Whether `least_wrong` is more than `max_wrong`, without working it out."""
    n, k = tally.compared, tally.against
    return k > 0 and incomplete_beta(k, n - k + 1, max_wrong) < alpha


def certified_cut(bins: Sequence[Tally], max_wrong: float, alpha: float = ALPHA) -> int | None:
    """The lowest bin from which on all may be served; None while that is none.

    All comparisons from there on together keep the bound, there are FEWEST of them, the bin itself has some, and
    no bin above is bad on its own: worse than `max_wrong` even by its lower bound.

    Args:
        bins: by rising score.
        max_wrong: the share of hits that may be wrong.
        alpha: how often the bound may fail to hold.
    """
    above, cut = Tally(), None
    for index in range(len(bins) - 1, -1, -1):
        here = bins[index]
        if worse(here, max_wrong, alpha):
            break
        above += here
        if here.compared > 0 and above.compared >= FEWEST and within(above, max_wrong, alpha):
            cut = index
    return cut


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for positive a and b, to about ten digits.

    By its continued fraction (DLMF 8.17.22) with the modified Lentz method, on the side where that converges fast.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, _STEPS + 1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d, c = 1 / _not_zero(1 + term * d), _not_zero(1 + term / c)
            change = c * d
            total *= change
        if abs(change - 1) < _PRECISE:
            break
    return total


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _quantile(share: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if incomplete_beta(a, b, middle) < share:
            low = middle
        else:
            high = middle
    return high
