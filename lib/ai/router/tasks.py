"""Tells what work a prompt is: evidence is added up per class, the most wins, too little is plain chat.

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

THRESHOLD: Final = 1.5
"""Evidence below this is plain chat."""
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
    """A class of work, and from 0 to 1 how clearly it stands out from the next."""

    task: Task
    confidence: float


def classify(sample: Sample, instructions: Sample) -> Classification:
    """The class of a prompt; `instructions`, the system text, decide where the prompt itself gives no sign."""
    own = _decide(evidence(sample), THRESHOLD)
    if own.task is not Task.SIMPLE_CHAT:
        return own
    given = _decide(evidence(instructions), SYSTEM_THRESHOLD)
    return own if given.task is Task.SIMPLE_CHAT else given


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


def _decide(points: Mapping[Task, float], threshold: float) -> Classification:
    best, second = sorted(PRECEDENCE, key=lambda task: -points[task])[:2]
    top, next_ = points[best], points[second]
    if top < threshold:
        return Classification(Task.SIMPLE_CHAT, threshold / (threshold + top))
    return Classification(best, top / (top + next_ + threshold))
