"""Tells what work a prompt is: rules add up evidence per class, and a learned model weighs it with the words.

One pass over the words finds all words, phrases and pairs, so the time grows with the length of the sample alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lib.ai.plan import Task
from lib.ai.router.cue_rows import CUES
from lib.ai.router.cues import CueIndex, PairIndex
from lib.ai.router.sample import Sample
from lib.ai.router.shape_rows import PAIRS, SHAPES
from lib.ai.router.task_model import shipped
from lib.ai.router.text_features import features

SYSTEM_THRESHOLD: Final = 3.0
"""System texts speak of many things; they decide only where the user's own words say nothing."""
REPEAT: Final = 0.35
COUNTED_HITS: Final = 5
SHAPE_CHARACTERS: Final = 2_000
"""Shapes show early; the patterns look no further."""
PRECEDENCE: Final = (
    Task.TRANSLATION,
    Task.SUMMARIZATION,
    Task.CODE_GENERATION,
    Task.DATA_ANALYSIS,
    Task.CREATIVE_WRITING,
    Task.COMPLEX_REASONING,
    Task.SCIENTIFIC_RESEARCH,
)
"""Of classes with equal evidence the first wins."""

ANYWHERE: Final = CueIndex.of(row for row in CUES if row.anywhere)
INSTRUCTIONS: Final = CueIndex.of(row for row in CUES if not row.anywhere)
PAIR_INDEX: Final = PairIndex.of(PAIRS)


@dataclass(frozen=True, slots=True)
class Classification:
    """A class of work, and how likely it is the right one."""

    task: Task
    confidence: float


def classify(sample: Sample, instructions: Sample) -> Classification:
    """The class of a prompt; `instructions`, the system text, decide where the prompt itself gives no sign."""
    if not sample.text.strip():
        own = Classification(Task.SIMPLE_CHAT, 1.0)
    else:
        chances = shipped().probabilities(features(sample), evidence(sample))
        best = max(chances, key=lambda task: chances[task])
        own = Classification(best, chances[best])
    if own.task is not Task.SIMPLE_CHAT or not instructions.text:
        return own
    given = _strongest(evidence(instructions))
    return own if given is None else given


def evidence(sample: Sample) -> Mapping[Task, float]:
    """Points per class."""
    points: dict[Task, float] = dict.fromkeys(Task, 0.0)
    for row, hits in (*ANYWHERE.hits(sample), *INSTRUCTIONS.hits(sample.instruction)):
        points[row.task] += row.weight * (1 + REPEAT * (min(hits, COUNTED_HITS) - 1))
    for pair in PAIR_INDEX.hits(sample.instruction):
        points[pair.task] += pair.weight
    shown = sample.text[:SHAPE_CHARACTERS]
    for shape in SHAPES:
        hits = sum(1 for _ in islice(shape.pattern.finditer(shown), COUNTED_HITS))
        if hits >= shape.least and shape.beside in shown:
            points[shape.task] += shape.weight * (1 + REPEAT * (hits - shape.least))
    return points


def _strongest(points: Mapping[Task, float]) -> Classification | None:
    """What a system text is for, where it says so clearly."""
    best, second = sorted(PRECEDENCE, key=lambda task: -points[task])[:2]
    top, next_ = points[best], points[second]
    return Classification(best, top / (top + next_ + SYSTEM_THRESHOLD)) if top >= SYSTEM_THRESHOLD else None
