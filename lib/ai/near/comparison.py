"""What became of comparing a candidate's answer with the one that the model gave instead."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from lib.kv.cache.near import judge_same, read

_APART: Final = 0.34
"""Share of the shorter answer's words below which two answers have little in common."""
_FEW: Final = 3
"""Words below which that share says nothing."""


class Outcome(StrEnum):
    """By the letter it is counted under."""

    SAME = "s"
    DIFFERENT = "d"
    UNRESOLVED = "u"
    """Words do not show it: no statement about the answer, but it counts against serving it."""


def compare(kept: str, given: str) -> Outcome:
    """Whether the answer that was kept says what the model has given now, as far as words show it."""
    if judge_same(kept, given):
        return Outcome.SAME
    one, other = set(read(kept).stems), set(read(given).stems)
    fewer = min(len(one), len(other))
    return Outcome.DIFFERENT if fewer >= _FEW and len(one & other) < _APART * fewer else Outcome.UNRESOLVED
