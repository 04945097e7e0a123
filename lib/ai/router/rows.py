"""The shapes of the rows by which a prompt shows what work it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.ai.plan import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class CueRow:
    """Evidence for one class. Words and phrases match whole words, `marks` inside the text (other scripts, stems).

    The first hit counts in full, each further one for about a third.
    """

    task: Task
    weight: float
    words: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    """Of two words or more."""
    marks: tuple[str, ...] = ()
    anywhere: bool = True
    """False for words of instruction, which count only at the ends of a long prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """A verb that is followed by one of its objects within `within` words: `write … a poem`."""

    task: Task
    weight: float
    verbs: frozenset[str]
    objects: frozenset[str]
    within: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRow:
    """What text looks like: code, tables, formulas. No pattern repeats a repetition, so each stays linear."""

    task: Task
    weight: float
    pattern: re.Pattern[str]
    least: int = 1
    """Fewer matches say nothing."""
    beside: str = ""
    """Text the prompt must hold as well."""


def words(text: str) -> frozenset[str]:
    """The words of a text; rows read better as prose than as one word per line."""
    return frozenset(text.split())


def listed(text: str) -> tuple[str, ...]:
    """The items of a text, which vertical bars separate."""
    return tuple(" ".join(item.split()) for item in text.split("|"))
