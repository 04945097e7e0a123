"""Ridge regression on the product's own features of prompts, solved by examples (the dual: Saunders et al., 1998)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lib.ai.router.quality import WORD_FEATURES
from lib.ai.router.sample import Sample
from lib.ai.router.text_features import features
from training.logistic import Floats, Whole

PENALTY: Final = 6.0


def rows_of(prompts: Sequence[str]) -> Floats:
    """One row of unit length per prompt."""
    rows = np.zeros((len(prompts), WORD_FEATURES), dtype=np.float32)
    for row, prompt in zip(rows, prompts, strict=True):
        row[[feature & (WORD_FEATURES - 1) for feature in features(Sample.of(prompt))]] = 1
    rows /= np.sqrt(np.maximum(1.0, rows.sum(axis=1)))[:, None]
    return rows.astype(np.float64)


def alike(rows: Floats, others: Floats) -> Floats:
    """How alike each row is to each of the others."""
    found: Floats = rows @ others.T
    return found


def predicted(likeness: Floats, train: Whole, test: Whole, values: Floats, penalty: float = PENALTY) -> Floats:
    """`values` of the training rows, one column each, as predicted for the test rows."""
    middle = values[train].mean(axis=0)
    result: Floats = likeness[np.ix_(test, train)] @ _shares(likeness, train, values, penalty) + middle
    return result


def weights_of(rows: Floats, values: Floats, penalty: float = PENALTY) -> Floats:
    """Weights of the features: for what is to be predicted from them without the examples."""
    everything = np.arange(len(rows), dtype=np.int64)
    result: Floats = rows.T @ _shares(alike(rows, rows), everything, values, penalty)
    return result


def _shares(likeness: Floats, train: Whole, values: Floats, penalty: float) -> Floats:
    system = likeness[np.ix_(train, train)] + penalty * np.eye(len(train))
    return np.asarray(np.linalg.solve(system, values[train] - values[train].mean(axis=0)), dtype=np.float64)
