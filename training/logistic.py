"""Multinomial logistic regression on sparse rows, with an L2 penalty, by limited-memory BFGS (Nocedal & Wright, 7.4).

Small enough to read, and the same bits from the same data on every machine of a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
MEMORY: Final = 10
SUFFICIENT: Final = 1e-4
"""Armijo's constant."""


@dataclass(frozen=True)
class Rows:
    """Sparse rows of equal weights within a row, beside a few dense columns."""

    indices: Whole
    starts: Whole
    """Where each row begins in `indices`; every row has at least one."""
    values: Floats
    """One per row: what each of its features counts."""
    dense: Floats
    size: int

    @classmethod
    def of(cls, features: Sequence[Sequence[int]], dense: Sequence[Sequence[float]], size: int, gain: float) -> Rows:
        """Rows of unit length times `gain`."""
        lengths = np.array([len(row) for row in features], dtype=np.int64)
        starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)[:-1]))
        flat = np.array([index for row in features for index in row], dtype=np.int64)
        return cls(flat, starts, gain / np.sqrt(lengths), np.array(dense, dtype=np.float64), size)

    def pick(self, which: Whole) -> Rows:
        """Some of the rows."""
        ends = np.append(self.starts[1:], len(self.indices))
        parts = [self.indices[self.starts[i] : ends[i]] for i in which]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)[:-1]))
        return Rows(np.concatenate(parts), starts, self.values[which], self.dense[which], self.size)

    def scores(self, weights: Floats) -> Floats:
        """One row per example, one column per class; `weights` has features, dense columns, then the bias, by class."""
        sparse = np.stack(
            [np.add.reduceat(column[: self.size][self.indices], self.starts) for column in weights], axis=1
        )
        dense = self.dense @ weights[:, self.size : -1].T
        result: Floats = sparse * self.values[:, None] + dense + weights[:, -1]
        return result

    def gradient(self, residual: Floats) -> Floats:
        """Of the scores' sum weighted by `residual`."""
        lengths = np.diff(np.append(self.starts, len(self.indices)))
        columns = [
            np.bincount(self.indices, np.repeat(column * self.values, lengths), self.size).astype(np.float64)
            for column in residual.T
        ]
        sparse = np.stack(columns)
        return np.concatenate((sparse, residual.T @ self.dense, residual.sum(axis=0)[:, None]), axis=1)


def softmax(scores: Floats) -> Floats:
    """Probabilities by row."""
    powers = np.exp(scores - scores.max(axis=1)[:, None])
    result: Floats = powers / powers.sum(axis=1)[:, None]
    return result


def fit(rows: Rows, labels: Whole, importance: Floats, penalty: float, steps: int = 150) -> Floats:
    """Weights by class. `importance` weighs the examples; `penalty` is half the L2 factor, the bias is free of it."""
    classes = int(labels.max()) + 1
    shape = (classes, rows.size + int(rows.dense.shape[1]) + 1)
    truth = np.eye(classes)[labels]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        chances = softmax(rows.scores(weights))
        right = np.maximum(chances[np.arange(len(labels)), labels], 1e-300)
        penalised = weights.copy()
        penalised[:, -1] = 0.0
        gradient = rows.gradient((chances - truth) * importance[:, None]) + 2 * penalty * penalised
        value = -float(importance @ np.log(right)) + penalty * float((penalised**2).sum())
        return value, gradient.ravel()

    start: Floats = np.zeros(shape[0] * shape[1], dtype=np.float64)
    return minimise(loss, start, steps).reshape(shape)


def minimise(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int) -> Floats:
    """The least of a smooth convex function, from its value and gradient."""
    at, (value, slope) = start, loss(start)
    history: list[tuple[Floats, Floats]] = []
    for _ in range(steps):
        direction = -_turned(slope, history)
        length, downhill = 1.0 if history else 1.0 / max(1.0, float(np.abs(slope).sum())), float(slope @ direction)
        while True:
            there = at + length * direction
            new_value, new_slope = loss(there)
            if new_value <= value + SUFFICIENT * length * downhill or length < 1e-12:
                break
            length /= 2
        moved, changed = there - at, new_slope - slope
        if float(moved @ changed) > 1e-12:
            history = [*history[-MEMORY + 1 :], (moved, changed)]
        done = abs(value - new_value) < 1e-7 * max(1.0, abs(value))
        at, value, slope = there, new_value, new_slope
        if done:
            break
    return at


def _turned(slope: Floats, history: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The inverse Hessian's guess times the slope: the two-loop recursion."""
    q, shares = slope.copy(), list[float]()
    for moved, changed in reversed(history):
        share = float(moved @ q) / float(moved @ changed)
        shares.append(share)
        q -= share * changed
    if history:
        moved, changed = history[-1]
        q *= float(moved @ changed) / float(changed @ changed)
    for (moved, changed), share in zip(history, reversed(shares), strict=True):
        q += moved * (share - float(changed @ q) / float(moved @ changed))
    return q
