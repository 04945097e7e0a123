"""The learned half of the lifetime classes: a linear model over hashed words and the grammar between them.

Its weights are trained by `python -m training.ttl` and lie in `ttl_model.bin`, read with the first question: a line of
JSON (scale, bias by class), then one byte per class and feature, compressed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import exp, sqrt
from pathlib import Path
from typing import Final
from zlib import crc32, decompress

import orjson

from lib.contract import Json

FILE: Final = Path(__file__).parent / "ttl_model.bin"
SIZE: Final = 1 << 13
"""Features that can be told apart."""
MIDDLE: Final = 128
"""Bytes hold weight + 128."""
WORDS: Final = 40
"""Of a prompt; longer ones are no questions of fact."""
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'s)?|\d+")
_GRAMMAR: Final = frozenset(
    [
        "who",
        "whom",
        "whose",
        "what",
        "which",
        "when",
        "where",
        "why",
        "how",
        "is",
        "are",
        "was",
        "were",
        "am",
        "be",
        "been",
        "being",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "can",
        "could",
        "will",
        "would",
        "should",
        "may",
        "might",
        "must",
        "to",
        "of",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "with",
        "without",
        "into",
        "over",
        "under",
        "between",
        "since",
        "until",
        "till",
        "before",
        "after",
        "during",
        "about",
        "as",
        "than",
        "the",
        "a",
        "an",
        "and",
        "or",
        "not",
        "no",
        "this",
        "that",
        "these",
        "those",
        "there",
        "here",
        "it",
        "its",
        "he",
        "his",
        "she",
        "her",
        "they",
        "their",
        "them",
        "we",
        "our",
        "you",
        "your",
        "i",
        "my",
        "me",
        "many",
        "much",
        "more",
        "most",
        "least",
        "less",
        "few",
        "all",
        "any",
        "some",
        "every",
        "each",
        "other",
        "another",
        "first",
        "last",
        "next",
        "now",
        "yet",
        "still",
        "ever",
        "never",
        "ago",
        "so",
        "far",
        "long",
        "often",
        "old",
        "big",
        "large",
        "high",
        "tall",
        "deep",
        "one",
        "two",
        "three",
        "'s",
        "name",
        "season",
        "episode",
        "record",
        "history",
        "won",
        "win",
        "wins",
        "play",
        "plays",
        "played",
        "series",
        "team",
        "list",
        "part",
        "kind",
        "type",
        "sort",
        "year",
        "month",
        "day",
        "date",
        "time",
        "number",
        "country",
        "city",
        "person",
        "people",
        "world",
    ]
)
"""Words that say how a question is built, whatever it is about."""


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely it is that an answer changes within days, within years, or not at all; in sum 1."""

    fast: float
    slow: float
    lasting: float


@dataclass(frozen=True, slots=True)
class TtlModel:
    """`rows` has the weights of each class, a byte per feature, in the order of Chances."""

    rows: tuple[bytes, ...]
    scale: float
    bias: tuple[float, ...]

    def chances(self, text: str) -> Chances:
        """For a prompt in lower case with single blanks."""
        found = features(text)
        unit = self.scale / sqrt(len(found))
        scores = [
            (sum(map(row.__getitem__, found)) - MIDDLE * len(found)) * unit + bias
            for row, bias in zip(self.rows, self.bias, strict=True)
        ]
        powers = [exp(score - max(scores)) for score in scores]
        return Chances(*(power / sum(powers) for power in powers))


def features(text: str) -> list[int]:
    """The features a prompt has, each once, from 0 to SIZE - 1; at least one."""
    words = _TOKEN.findall(text)[:WORDS]
    words = ["0000" if len(word) == 4 and word.isdigit() else "0" if word.isdigit() else word for word in words]
    return sorted({crc32(name.encode("utf-8", "surrogatepass")) % SIZE for name in _names(words)})


def _names(words: Sequence[str]) -> Iterator[str]:
    """Words, pairs of them, and triples and fours of the grammar, where other words stand as `*`."""
    built = ["^", *(word if word in _GRAMMAR else _of_kind(word) for word in words), "$"]
    yield from words
    yield from map(" ".join, pairwise(words))
    yield from map(" ".join, zip(built, built[1:], built[2:], strict=False))
    yield from map(" ".join, zip(built, built[1:], built[2:], built[3:], strict=False))
    yield "".join(built[:5])
    yield from ("~" + word[-3:] for word in words if len(word) > 4)


def _of_kind(word: str) -> str:
    if word.endswith("'s"):
        return "*'s"
    if word.endswith("est"):
        return "*est"
    return word if word[0].isdigit() else "*ed" if word.endswith("ed") else "*"


@cache
def shipped() -> TtlModel:
    """The weights that come with the product, read once."""
    return read_model(FILE.read_bytes())


def read_model(data: bytes) -> TtlModel:
    """A model file. Raises ValueError or TypeError for a file that is none."""
    head, _, packed = data.partition(b"\n")
    value: Json = orjson.loads(head)
    weights = decompress(packed)
    match value:
        case {"scale": float(scale), "bias": [float(fast), float(slow), float(lasting)]} if len(weights) == 3 * SIZE:
            rows = tuple(weights[i * SIZE : (i + 1) * SIZE] for i in range(3))
            return TtlModel(rows, scale, (fast, slow, lasting))
        case _:
            raise ValueError("not a lifetime model")
