"""Gradient boosting of shallow symmetric trees that may only rise, or only fall, in a feature.

Newton steps on the logistic loss (Friedman, 2001); one split per level as in CatBoost (Prokhorenkova et al., 2018), so
that a tree is three thresholds and eight numbers. The same data give the same trees on every machine of a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
DEPTH: Final = 3
BINS: Final = 24
RATE: Final = 0.1
SMOOTHING: Final = 8.0
"""Added to the weight in a leaf."""


@dataclass(frozen=True)
class Tree:
    """`features[i]` above `thresholds[i]` sets bit i of the leaf's number."""

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    leaves: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """The training rows, binned."""

    bins: Whole
    """One row per feature."""
    edges: tuple[Floats, ...]
    labels: Floats
    importance: Floats
    directions: tuple[int, ...]

    @classmethod
    def of(cls, rows: Floats, labels: Floats, importance: Floats, directions: Sequence[int]) -> Table:
        """Bins at the features' quantiles."""
        edges = tuple(_edges(column) for column in rows.T)
        binned: list[Whole] = [
            np.asarray(np.searchsorted(cut, column, side="left"), dtype=np.int64)
            for cut, column in zip(edges, rows.T, strict=True)
        ]
        return cls(np.stack(binned), edges, labels, importance, tuple(directions))


def _edges(column: Floats) -> Floats:
    """Thresholds between the values; a row is above a threshold when its value is greater."""
    values: Floats = np.unique(np.quantile(column, np.linspace(0, 1, BINS), method="nearest"))
    return ((values[1:] + values[:-1]) / 2).round(3)


def boost(table: Table, trees: int) -> tuple[float, list[Tree]]:
    """The bias and the trees, whose sum is the logarithm of the odds."""
    share = float(np.average(table.labels, weights=table.importance))
    bias = float(np.log(share / (1 - share)))
    sums, found = np.full(len(table.labels), bias), list[Tree]()
    for _ in range(trees):
        chances = 1 / (1 + np.exp(-sums))
        slope = (table.labels - chances) * table.importance
        bend = np.maximum(chances * (1 - chances), 1e-6) * table.importance
        tree, leaf = _grow(table, slope, bend)
        found.append(tree)
        sums += np.array(tree.leaves)[leaf]
    return bias, found


def _grow(table: Table, slope: Floats, bend: Floats) -> tuple[Tree, Whole]:
    leaf = np.zeros(len(slope), dtype=np.int64)
    chosen: list[tuple[int, int]] = []
    for level in range(DEPTH):
        feature, cut = max(
            (best for best in (_best_cut(table, f, leaf, (slope, bend), 1 << level) for f in range(len(table.bins)))),
            key=lambda best: best[0],
        )[1]
        chosen.append((feature, cut))
        leaf += (table.bins[feature] > cut).astype(np.int64) << level
    gains = np.bincount(leaf, slope, 1 << DEPTH)
    weights = np.bincount(leaf, bend, 1 << DEPTH) + SMOOTHING
    means = np.asarray(gains / weights, np.float64)
    leaves = _ordered(means, weights.astype(np.float64), [table.directions[feature] for feature, _ in chosen])
    return Tree(
        tuple(feature for feature, _ in chosen),
        tuple(float(table.edges[feature][cut]) for feature, cut in chosen),
        tuple(float(value) for value in (RATE * leaves).round(4)),
    ), leaf


def _best_cut(
    table: Table, feature: int, leaf: Whole, steps: tuple[Floats, Floats], leaves: int
) -> tuple[float, tuple[int, int]]:
    """The gain of the feature's best threshold over all leaves; a leaf turned the wrong way gains nothing."""
    size = len(table.edges[feature]) + 1
    if size == 1:
        return -1.0, (feature, 0)
    where = leaf * size + table.bins[feature]
    slope, bend = (np.cumsum(np.bincount(where, s, leaves * size).reshape(leaves, size), axis=1) for s in steps)
    below, below_bend = slope[:, :-1], bend[:, :-1] + SMOOTHING
    above, above_bend = slope[:, -1:] - below, bend[:, -1:] - bend[:, :-1] + SMOOTHING
    whole = slope[:, -1:] ** 2 / (bend[:, -1:] + SMOOTHING)
    gains = below**2 / below_bend + above**2 / above_bend - whole
    rise = above / above_bend - below / below_bend
    gains[rise * table.directions[feature] < 0] = 0.0
    total = gains.sum(axis=0)
    cut = int(total.argmax())
    return float(total[cut]), (feature, cut)


def _ordered(values: Floats, weights: Floats, directions: Sequence[int]) -> Floats:
    """The leaves' values, made to rise or fall along every bit as its feature has to."""
    values = values.copy()
    for _ in range(50):
        for level, direction in enumerate(directions):
            for low in range(len(values)):
                high = low | 1 << level
                if low != high and (values[high] - values[low]) * direction < 0:
                    both = (values[low] * weights[low] + values[high] * weights[high]) / (weights[low] + weights[high])
                    values[low] = values[high] = both
    return values
