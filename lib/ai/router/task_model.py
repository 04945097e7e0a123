"""The learned half of the classifier: a linear model over hashed features and the rules' evidence, with its confidence.

Its weights are trained by `python -m training.tasks` and lie in `task_model.bin`: a line of JSON (classes, scale, bias,
weights of the evidence, temperature), then one signed byte per class and feature, compressed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, sqrt
from operator import itemgetter, mul
from pathlib import Path
from typing import Final
from zlib import decompress

import orjson

from lib.ai.plan import Task
from lib.ai.router.text_features import SIZE
from lib.contract import Json

FILE: Final = Path(__file__).parent / "task_model.bin"
MIDDLE: Final = 128
"""Bytes hold weight + 128."""
STRONG: Final = 1.5
"""Evidence from which a class counts as shown."""
MOST: Final = 8.0


@dataclass(frozen=True, slots=True)
class TaskModel:
    """`rows` has the weights of each class, a byte per feature."""

    tasks: tuple[Task, ...]
    rows: tuple[bytes, ...]
    scale: float
    bias: tuple[float, ...]
    evidence: tuple[tuple[float, ...], ...]
    """Per class, the weights of `evidence_values`."""
    temperature: float
    """Divides the scores, so that confidences are shares of right answers (Guo et al., 2017)."""

    def probabilities(self, features: Sequence[int], evidence: Mapping[Task, float]) -> dict[Task, float]:
        """How likely each class is, in sum 1."""
        found, shown = len(features), evidence_values(evidence, self.tasks)
        pick = itemgetter(*features, 0, 0)  # two more, so that it always gives a tuple
        unit = self.scale / sqrt(found) if found else 0.0
        scores = [
            (sum(pick(row)) - 2 * row[0] - MIDDLE * found) * unit + bias + sum(map(mul, weights, shown))
            for row, bias, weights in zip(self.rows, self.bias, self.evidence, strict=True)
        ]
        top = max(scores)
        powers = [exp((score - top) / self.temperature) for score in scores]
        whole = sum(powers)
        return {task: power / whole for task, power in zip(self.tasks, powers, strict=True)}


def evidence_values(evidence: Mapping[Task, float], tasks: Sequence[Task]) -> list[float]:
    """The rules' evidence as the model takes it: per class its points from 0 to 1, and whether they are strong."""
    points = [min(evidence[task], MOST) / MOST for task in tasks]
    return [*points, *(float(evidence[task] >= STRONG) for task in tasks)]


@cache
def shipped() -> TaskModel:
    """The weights that come with the product, read once."""
    return read_model(FILE.read_bytes())


def read_model(data: bytes) -> TaskModel:
    """A model file. Raises ValueError or TypeError for a file that is none."""
    head, _, packed = data.partition(b"\n")
    value: Json = orjson.loads(head)
    if not isinstance(value, dict):
        raise TypeError("the model's first line is not an object")
    tasks = tuple(Task(str(name)) for name in _list(value.get("tasks")))
    weights = decompress(packed)
    if len(weights) != SIZE * len(tasks):
        raise ValueError("the model has not one weight per class and feature")
    return TaskModel(
        tasks=tasks,
        rows=tuple(weights[i * SIZE : (i + 1) * SIZE] for i in range(len(tasks))),
        scale=_number(value.get("scale")),
        bias=tuple(map(_number, _list(value.get("bias")))),
        evidence=tuple(tuple(map(_number, _list(row))) for row in _list(value.get("evidence"))),
        temperature=_number(value.get("temperature")),
    )


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("the model's first line has a list that is none")
    return value


def _number(value: Json) -> float:
    if not isinstance(value, int | float):
        raise TypeError("the model's first line has a number that is none")
    return float(value)
