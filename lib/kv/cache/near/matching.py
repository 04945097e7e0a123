"""Which words of one question stand for which of another: the same stem, a synonym, a slip; the rest is left."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lib.kv.cache.near.feature_rows import SYNONYMS
from lib.kv.cache.near.terms import Term

MOST_COMPARED: Final = 12
"""Words left over on either side that are still compared with each other: what differs in more is not alike."""
_SHORTEST_TYPO: Final = 5


@dataclass(slots=True)
class Match:
    """Pairs of positions, and what became of the words."""

    pairs: dict[int, int]
    """Position among one's terms → position among the other's."""
    left: list[str]
    other_left: list[str]
    synonyms: int = 0
    typos: int = 0
    endings: int = 0
    """Pairs of one stem whose words differ in more than a plural."""


def match(one: tuple[Term, ...], other: tuple[Term, ...]) -> Match:
    """The words of two questions set against each other, in order of how surely they belong together."""
    result = Match({}, [], [])
    open_ones, open_others = _by_stem(one, other, result)
    if max(len(open_ones), len(open_others)) <= MOST_COMPARED:
        result.synonyms = _by_meaning(one, other, (open_ones, open_others), result)
        result.typos = _by_spelling(one, other, (open_ones, open_others), result)
    result.left = [one[at].stem for at in open_ones]
    result.other_left = [other[at].stem for at in open_others]
    return result


def _by_stem(one: tuple[Term, ...], other: tuple[Term, ...], result: Match) -> tuple[list[int], list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at in range(len(other) - 1, -1, -1):
        places[other[at].stem].append(at)
    open_ones: list[int] = []
    for at, term in enumerate(one):
        if there := places.get(term.stem):
            result.pairs[at] = there.pop()
            result.endings += term.word.removesuffix("s") != other[result.pairs[at]].word.removesuffix("s")
        else:
            open_ones.append(at)
    return open_ones, sorted(at for rest in places.values() for at in rest)


def _by_meaning(
    one: tuple[Term, ...], other: tuple[Term, ...], left: tuple[list[int], list[int]], result: Match
) -> int:
    found = 0
    for at in tuple(left[0]):
        meaning = SYNONYMS.get(one[at].stem)
        there = next((j for j in left[1] if meaning and SYNONYMS.get(other[j].stem) == meaning), None)
        if there is not None:
            found += _pair(at, there, left, result)
    return found


def _by_spelling(
    one: tuple[Term, ...], other: tuple[Term, ...], left: tuple[list[int], list[int]], result: Match
) -> int:
    found = 0
    for at in tuple(left[0]):
        there = next((j for j in left[1] if one_slip(one[at].word, other[j].word)), None)
        if there is not None:
            found += _pair(at, there, left, result)
    return found


def _pair(at: int, there: int, left: tuple[list[int], list[int]], result: Match) -> int:
    result.pairs[at] = there
    left[0].remove(at)
    left[1].remove(there)
    return 1


def one_slip(one: str, other: str) -> bool:
    """Whether two longer words differ by one letter added, left out, changed or swapped, not the first."""
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST_TYPO or len(long) - len(short) > 1 or short[0] != long[0]:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    exchanged = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return exchanged or short[at + 1 :] == long[at + 1 :]


def slots(found: Match, one: tuple[Term, ...], other: tuple[Term, ...]) -> list[tuple[set[str], set[str]]]:
    """The stems left over on both sides between the same neighbours, slot by slot: what a template fills in."""
    pairs = {-1: -1, **found.pairs, len(one): len(other)}
    return [
        (
            {term.stem for term in one[before + 1 : after]},
            {term.stem for term in other[pairs[before] + 1 : pairs[after]]},
        )
        for before, after in pairwise(sorted(pairs))
        if after - before > 1 and pairs[after] - pairs[before] > 1
    ]
