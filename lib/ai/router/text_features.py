"""A prompt as numbers for the task model: hashed words, pairs and triples of words, word ends, and the text's shape.

Hashing instead of a dictionary keeps the model small and knows every language alike (Weinberger et al., 2009). Both
ends of a long prompt are read and no more, so the work is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

from lib.ai.router.sample import Sample

SIZE: Final = 1 << 15
"""Features that can be told apart."""
HEAD: Final = 700
TAIL: Final = 300
TRIPLES: Final = 40
"""Triples of words are taken from the first words only: there the instruction stands."""
ENDS: Final = 12
"""Words at either end that count as such once more: what is asked stands there, whatever is pasted between."""
_SCRIPTS: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN: Final = re.compile(rf"[{_SCRIPTS}]|[^\W\d_{_SCRIPTS}]+|\d[\d,.]*|[^\w\s]")
"""One sign of a script without spaces, a word, a number, or a mark. Each starts where the last ended: linear."""
_PAIR, _TRIPLE, _PLACE, _FIRST, _LAST = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x165667B1, 0x27D4EB2F
"""Odd 32-bit constants that spread the bits of combined hashes (xxHash's primes)."""


@lru_cache(maxsize=2)  # a decision asks twice in a row, for the class of work and for its demand
def features(sample: Sample) -> tuple[int, ...]:
    """The features a prompt has, each once, from 0 to SIZE - 1; in no order that means anything."""
    tokens = _tokens(sample)
    hashes = [*map(_hash, tokens)]
    found = {
        *_words_and_pairs(hashes),
        *_triples(hashes[:TRIPLES]),
        *[(place + 1) * _PLACE + one for place, one in enumerate(hashes[:3])],
        *[_FIRST ^ one for one in _words_and_pairs(hashes[:ENDS])],
        *[_LAST ^ one for one in _words_and_pairs(hashes[-ENDS:])],
        *map(_hash, _pieces(set(tokens))),
        *map(_hash, _shape(sample)),
    }
    return tuple({number & (SIZE - 1) ^ (number >> 17) & (SIZE - 1) for number in found})


def _hash(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))


def _words_and_pairs(hashes: Sequence[int]) -> list[int]:
    return [*hashes, *[a * _PAIR + b for a, b in pairwise(hashes)]]


def _triples(hashes: Sequence[int]) -> list[int]:
    return [(a * _PAIR + b) * _TRIPLE + c for a, b, c in zip(hashes, hashes[1:], hashes[2:], strict=False)]


def _tokens(sample: Sample) -> list[str]:
    text = sample.lowered
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]} … {text[-TAIL:]}"
    return [token if not token[0].isdigit() else "0" for token in _TOKEN.findall(text)]


def _pieces(words: set[str]) -> Iterator[str]:
    """How longer words begin and end, which tells families of words and languages."""
    for word in words:
        if len(word) > 4:
            yield "<" + word[:4]
            yield word[-4:] + ">"


def _shape(sample: Sample) -> Iterator[str]:
    """Marks for length, lines, questions, code fences, tables and digits; `#` keeps them apart from words."""
    text = sample.text
    yield f"#length{(3 * sample.full_length.bit_length()) // 2}"
    yield f"#lines{min(8, text.count(chr(10)).bit_length())}"
    yield f"#questions{min(4, text.count('?') + text.count('？'))}"
    yield f"#digits{20 * sum(map(text.count, '0123456789')) // max(1, len(text))}"
    if "```" in text:
        yield "#fence"
    if text.count("|") > 5:
        yield "#pipes"
    if text.count(",") > 0.03 * len(text):
        yield "#commas"
    if text.rstrip().endswith(("?", "？")):
        yield "#asks"
