"""Outcomes per prompt: how well several models answered the same prompts, from files of one JSON object a line.

A line is `{bench, prompt, m: {model: [score, dollars or null]}}`, gzipped or not; scores go from 0 to 1.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from lib.contract import Json, JsonObject
from training.logistic import Floats, Whole
from training.quality.studied import STUDIED

ANSWER_TOKENS: Final = 200
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Study:
    """Prompts by row, models by column. Costs are in dollars."""

    name: str
    prompts: tuple[str, ...]
    sources: tuple[str, ...]
    models: tuple[str, ...]
    scores: Floats
    costs: Floats

    @property
    def lengths(self) -> Floats:
        """Characters of the prompts."""
        return np.array([len(prompt) for prompt in self.prompts], dtype=np.float64)


def study(path: Path) -> Study:
    """One file; prompts that not all models have answered are left out. Raises TypeError or KeyError for other files.

    Where a study has no costs they are reckoned from the list prices of its models, which `studied` holds, and an
    answer of ANSWER_TOKENS.
    """
    rows = [row for row in lines(path) if _whole(row)]
    models = tuple(sorted(_outcomes(rows[0])))
    rows = [row for row in rows if tuple(sorted(_outcomes(row))) == models]
    cells = [[_pair(_outcomes(row)[model]) for model in models] for row in rows]
    prompts = tuple(str(row["prompt"]) for row in rows)
    costs = [
        [_listed(model, prompt) if cost is None else cost for model, (_, cost) in zip(models, cell, strict=True)]
        for prompt, cell in zip(prompts, cells, strict=True)
    ]
    return Study(
        path.name.partition(".")[0],
        prompts,
        tuple(str(row.get("bench", "")) for row in rows),
        models,
        np.array([[score for score, _ in cell] for cell in cells], dtype=np.float64),
        np.array(costs, dtype=np.float64),
    )


def lines(path: Path) -> list[JsonObject]:
    """The objects of a file. Raises TypeError for a line that is none."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found: list[JsonObject] = []
    for line in data.splitlines():
        row: Json = orjson.loads(line)
        if not isinstance(row, dict):
            raise TypeError(f"{path.name}: a line is not an object")
        found.append(row)
    return found


def folds(count: int, seed: int, parts: int = 5) -> list[Whole]:
    """Positions dealt out at random."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(order[part::parts]) for part in range(parts)]


def _outcomes(row: JsonObject) -> JsonObject:
    value = row.get("m")
    if not isinstance(value, dict):
        raise TypeError("a row has no outcomes")
    return value


def _whole(row: JsonObject) -> bool:
    return all(isinstance(cell, list) and isinstance(cell[0], int | float) for cell in _outcomes(row).values())


def _pair(cell: Json) -> tuple[float, float | None]:
    if not isinstance(cell, list) or not isinstance(cell[0], int | float):
        raise TypeError("an outcome is no pair of score and cost")
    return float(cell[0]), float(cell[1]) if len(cell) > 1 and isinstance(cell[1], int | float) else None


def _listed(model: str, prompt: str) -> float:
    price = STUDIED[model].usd_per_million if model in STUDIED else 0.0
    return price * (len(prompt) / CHARACTERS_PER_TOKEN + ANSWER_TOKENS) / 1e6
