"""Finds cue rows in words: one pass, one dictionary look-up per word, however many rows there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TypeVar

from lib.ai.router.rows import CueRow, PairRow
from lib.ai.router.sample import Sample

Key = TypeVar("Key")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class CueIndex:
    """Rows are counted by their position in `rows`."""

    rows: tuple[CueRow, ...]
    words: Mapping[str, tuple[int, ...]]
    phrases: Mapping[tuple[str, ...], tuple[tuple[tuple[str, ...], int], ...]]
    """By their first two words: the whole phrase and its row."""
    marks: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, rows: Iterable[CueRow]) -> CueIndex:
        """Index `rows` by the words that start their cues."""
        rows = tuple(rows)
        words: defaultdict[str, list[int]] = defaultdict(list)
        phrases: defaultdict[tuple[str, ...], list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        for position, row in enumerate(rows):
            for word in row.words:
                words[word].append(position)
            for phrase in row.phrases:
                parts = tuple(phrase.split())
                phrases[parts[:2]].append((parts, position))
        marks = tuple((mark, position) for position, row in enumerate(rows) for mark in row.marks)
        return cls(rows, _frozen(words), _frozen(phrases), marks)

    def hits(self, sample: Sample) -> list[tuple[CueRow, int]]:
        """The rows that occur in `sample`, and how often; a mark counts once."""
        found: Counter[int] = Counter()
        text = sample.words
        for place, two in enumerate(pairwise((*text, ""))):
            for position in self.words.get(two[0], ()):
                found[position] += 1
            for phrase, position in self.phrases.get(two, ()):
                found[position] += text[place : place + len(phrase)] == phrase
        lowered = sample.lowered
        for mark, position in self.marks:
            if mark in lowered:
                found[position] += 1
        return [(self.rows[position], count) for position, count in found.items() if count]


@dataclass(frozen=True, slots=True)
class PairIndex:
    """Finds an object that follows a verb of the same row closely enough."""

    rows: tuple[PairRow, ...]
    words: Mapping[str, tuple[tuple[int, bool], ...]]
    """(row, whether the word is one of its objects)."""

    @classmethod
    def of(cls, rows: Iterable[PairRow]) -> PairIndex:
        """Index `rows` by verbs and objects."""
        rows = tuple(rows)
        words: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        for position, row in enumerate(rows):
            for word in row.verbs:
                words[word].append((position, False))
            for word in row.objects:
                words[word].append((position, True))
        return cls(rows, _frozen(words))

    def hits(self, sample: Sample) -> list[PairRow]:
        """The rows of which a pair occurs."""
        verb_at: dict[int, int] = {}
        found: set[int] = set()
        for place, word in enumerate(sample.words):
            for row, is_object in self.words.get(word, ()):
                if not is_object:
                    verb_at[row] = place
                elif row in verb_at and place - verb_at[row] <= self.rows[row].within:
                    found.add(row)
        return [self.rows[row] for row in sorted(found)]


def _frozen(index: Mapping[Key, Sequence[Row]]) -> Mapping[Key, tuple[Row, ...]]:
    return MappingProxyType({key: tuple(rows) for key, rows in index.items()})
