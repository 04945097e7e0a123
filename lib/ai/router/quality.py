"""How good models are thought to be, by class of work, length of prompt and capability tier, before anybody has voted.

`quality.json` is written by `python -m training.quality` from published outcomes of studied models. ROUTING_QUALITY
puts another table in its place, such as the one that `python -m training.fit` writes from an operator's own outcomes.
"""

from __future__ import annotations

from base64 import b85decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import log2, sqrt
from operator import itemgetter
from pathlib import Path
from typing import Final, TypeVar

import orjson

from lib.ai.lessons import BUCKETS, Prior
from lib.ai.plan import Task
from lib.ai.router.sample import Sample
from lib.ai.router.text_features import features
from lib.catalog import ModelRow
from lib.contract import Json, JsonObject

Of = TypeVar("Of")

FILE: Final = Path(__file__).parent / "quality.json"
TIERS: Final = 5
UNLISTED: Final = 0.7
"""Quality of a model that votes name and the catalogue does not."""
WORD_FEATURES: Final = 8_192
"""Features of the word model: those of the task model, folded."""
MIDDLE: Final = 128
"""Bytes hold weight + 128."""


@dataclass(frozen=True, slots=True)
class WordGap:
    """What a prompt's words say about how much more the `strong` tier achieves than the `weak` one: a linear model."""

    weak: int
    strong: int
    weights: bytes
    scale: float
    by_length: float
    """For each doubling of the prompt's length."""
    bias: float

    def of(self, sample: Sample) -> float:
        """The gap of one prompt beside that of its class and length."""
        found = {feature & (WORD_FEATURES - 1) for feature in features(sample)}
        if not found:
            return 0.0
        pick = itemgetter(*found, 0, 0)  # two more, so that it always gives a tuple
        score: int = sum(pick(self.weights)) - 2 * self.weights[0] - MIDDLE * len(found)
        return score * self.scale / sqrt(len(found)) + self.by_length * log2(sample.full_length + 1) + self.bias

    def share(self, tier: int) -> float:
        """How much of the gap a tier has: nothing up to the weak one, all from the strong one on."""
        return min(1.0, max(0.0, (tier - self.weak) / (self.strong - self.weak)))


@dataclass(frozen=True, slots=True)
class QualityTable:
    """Qualities are shares of answers that satisfy, from 0 to 1."""

    version: str
    trade: float
    """λ: the quality that may be given up to save as much as the baseline's answer costs."""
    tiers: Mapping[Task, Mapping[str, tuple[float, ...]]]
    """By class, bucket of length, and capability tier from 1 on."""
    models: Mapping[str, Mapping[Task, Mapping[str, float]]] = field(
        default_factory=dict[str, Mapping[Task, Mapping[str, float]]]
    )
    """What is known of single models, by class and bucket: counts instead of their tier's."""
    words: WordGap | None = None

    def of_tier(self, task: Task, bucket: str, tier: int) -> float:
        """What models of a tier are expected to achieve."""
        return self.tiers[task][bucket or BUCKETS[0]][min(TIERS, max(1, tier)) - 1]

    def of(self, task: Task, bucket: str, model: ModelRow) -> float:
        """What one model is expected to achieve."""
        own = self.models.get(model.id, {}).get(task, {}).get(bucket)
        return self.of_tier(task, bucket, model.quality) if own is None else own

    def prior(self, task: Task, rows: Mapping[str, ModelRow | None]) -> Prior:
        """The qualities that votes on a class of work start from; `rows` are the models that are known."""

        def of(bucket: str, model: str) -> float:
            row = rows.get(model)
            return self.of(task, bucket, row) if row else UNLISTED

        return of

    def demand(self, sample: Sample) -> float:
        """How much more than usual of its kind the prompt gains by a strong model; 0 where nothing was learned."""
        return self.words.of(sample) if self.words else 0.0

    def gain(self, demand: float, tier: int) -> float:
        """What `demand` adds to the quality of a tier."""
        return demand * self.words.share(tier) if self.words else 0.0


@cache
def shipped() -> QualityTable:
    """The table that comes with the product, read once."""
    return read_quality(FILE.read_bytes())


def read_quality(data: bytes) -> QualityTable:
    """A quality file. Raises ValueError or TypeError for one that is none; classes it leaves out are as shipped."""
    value = _object(orjson.loads(data))
    given = {Task(name): _by_bucket(row, _tiers) for name, row in _object(value.get("tasks")).items()}
    missing = [task for task in Task if task not in given]
    tiers = given | {task: shipped().tiers[task] for task in missing} if missing else given
    return QualityTable(
        version=str(value.get("version", "own")),
        trade=_number(value.get("lambda")),
        tiers=tiers,
        models={
            name: {Task(task): _by_bucket(row, _share) for task, row in _object(rows).items()}
            for name, rows in _object(value.get("models", {})).items()
        },
        words=_words(value.get("words")),
    )


def _words(value: Json) -> WordGap | None:
    if value is None:
        return None
    row = _object(value)
    weights, weak, strong = b85decode(str(row.get("weights"))), int(_number(row["weak"])), int(_number(row["strong"]))
    if len(weights) != WORD_FEATURES or weak >= strong:
        raise ValueError("the word model has not one weight per feature, or no stronger tier than the weak one")
    return WordGap(weak, strong, weights, *(_number(row.get(name)) for name in ("scale", "by_length", "bias")))


def _by_bucket(value: Json, read: Callable[[Json], Of]) -> dict[str, Of]:
    """A value for each bucket, or one for all of them."""
    if not isinstance(value, dict):
        return dict.fromkeys(BUCKETS, read(value))
    return {bucket: read(value[bucket]) for bucket in BUCKETS}


def _tiers(value: Json) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != TIERS:
        raise TypeError("a quality for each tier is missing")
    return tuple(map(_share, value))


def _share(value: Json) -> float:
    share = _number(value)
    if not 0 <= share <= 1:
        raise ValueError("a quality is a share from 0 to 1")
    return share


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("an object is missing")
    return value


def _number(value: Json) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a number is missing")
    return float(value)
