"""From studies to the table that ships: quality by class of work, length and capability tier, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from lib.ai.lessons import BUCKETS, bucket_of
from lib.ai.plan import Task
from lib.ai.router.quality import TIERS
from lib.contract import Json, JsonObject
from training.logistic import Floats
from training.outcomes import Study
from training.quality.studied import SOURCES, STUDIED

VERSION: Final = "studies-1"
SHRINKAGE: Final = 100.0
"""Prompts that the row above is worth: as many as the product takes a shipped quality for."""
DIGITS: Final = 3
BEST: Final = 0.86
"""What the best tier is put at. Marks in examinations do not tell how many answers satisfy: only the steps between the
tiers are the studies'. Our own guess, which votes correct."""


def table(studies: Sequence[Study], trade: float) -> JsonObject:
    """The file of `lib.ai.router.quality`."""
    ladders = [_steps(study) for study in studies]
    overall = _mean(ladders, None, None, None)
    tasks: JsonObject = {}
    for task in Task:
        of_task = _mean(ladders, SOURCES.get(task), None, overall)
        rows: dict[str, Json] = {
            bucket: _shown(_mean(ladders, SOURCES.get(task), bucket, of_task)) for bucket in BUCKETS
        }
        tasks[task.value] = rows
    return {"version": VERSION, "lambda": round(trade, 4), "tasks": tasks}


def _steps(study: Study) -> tuple[Study, Floats]:
    """Per prompt, the mean score of the study's models by tier; NaN for a tier it has none of."""
    tiers = np.array([STUDIED[name].tier if name in STUDIED else 0 for name in study.models])
    columns = [
        study.scores[:, tiers == tier].mean(axis=1) if (tiers == tier).any() else np.full(len(study.prompts), np.nan)
        for tier in range(1, TIERS + 1)
    ]
    return study, np.stack(columns, axis=1)


def _mean(
    ladders: Iterable[tuple[Study, Floats]], sources: Sequence[str] | None, bucket: str | None, above: Floats | None
) -> Floats:
    """Mean by tier over the prompts of some sources and a length: each study counts by its prompts."""
    picked = [
        ladder[
            np.array(
                [
                    (sources is None or source in sources) and bucket in (None, bucket_of(len(prompt)))
                    for source, prompt in zip(study.sources, study.prompts, strict=True)
                ]
            )
        ]
        for study, ladder in ladders
    ]
    return _climbing(np.concatenate(picked), above)


def _climbing(rows: Floats, above: Floats | None) -> Floats:
    """The steps from tier to tier, each from the studies that have both ends, put upon the level of tier 2.

    A tier is never worse than the one below it, and one that was not studied lies between its neighbours.
    """
    studied = ~np.isnan(rows)
    level = _with(above, rows[studied[:, 1], 1], 1)
    found = np.full(TIERS, np.nan)
    for tier in range(TIERS):
        both = studied[:, 1] & studied[:, tier]
        step = rows[both, tier] - rows[both, 1]
        before = None if above is None else above - above[1]
        found[tier] = level + _with(before, step, tier)
    known = ~np.isnan(found)
    places = np.arange(TIERS)
    filled: Floats = np.maximum.accumulate(np.interp(places, places[known], found[known]))
    return filled


def _with(above: Floats | None, values: Floats, tier: int) -> float:
    if above is None:
        return float(values.mean()) if len(values) else float("nan")
    return float((values.sum() + SHRINKAGE * above[tier]) / (len(values) + SHRINKAGE))


def _shown(row: Floats) -> list[Json]:
    return [round(float(one), DIGITS) for one in np.clip(row + BEST - row[-1], 0.0, 1.0)]
