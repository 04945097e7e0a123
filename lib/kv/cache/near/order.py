"""Whether two questions say the same words in another order: "from Delhi to Rome" and "from Rome to Delhi"."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

from lib.kv.cache.near.matching import Match
from lib.kv.cache.near.question import Question
from lib.kv.cache.near.terms import JOINING

MOST_ORDERED: Final = 200
"""Words whose order is compared, from the first."""
_FEW: Final = 2
"""Words not in both questions: with so few of them, what has moved has changed places with something."""
_LOOSE: Final = frozenset(
    "a an the is are was were be been am do does did can could will would shall should may might i you we one it there "
    "to "
    "if what which so that".strip().split()
)
"""Words that move when a question is put differently."""


def exchanged(one: Question, other: Question, found: Match) -> bool:
    """True when words have taken each other's places, which changes what is asked for."""
    first, second = _sorted_joins(one.tokens)[:MOST_ORDERED], _sorted_joins(other.tokens)[:MOST_ORDERED]
    if first == second:
        return False
    words, others = Counter(first), Counter(second)
    apart = (words - others).total() + (others - words).total()
    if apart == 0 or (apart <= _FEW and _turned(one, other, found)):
        return True
    return _taken(first, second) or _taken(second, first)


def turns(one: Question, other: Question, found: Match) -> int:
    """How the order of words differs: 1 for words with meaning, 1 more for small ones; "and" and "or" have no order."""
    return int(_turned(one, other, found)) + int(_moved(one.tokens, other.tokens))


def _taken(words: list[str], others: list[str]) -> bool:
    """Whether between the same two neighbours another word stands, which both questions have elsewhere as well."""
    slots = {(before, after): word for before, word, after in _triples(words)}
    held, other_held = set(words), set(others)
    return any(
        (was := slots.get((before, after), word)) != word
        and (word in held and was in other_held)
        and not (word in _LOOSE and was in _LOOSE)
        for before, word, after in _triples(others)
    )


def _triples(words: list[str]) -> list[tuple[str, str, str]]:
    return list(zip(["", *words], words, [*words[1:], ""], strict=False))


def _turned(one: Question, other: Question, found: Match) -> bool:
    """Words that stand for each other, in another order."""
    placed = sorted(found.pairs.items())[:MOST_ORDERED]
    highest, highest_group = -1, (-1, -1)
    for at, there in placed:
        group = (one.groups[at], other.groups[there])
        if there < highest and group != highest_group:
            return True
        if there > highest:
            highest, highest_group = there, group
    return False


def _sorted_joins(tokens: tuple[str, ...]) -> list[str]:
    """The words, of each "x and y" the lesser first."""
    words = [token for token in tokens if token[0].isalnum()]
    for at in range(1, len(words) - 1):
        if words[at] in JOINING and words[at - 1] > words[at + 1]:
            words[at - 1], words[at + 1] = words[at + 1], words[at - 1]
    return words


def _moved(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """A word that both have once stands elsewhere among such words."""
    counts, other_counts = Counter(one), Counter(other)
    places = {
        word: at
        for at, word in enumerate(_sorted_joins(other))
        if other_counts[word] == 1 == counts[word] and word not in _LOOSE
    }
    order = [places[word] for word in _sorted_joins(one)[:MOST_ORDERED] if word in places]
    return _longest_rising(order) < len(order)


def _longest_rising(order: list[int]) -> int:
    """The length of the longest rising subsequence, by patience sorting."""
    tops: list[int] = []
    for value in order:
        at = bisect_left(tops, value)
        tops[at : at + 1] = [value]
    return len(tops)
