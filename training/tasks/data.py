"""Examples of known class from files of one JSON object a line (`id, prompt, task, src, lic, lang`), gzipped or not."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from lib.ai.plan import Task
from lib.contract import Json
from training.tasks.authored import Prompt

FORBIDDEN: Final = ("CC-BY-NC", "no licence", "same", "test lines")
"""Of licences whose rows must not shape weights that ship: they are for evaluation only."""


def read(path: Path) -> list[Prompt]:
    """The rows of a file, those of images left out: parts of the message, not words, tell them. Raises TypeError."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = (_prompt(orjson.loads(line)) for line in data.splitlines() if line.strip())
    return [row for row in rows if row is not None and row.task is not Task.VISION]


def trainable(prompts: Iterable[Prompt]) -> list[Prompt]:
    """Those whose licence lets them shape weights that ship."""
    return [prompt for prompt in prompts if not any(word in prompt.licence for word in FORBIDDEN)]


def _prompt(row: Json) -> Prompt | None:
    if not isinstance(row, dict):
        raise TypeError("a row is not an object")
    task = str(row.get("task"))
    if task not in set(Task):
        return None
    return Prompt(str(row["prompt"]), Task(task), str(row.get("src")), str(row.get("lang", "en")), str(row.get("lic")))
