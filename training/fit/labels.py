"""An operator's own outcomes: which model answered a prompt, and whether that was good.

One JSON object a line, either `{prompt, model, good: true}` or `{prompt, model, score: 0.7}`, with `task` where it is
known, or all models' outcomes at once as in `training.outcomes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lib.ai.lessons import bucket_of
from lib.ai.plan import Task
from lib.ai.router.sample import Sample
from lib.ai.router.tasks import classify
from lib.contract import Json, JsonObject
from training.outcomes import lines


@dataclass(frozen=True)
class Labelled:
    """One prompt and the scores that models got for it, from 0 to 1."""

    prompt: str
    scores: Mapping[str, float]
    task_given: str = ""

    @cached_property
    def sample(self) -> Sample:
        """As the router reads it."""
        return Sample.of(self.prompt)

    @cached_property
    def task(self) -> Task:
        """As given, or as the router tells it."""
        return Task(self.task_given) if self.task_given else classify(self.sample, Sample.of("")).task

    @property
    def bucket(self) -> str:
        """Of its length."""
        return bucket_of(self.sample.full_length)


def labelled(path: Path) -> list[Labelled]:
    """The prompts of a file, each once with all outcomes, in order. Raises TypeError or ValueError naming the line."""
    found: dict[str, Labelled] = {}
    for number, row in enumerate(lines(path), 1):
        prompt, task = row.get("prompt"), row.get("task")
        if not isinstance(prompt, str):
            raise TypeError(f"{path.name}: line {number} has no prompt")
        given = str(task) if task in set(Task) else ""
        try:
            scores = {**(found[prompt].scores if prompt in found else {}), **dict(_scores(row))}
        except (TypeError, ValueError) as error:
            raise type(error)(f"{path.name}: line {number}: {error}") from error
        found[prompt] = Labelled(prompt, scores, given)
    return list(found.values())


def _scores(row: JsonObject) -> Iterator[tuple[str, float]]:
    many = row.get("m")
    if isinstance(many, dict):
        for name, cell in many.items():
            yield name, _score(cell[0] if isinstance(cell, list) else cell)
        return
    model = row.get("model")
    if not isinstance(model, str):
        raise TypeError("there is no model")
    yield model, _score(row.get("good", row.get("score")))


def _score(value: Json) -> float:
    if not isinstance(value, bool | int | float) or not 0 <= value <= 1:
        raise ValueError("good is true or false, a score from 0 to 1")
    return float(value)
