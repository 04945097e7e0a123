"""Files of one JSON object a line, gzipped or not, told apart by their fields.

pairs      {"a":…,"b":…,"same":…,"source":…,"kind":…}   an answer to one would be accepted as one to the other
streams    {"q":…,"cls":…}                              requests in order; equal `cls` means equal answers
lifetimes  {"q":…,"label":…}                            how soon the answer changes
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lib.contract import JsonObject
from lib.json_text import parse


@dataclass(frozen=True, slots=True)
class Pair:
    """Two prompts; `family` names how the second was made from the first."""

    first: str
    second: str
    same: bool
    family: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a stream; `meaning` is equal where answers are interchangeable."""

    text: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Aging:
    """A question and how soon its answer changes: `time_sensitive`, `slow`, `stable`, or a word of the file's own."""

    text: str
    label: str


Row: TypeAlias = Pair | Asked | Aging


def read(path: Path) -> list[Row]:
    """The rows of a file. Raises ValueError or TypeError for one that is none of the three."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(_rows(data.decode().split("\n")))


def _rows(lines: list[str]) -> Iterator[Row]:
    for line in lines:
        if line.strip():
            value = parse(line)
            if not isinstance(value, dict):
                raise TypeError("a line is not an object")
            yield _row(value)


def _row(value: JsonObject) -> Row:
    match value:
        case {"a": str(first), "b": str(second), "same": bool(same)}:
            judged = value.get("adjudicated_same", same)
            return Pair(first, second, judged is True, f"{value.get('source', '')}: {value.get('kind', '')}")
        case {"q": str(text), "cls": meaning}:
            return Asked(text, str(meaning))
        case {"q": str(text), "label": str(label)}:
            return Aging(text, label)
        case _:
            raise ValueError(f"neither a pair, a request nor a question: {sorted(value)}")
