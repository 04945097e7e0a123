"""What is asked: prompts of public sources with lengths from a public trace, made distinct by a case number.

A trace has no texts and prompts have no lengths in tokens: each question gets one of the trace's pairs for good.
"""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import orjson

from lib.contract import Json, JsonObject

DATA: Final = Path(__file__).parent / "data"
PROMPTS: Final = DATA / "prompts.jsonl.gz"
TRACE: Final = DATA / "trace.csv.gz"
CASE: Final = re.compile(r"\(case (\d+)\)")
NATURAL: Final = "natural"
MIX: Final = MappingProxyType(
    {
        "simple_chat": 0.40,
        "code_generation": 0.15,
        "complex_reasoning": 0.10,
        "creative_writing": 0.10,
        "summarization": 0.075,
        "translation": 0.075,
        "scientific_research": 0.05,
        "data_analysis": 0.05,
    }
)
"""Shares of the natural mix: our assumption. No images. The prompts of a study come as often as the study has them."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt of a source. `scores` has what models of each tier achieved; empty where nobody has tried."""

    text: str
    task: str
    scores: Mapping[int, float]

    def score(self, tier: int) -> float | None:
        """What a model of that tier achieved, or of the next lower one that was tried; None where none was."""
        return next((self.scores[near] for near in range(tier, 0, -1) if near in self.scores), None)


@dataclass(frozen=True, slots=True)
class Moment:
    """A row of the trace: seconds since the one before, and tokens."""

    gap: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt that is somebody's own."""

    case: int
    prompt: Prompt
    text: str
    input_tokens: int
    output_tokens: int


class Questions:
    """Makes new questions of one mix."""

    def __init__(self, prompts: Sequence[Prompt], chance: random.Random) -> None:
        self._chance = chance
        self._made = 0
        by_task: dict[str, list[Prompt]] = {}
        for prompt in prompts:
            by_task.setdefault(prompt.task, []).append(prompt)
        self._groups = tuple(by_task.values())
        self._weights = tuple(MIX.get(task, len(group)) for task, group in by_task.items())

    def new(self) -> Question:
        """One that nobody has asked yet."""
        (group,) = self._chance.choices(self._groups, self._weights)
        prompt, moment = self._chance.choice(group), self._chance.choice(trace())
        case, self._made = self._made, self._made + 1
        return Question(case, prompt, f"{prompt.text} (case {case})", moment.input_tokens, moment.output_tokens)


def case_in(text: str) -> int:
    """The case number of a question in whatever wording. Raises ValueError where there is none."""
    if found := CASE.findall(text):
        return int(found[-1])
    raise ValueError("a text without a case number")


def prompts(*files: Path) -> Mapping[str, Sequence[Prompt]]:
    """The prompts of all files by mix."""
    found: dict[str, list[Prompt]] = {}
    for line in (line for path in files for line in gzip.decompress(path.read_bytes()).splitlines()):
        row: JsonObject = orjson.loads(line)
        scores = {int(tier): _number(score) for tier, score in _object(row.get("tiers", {})).items()}
        found.setdefault(str(row["mix"]), []).append(Prompt(str(row["prompt"]), str(row["task"]), scores))
    return found


@cache
def trace() -> Sequence[Moment]:
    """The trace's rows in order."""
    rows = gzip.decompress(TRACE.read_bytes()).decode().splitlines()[1:]
    return tuple(Moment(float(gap), int(given), int(made)) for gap, given, made in (row.split(",") for row in rows))


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("an object is missing")
    return value


def _number(value: Json) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a number is missing")
    return float(value)
