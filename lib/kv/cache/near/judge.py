"""Whether two answers say the same, as far as their words show it. It can say "same", never "different"."""

from __future__ import annotations

import re
from typing import Final

from lib.kv.cache.near.question import Question, read
from lib.kv.cache.near.words import LONGEST

_LIST_NUMBER: Final = re.compile(r"(?m)^\d{1,3}[.)](?=\s)")
"""In front of the items of a list."""
_SHARE: Final = 0.67
"""Of the shorter answer's words in the longer one."""
_FEW: Final = 3
"""Words below which all have to be there, and the longer answer has to be short as well."""
_MOST_BESIDE_FEW: Final = 4
_OF_BOTH: Final = 0.4
"""Of the words of either."""


def judge_same(one: str, other: str) -> bool | None:
    """True when the two answers are the same by their words; None when the words do not show it.

    They have to hold the same numbers; names and most words of the shorter have to be in the longer one; both negate or
    neither does.
    Answers of more than 4,000 characters are the same only when they are equal.
    """
    if one.strip() == other.strip():
        return True
    if max(len(one), len(other)) > LONGEST:
        return None
    shorter, longer = sorted((_read(one), _read(other)), key=lambda answer: len(answer.content))
    if shorter.guards.negates != longer.guards.negates:
        return None
    if set(shorter.guards.numbers) != set(longer.guards.numbers):
        return None
    return True if _words_agree(shorter, longer) else None


def _read(answer: str) -> Question:
    return read(_LIST_NUMBER.sub("", answer))


def _words_agree(shorter: Question, longer: Question) -> bool:
    one, other = set(shorter.stems), set(longer.stems)
    if not one:
        return False
    if len(one) < _FEW:
        return one <= other and len(other) <= _MOST_BESIDE_FEW
    both = len(one & other)
    return shorter.names <= other and both >= _SHARE * len(one) and both >= _OF_BOTH * len(one | other)
