"""What labels teach: the quality of each model by class and length, and which words gain by the strong model."""

from __future__ import annotations

import math
from base64 import b85encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson

from lib.ai.lessons import BUCKETS, PRIOR_VOTES
from lib.ai.plan import Task
from lib.ai.router.quality import MIDDLE, WORD_FEATURES, QualityTable, read_quality, shipped
from lib.catalog import ModelRow
from lib.contract import Json, JsonObject
from training.fit.labels import Labelled
from training.kernel import rows_of, weights_of
from training.logistic import Floats

VERSION: Final = "own"
BY_LENGTH: Final = 0.02
"""What a doubling of the prompt's length adds to the gain where no labels say otherwise: on prompts that nothing was
learned from, length told better than any model that was trained on other sources."""
MOST_PROMPTS: Final = 8_000
"""Examples that words are learned from, the last ones: the work grows with their cube."""
ENOUGH: Final = 200
"""Labels of either model below which words are not learned from."""
PENALTY: Final = 8.0


@dataclass(frozen=True, slots=True)
class Pair:
    """The weak and the strong model: their names in the labels, and the rows of the catalogue they stand for."""

    weak: str
    weak_row: ModelRow
    strong: str
    strong_row: ModelRow


def fitted(labels: Sequence[Labelled], pair: Pair, trade: float) -> QualityTable:
    """The table that the labels teach, read back as the product reads it."""
    return read_quality(written(labels, pair, trade))


def written(labels: Sequence[Labelled], pair: Pair, trade: float) -> bytes:
    """The quality file."""
    models: JsonObject = {
        row.id: _by_class(labels, name, row)
        for name, row in ((pair.weak, pair.weak_row), (pair.strong, pair.strong_row))
    }
    file: JsonObject = {"version": VERSION, "lambda": round(trade, 5), "tasks": {}, "models": models}
    plain = read_quality(orjson.dumps(file))
    return orjson.dumps({**file, "words": words(labels, pair, plain)})


def _by_class(labels: Sequence[Labelled], name: str, row: ModelRow) -> JsonObject:
    """Means that start from the shipped quality of all classes, which is worth as many labels as it is worth votes.

    Steps between tiers that studies found in one class did not carry over to prompts of other sources.
    """
    found: JsonObject = {}
    shares = [shipped().of(task, bucket, row) for task in Task for bucket in BUCKETS]
    prior = PRIOR_VOTES * sum(shares) / len(shares)
    for task in Task:
        cells: JsonObject = {}
        for bucket in BUCKETS:
            scores = [
                each.scores[name]
                for each in labels
                if name in each.scores and each.task is task and each.bucket == bucket
            ]
            cells[bucket] = round((prior + sum(scores)) / (PRIOR_VOTES + len(scores)), 4)
        found[task.value] = cells
    return found


def words(labels: Sequence[Labelled], pair: Pair, plain: QualityTable) -> JsonObject:
    """The word model: what is left of the gain when class and length have had their say."""
    recent = labels[-MOST_PROMPTS:]
    sides = [
        _residuals(recent, name, row, plain)
        for name, row in ((pair.weak, pair.weak_row), (pair.strong, pair.strong_row))
    ]
    if min(len(left) for _, left in sides) < ENOUGH:
        return _packed(np.zeros(WORD_FEATURES, dtype=np.float64), BY_LENGTH, _usual(recent), pair)
    slopes, weights, levels = list[float](), list[Floats](), list[float]()
    for which, left in sides:
        doublings = np.array([_doublings(each) for each in which])
        slope = float(np.cov(doublings, left)[0, 1] / max(1e-9, doublings.var()))
        rest = left - left.mean() - slope * (doublings - doublings.mean())
        slopes.append(slope)
        weights.append(weights_of(rows_of([each.prompt for each in which]), rest[:, None], PENALTY)[:, 0])
        levels.append(float(left.mean() - slope * doublings.mean()))
    return _packed(weights[1] - weights[0], slopes[1] - slopes[0], levels[0] - levels[1], pair)


def _residuals(
    labels: Sequence[Labelled], name: str, row: ModelRow, plain: QualityTable
) -> tuple[list[Labelled], Floats]:
    which = [each for each in labels if name in each.scores]
    return which, np.array([each.scores[name] - plain.of(each.task, each.bucket, row) for each in which])


def _packed(weights: Floats, by_length: float, taken: float, pair: Pair) -> JsonObject:
    scale = float(np.abs(weights).max()) / (MIDDLE - 1) or 1.0
    packed = (np.rint(weights / scale) + MIDDLE).astype(np.uint8).tobytes()
    told: dict[str, Json] = {
        "weak": pair.weak_row.quality,
        "strong": pair.strong_row.quality,
        "scale": scale,
        "by_length": by_length,
        "bias": -taken,
        "weights": b85encode(packed).decode(),
    }
    return told


def _usual(labels: Sequence[Labelled]) -> float:
    """What length adds to the usual prompt, which is to gain nothing by its words."""
    return BY_LENGTH * float(np.mean([_doublings(each) for each in labels])) if labels else 0.0


def _doublings(each: Labelled) -> float:
    return math.log2(each.sample.full_length + 1)


def gains(table: QualityTable, labels: Sequence[Labelled], pair: Pair) -> Floats:
    """What the product expects the strong model to be better by, for each prompt."""
    weak, strong = pair.weak_row, pair.strong_row
    found = [_gain(table, each, weak, strong) for each in labels]
    return np.array(found, dtype=np.float64)


def _gain(table: QualityTable, each: Labelled, weak: ModelRow, strong: ModelRow) -> float:
    demand = table.demand(each.sample)
    steps = [table.of(each.task, each.bucket, row) + table.gain(demand, row.quality) for row in (weak, strong)]
    return steps[1] - steps[0]
