r"""Prompts of our own, by class: templates with slots, filled in and varied as people write.

`prompts/<task>.<language>.txt` holds one template a line (`\n` is a line break), `slots.txt` what `{name}` may become,
`pasted/<name>.txt` longer pieces, divided by lines of `---`. Everything follows from the seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.ai.plan import Task

HERE: Final = Path(__file__).parent
SLOT: Final = re.compile(r"\{(\w+)\}")
FILLINGS: Final = 6
"""How often a template with slots is filled in."""
OPENINGS: Final = (
    "please ",
    "hey, ",
    "Hi! ",
    "can you help me? ",
    "I have a question. ",
    "ok so ",
    "Hello,\n\n",
    "pls ",
)
ENDINGS: Final = (" please", " thanks", " Thank you!", "\n\nThanks in advance", " asap", " :)", "!!")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One example. `source` is where it comes from: examples of one source are left out together."""

    text: str
    task: Task
    source: str
    language: str
    licence: str


def authored(seed: int = 1) -> list[Prompt]:
    """All of them, in a fixed order, each text once."""
    slots = _slots((HERE / "slots.txt").read_text(encoding="utf-8"))
    slots |= {file.stem: _pieces(file.read_text(encoding="utf-8")) for file in sorted((HERE / "pasted").glob("*.txt"))}
    made: dict[str, Prompt] = {}
    for file in sorted((HERE / "prompts").glob("*.txt")):
        task, language = file.stem.split(".")
        chance = random.Random(f"{seed} {file.stem}")
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                for text in _variants(line.replace("\\n", "\n"), slots, chance):
                    made.setdefault(text, Prompt(text, Task(task), f"authored {language}", language, "own"))
    return list(made.values())


def _variants(template: str, slots: Mapping[str, Sequence[str]], chance: random.Random) -> Iterator[str]:
    for _ in range(FILLINGS if "{" in template else 2):
        yield as_written(filled(template, slots, chance), chance)


def filled(template: str, slots: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """The template with something in each slot, slots within slots too; other braces (of code) stay."""

    def piece(found: re.Match[str]) -> str:
        return filled(chance.choice(slots[found[1]]), slots, chance) if found[1] in slots else found[0]

    return SLOT.sub(piece, template)


def as_written(text: str, chance: random.Random) -> str:
    """As people type: now and then in lower case, with a greeting, a thank-you, a typo or without the last mark."""
    if chance.random() < 0.15:
        text = chance.choice(OPENINGS) + text
    if chance.random() < 0.08:
        text += chance.choice(ENDINGS)
    if chance.random() < 0.2:
        text = text.lower()
    if chance.random() < 0.1:
        text = mistyped(text, chance)
    return text[:-1] if text.endswith(("?", ".", "？", "。")) and chance.random() < 0.2 else text


def mistyped(text: str, chance: random.Random) -> str:
    """With two neighbouring letters swapped, or one dropped, in one of the first words."""
    places = [i for i in range(min(len(text) - 1, 120)) if text[i].isalpha() and text[i + 1].isalpha()]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + (text[at + 1] + text[at] if chance.random() < 0.5 else text[at + 1]) + text[at + 2 :]


def _slots(text: str) -> dict[str, Sequence[str]]:
    lines = (line.partition(":") for line in text.splitlines() if ":" in line and not line.startswith("#"))
    return {name.strip(): [one.strip() for one in rest.split("|")] for name, _, rest in lines}


def _pieces(text: str) -> Sequence[str]:
    return [piece.strip("\n") for piece in text.split("\n---\n") if piece.strip()]
