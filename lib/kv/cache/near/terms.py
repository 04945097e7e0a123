"""The terms of a question that carry its meaning, how rare each is, and the fields its postings stand in.

How rare a term is comes from a list that ships (`frequent_terms.txt`, made by `python -m training.near`), not from the
store: a shared table would cost a read per request, and fields have to be found under the names they were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from lib.kv.cache.near.words import stem

FILE: Final = Path(__file__).parent / "frequent_terms.txt"
MOST_FIELDS: Final = 4
RAREST: Final = 10.0
"""The weight of a term that is not in the list: natural logarithm of one in how many questions has it."""
_FIELD_BYTES: Final = 3

EMPTY: Final = frozenset(
    """
    a an the is are was were be been being am do does did doing done have has had having i me my we us our you your it
    its this that these those of to in on at for with by from as and or if then so than there here what which who whom
    whose when where why how can could will would shall should may might must just really very much also about into
    over some any get got s t way ways exactly possible actually truly simply basically please he she him his her they
    them
    their myself yourself himself herself themselves itself
    """.strip().split()
)
"""English words that carry no meaning of their own. How they differ is weighed by the verifier's other features."""


LIGHT: Final = frozenset(
    """
    want need know help tell like think thing lot kind sort guy thank hi hello hey sorry wonder understand question sure
    let try tri pleas peopl
    """.strip().split()
)
"""Stems that change little when one question has them and another has not."""
LIGHT_WEIGHT: Final = 1.0
_WAYS: Final = frozenset(["way", "ways"])
_KINDS_OF_WAYS: Final = frozenset(
    """
    best good better easy easiest simple simplest right proper effective different various fast fastest quick quickest
    few other any some
    """.strip().split()
)
"""The best way to do it is how to do it; the innovative ways are not."""

JOINING: Final = frozenset(["and", "or", "vs", "versus"])


class Term(NamedTuple):
    """A word that carries meaning."""

    stem: str
    word: str
    """As written, folded."""
    at: int
    """Its place among the tokens."""


def content(tokens: tuple[str, ...]) -> tuple[Term, ...]:
    """The words that carry meaning, in order; all words when there are none. Numbers are the guards' business."""
    words = [
        Term(stem(word), word, at) for at, word in enumerate(tokens) if word[0].isalnum() and not word[0].isdigit()
    ]
    after = (*tokens[1:], "")
    return tuple(term for term in words if term.word not in EMPTY and after[term.at] not in _WAYS) or tuple(words)


def weight(term: str) -> float:
    """How much a term tells: 0 for one that is in every question."""
    return LIGHT_WEIGHT if term in LIGHT else frequent().get(term, RAREST)


def rarest(stems: tuple[str, ...]) -> tuple[str, ...]:
    """At most four stems: those that the fewest questions have, of equally rare ones the longest."""
    known = frequent()
    ordered = sorted(dict.fromkeys(stems), key=lambda term: (-known.get(term, RAREST), -len(term), term))
    return tuple(ordered[:MOST_FIELDS])


def fields(stems: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the stems' posting fields: 6 hex digits each, so that no word of a prompt is in the store."""
    return tuple(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=_FIELD_BYTES).hexdigest() for term in stems)


@cache
def frequent() -> Mapping[str, float]:
    """Stems of common words and how much each tells; read once."""
    found: dict[str, float] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        told, *terms = line.split(" ")
        found.update(dict.fromkeys(terms, float(told)))
    return MappingProxyType(found)
