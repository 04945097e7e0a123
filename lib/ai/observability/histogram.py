"""Latency histogram with buckets of a fixed ratio: mergeable by addition, every quantile within 5 % of the truth.

The scheme is DDSketch's logarithmic mapping (Masson, Rim, Lee, VLDB 2019) with relative error α = (γ − 1)/(γ + 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

GAMMA: Final = 1.105
"""Ratio of neighbouring bounds; α = 0.0499."""
BUCKETS: Final = 144
"""Bucket i holds (γ^(i−1), γ^i] milliseconds: up to 26 minutes. The last one also takes what is longer."""


def bucket_of(milliseconds: int) -> int:
    """The bucket of a duration."""
    if milliseconds <= 1:
        return 0
    return min(BUCKETS - 1, math.ceil(math.log(milliseconds) / math.log(GAMMA)))


def quantile(counts: Sequence[int], q: float) -> int | None:
    """The q-quantile in milliseconds (nearest rank), or None for an empty histogram."""
    total = sum(counts)
    if not total:
        return None
    rank = max(1, math.ceil(q * total))
    for bucket, count in enumerate(counts):
        rank -= count
        if rank <= 0:
            return round(2 * GAMMA**bucket / (GAMMA + 1))
    return None


def merged(histograms: Sequence[Sequence[int]]) -> list[int]:
    """The histogram of all observations together."""
    return [sum(column) for column in zip(*histograms, strict=True)] if histograms else [0] * BUCKETS
