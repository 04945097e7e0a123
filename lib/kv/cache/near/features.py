"""What two questions that no guard tells apart have in common and where they differ, as numbers for the verifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import log
from typing import Final

from lib.kv.cache.near.feature_rows import (
    AMOUNTS,
    ASKING,
    MODALS,
    OPPOSITES,
    OWNERS,
    PLACES,
    SPEAKERS,
    TENSES,
)
from lib.kv.cache.near.frames import frame
from lib.kv.cache.near.matching import Match, slots
from lib.kv.cache.near.order import turns
from lib.kv.cache.near.question import Question
from lib.kv.cache.near.terms import weight

NAMES: Final = (
    *(
        "rarest_left",
        "left_less",
        "left_more",
        "mass_less",
        "mass_more",
        "share",
        "names_left",
        "opposites",
        "same_slot",
    ),
    *("trigrams", "words", "synonyms", "typos", "endings", "length", "ratio", "first_word"),
    *("pairs", "frame", "asking", "speakers", "owners", "tenses", "modals", "amounts", "places", "turns"),
)
DIRECTIONS: Final = (
    *(-1, -1, -1, -1, -1, 1, -1, -1, -1),
    *(1, 1, -1, -1, -1, 0, -1, 1),
    *(1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
)
"""What more of a feature does to the chance that the two mean the same: the trees may not learn otherwise."""


def features(one: Question, other: Question, found: Match) -> list[float]:
    """The numbers in the order of `NAMES`; the same whichever question is named first, but for rare ties."""
    return [*_leftovers(one, other, found), *_wording(one, other, found), *_relations(one, other, found)]


def _leftovers(one: Question, other: Question, found: Match) -> list[float]:
    less, more = sorted((found.left, found.other_left), key=len)
    mass, other_mass = sorted((_mass(less), _mass(more)))
    both = _mass(one.stems[at] for at in found.pairs)
    left = {*less, *more}
    return [
        max(map(weight, left), default=0.0),
        float(len(less)),
        float(len(more)),
        mass,
        other_mass,
        2 * both / (2 * both + mass + other_mass) if both else 0.0,
        float(bool(one.names & left)) + float(bool(other.names & left)),
        float(any(pair <= left for pair in OPPOSITES)),
        float(len(slots(found, one.content, other.content))),
    ]


def _wording(one: Question, other: Question, found: Match) -> list[float]:
    less, more = sorted((len(one.content), len(other.content)))
    return [
        _share(_trigrams(one.tokens), _trigrams(other.tokens)),
        _share(Counter(one.tokens).items(), Counter(other.tokens).items()),
        float(found.synonyms),
        float(found.typos),
        float(found.endings),
        log(1 + less),
        log((1 + more) / (1 + less)),
        float(one.tokens[:1] == other.tokens[:1]),
    ]


def _relations(one: Question, other: Question, found: Match) -> list[float]:
    words, others = Counter(one.tokens), Counter(other.tokens)
    numbered = {there: at for at, there in found.pairs.items()}
    following = set(pairwise(range(len(one.content))))
    other_following = {
        (numbered.get(a, -1 - a), numbered.get(b, -1 - b)) for a, b in pairwise(range(len(other.content)))
    }
    return [
        _share(following, other_following) if following or other_following else 1.0,
        float(frame(one.tokens) != frame(other.tokens)),
        *(_differ(words, others, rows) for rows in (ASKING, SPEAKERS, OWNERS, TENSES, MODALS, AMOUNTS)),
        float(sum(abs(words[word] - others[word]) for word in PLACES)),
        float(turns(one, other, found)),
    ]


def _mass(terms: Iterable[str]) -> float:
    return sum(map(weight, terms))


def _share(one: Iterable[object], other: Iterable[object]) -> float:
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first or second else 1.0


def _trigrams(tokens: tuple[str, ...]) -> set[str]:
    text = " ".join(tokens)
    return {text[at : at + 3] for at in range(len(text) - 2)}


def _differ(words: Counter[str], others: Counter[str], rows: Mapping[str, str]) -> float:
    """How many of the rows' meanings occur in one of the two alone."""
    return float(len({rows[word] for word in words if word in rows} ^ {rows[word] for word in others if word in rows}))
