"""Questions with how soon their answers change: templates of our own filled in, and files of questions people asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.semantic_cache import data as files
from training.tasks.authored import filled

HERE: Final = Path(__file__).parent
KINDS: Final = ("fast", "slow", "lasting")
FILLINGS: Final = 6
"""How often a template with slots is filled in."""
LABELS: Final = {
    "time_sensitive": "fast",
    "time_dependent": "fast",
    "slow": "slow",
    "stable": "lasting",
    "not_dependent": "lasting",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One example, `label` as its source has it."""

    text: str
    kind: str
    label: str
    source: str


def authored(seed: int = 1) -> list[Question]:
    """Ours, in a fixed order, each text once."""
    slots = _slots()
    made: dict[str, Question] = {}
    for kind in KINDS:
        chance = random.Random(f"{seed} {kind}")
        for line in (HERE / f"{kind}.txt").read_text(encoding="utf-8").splitlines():
            for _ in range(FILLINGS if "{" in line else 2):
                text = " ".join(filled(line, slots, chance).lower().split())
                made.setdefault(text, Question(text, kind, kind, "own"))
    return list(made.values())


def read(path: Path) -> Iterator[Question]:
    """The questions of a file; its name tells the source."""
    source = path.name.partition(".")[0]
    for row in files.read(path):
        if isinstance(row, files.Aging):
            text = " ".join(row.text.replace("’", "'").lower().split())
            yield Question(text, LABELS[row.label], row.label, source)


def _slots() -> dict[str, Sequence[str]]:
    lines = (HERE / "slots.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line and not line.startswith("#"))
    return {name: [one.strip() for one in rest.split("|")] for name, _, rest in pairs}
