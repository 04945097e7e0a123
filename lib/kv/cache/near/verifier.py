"""How likely an answer to a stored question also answers this one: judged by the two texts alone, in plain Python.

Shallow trees over the numbers of `features`, trained by `python -m training.near` on questions whose licences allow it.
What comes out orders pairs; how many of them are right above which score is for certification to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Final, Protocol

import orjson

from lib.contract import Json
from lib.kv.cache.near.features import NAMES, features
from lib.kv.cache.near.matching import Match, match, slots
from lib.kv.cache.near.order import exchanged
from lib.kv.cache.near.question import Question
from lib.kv.cache.near.terms import weight
from lib.kv.cache.near.words import LONGEST

FILE: Final = Path(__file__).parent / "verifier.json"
TELLING: Final = 4.5
"""Weight of a term from which another one in its place asks for something else."""
HANDICAP: Final = 0.15
"""Log-odds, per word of the question, that a telling word costs which only one of the two has ("in Brazil"): a long
text is alike in all else, however much that word changes."""
USUAL_COSINE: Final = 0.85
"""An embedder's opinion that changes nothing: what questions that mean the same have on average with common models."""
COSINE_WEIGHT: Final = 8.0
MOST_FROM_COSINE: Final = 1.0
"""Log-odds an embedder adds or takes away at most: it is one more feature, never the rule."""


class Embedder(Protocol):
    """An optional second opinion."""

    async def similarity(self, question: str, cached: str) -> float | None:
        """The cosine of the two texts' vectors, or None when there is none to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Tree:
    """`features[i]` above `thresholds[i]` sets bit i of the leaf's number."""

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    leaves: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verifier:
    """The trees, whose sum with the bias is the logarithm of the odds."""

    bias: float
    trees: tuple[Tree, ...]

    def log_odds(self, row: Sequence[float]) -> float:
        """Of a row of `features`."""
        total = self.bias
        for tree in self.trees:
            leaf = 0
            for bit, feature in enumerate(tree.features):
                if row[feature] > tree.thresholds[bit]:
                    leaf |= 1 << bit
            total += tree.leaves[leaf]
        return total


def score(question: Question, cached: Question, similarity: float | None = None) -> float:
    """From 0 to 1; 0 when a hard guard tells the two apart, words have changed places, or one is too long to be read.

    Args:
        question: what is asked.
        cached: the question whose answer is stored.
        similarity: an embedder's cosine, if there is one.
    """
    found = matched(question, cached)
    if found is None:
        return 0.0
    odds = shipped().log_odds(features(question, cached, found))
    if any(weight(term) >= TELLING for term in (*found.left, *found.other_left)):
        odds -= HANDICAP * len(question.content)
    if similarity is not None:
        opinion = COSINE_WEIGHT * (similarity - USUAL_COSINE)
        odds += max(-MOST_FROM_COSINE, min(MOST_FROM_COSINE, opinion))
    return 1 / (1 + exp(-odds))


def matched(question: Question, cached: Question) -> Match | None:
    """How the words of the two stand to each other; None when the verifier need not be asked."""
    if max(len(question.text), len(cached.text)) > LONGEST or not question.content or question.guards != cached.guards:
        return None
    found = match(question.content, cached.content)
    return None if exchanged(question, cached, found) or _filled_otherwise(question, cached, found) else found


def _filled_otherwise(question: Question, cached: Question, found: Match) -> bool:
    """One template with another word in its slot, or words left over in a script that the trees have not seen.

    However long the template is that two prompts share, the word tells what is asked for.
    """
    if question.guards.script != "LATIN":
        return bool(found.left or found.other_left)
    return any(
        max(map(weight, one)) >= TELLING and max(map(weight, other)) >= TELLING
        for one, other in slots(found, question.content, cached.content)
    )


@cache
def shipped() -> Verifier:
    """The trees that come with the product, read once."""
    return read_verifier(FILE.read_bytes())


def read_verifier(data: bytes) -> Verifier:
    """A file of trees. Raises ValueError or TypeError for one that is none, or for other features."""
    match orjson.loads(data):
        case {"features": [*names], "bias": float(bias), "trees": [*trees]} if tuple(names) == NAMES:
            return Verifier(bias, tuple(_tree(tree) for tree in trees))
        case _:
            raise ValueError("the verifier's file does not hold trees over the features of this version")


def _tree(value: Json) -> Tree:
    match value:
        case [[*features], [*thresholds], [*leaves]] if len(leaves) == 1 << len(features) == 1 << len(thresholds):
            return Tree(tuple(map(int, _numbers(features))), tuple(_numbers(thresholds)), tuple(_numbers(leaves)))
        case _:
            raise ValueError("a tree of the verifier's file is none")


def _numbers(values: Iterable[Json]) -> list[float]:
    found: list[float] = []
    for value in values:
        if not isinstance(value, int | float):
            raise ValueError("a number of the verifier's file is none")  # noqa: TRY004 - the file is damaged
        found.append(float(value))
    return found
