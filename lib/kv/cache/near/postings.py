"""Posting lists: under each rare term the records of the questions that have it, newest first, of bounded length.

A record is 22 characters of base64: 10 name the entry, 4 are the question's guard signature, 8 a sketch of its words.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from lib.kv.cache.near.guards import SIGNATURE_CHARS
from lib.kv.cache.near.question import Question

VERSION: Final = 1
"""Part of the name of every hash of postings: raise it with each change of terms, their weights, guards or records."""
ID_CHARS: Final = 10
SKETCH_CHARS: Final = 8
SKETCH_BITS: Final = 48
WIDTH: Final = ID_CHARS + SIGNATURE_CHARS + SKETCH_CHARS
MOST_RECORDS: Final = 256
"""Kept per field."""
MOST_CHARS: Final = WIDTH * MOST_RECORDS
MOST_CANDIDATES: Final = 2


def entry_id(digest: str) -> str:
    """How postings name the entry with this cache key (hex digits): 10 characters of base64, made of 60 of its bits."""
    return urlsafe_b64encode(bytes.fromhex(digest[:16])).decode()[:ID_CHARS]


@dataclass(frozen=True, slots=True)
class Posting:
    """What is noted of a stored question: `near_note.lua` puts `record` before what each of the fields holds."""

    fields: tuple[str, ...]
    record: str

    @classmethod
    def of(cls, question: Question, entry: str) -> Posting:
        """The posting of `question`, whose answer is kept under the id `entry`."""
        sketch = urlsafe_b64encode(_sketch(question).to_bytes(SKETCH_BITS // 8, "big")).decode()
        return cls(question.fields, entry + question.signature + sketch)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored question that may mean the same."""

    entry: str
    """Its entry's id."""
    likeness: float
    """How alike the words are, from 0 to 1, as far as the record tells."""


def candidates(found: Sequence[str | None], question: Question, skip: str = "") -> tuple[Candidate, ...]:
    """The most alike two of the records in the fields' values (HMGET's reply); of equally alike ones, the newer.

    Only records with the question's signature count. `skip` is an entry's id that is no candidate: the question's own.
    Values that are damaged are read as far as they hold records.
    """
    mine, likenesses = _sketch(question), dict[str, float]()
    for value in found:
        for record in _with_signature(value or "", question.signature):
            entry = record[:ID_CHARS]
            if entry not in likenesses and entry != skip:
                likenesses[entry] = _likeness(mine, record[-SKETCH_CHARS:])
    best = sorted(likenesses, key=lambda entry: -likenesses[entry])[:MOST_CANDIDATES]
    return tuple(Candidate(entry, likenesses[entry]) for entry in best)


def _with_signature(value: str, signature: str) -> list[str]:
    """The records of a value that have the signature."""
    records: list[str] = []
    at = value.find(signature, ID_CHARS, MOST_CHARS)
    while at >= 0:
        start = at - ID_CHARS
        if start % WIDTH == 0 and start + WIDTH <= len(value):
            records.append(value[start : start + WIDTH])
        at = value.find(signature, at + 1, MOST_CHARS)
    return records


def _sketch(question: Question) -> int:
    """One bit for each of the question's stems."""
    bits = 0
    for stem in question.stems:
        hashed = blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=2, person=b"sketch").digest()
        bits |= 1 << int.from_bytes(hashed, "big") % SKETCH_BITS
    return bits


def _likeness(mine: int, sketch: str) -> float:
    try:
        theirs = int.from_bytes(urlsafe_b64decode(sketch), "big")
    except ValueError:
        return 0.0
    either = (mine | theirs).bit_count()
    return (mine & theirs).bit_count() / either if either else 1.0
