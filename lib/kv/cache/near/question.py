"""A question as the near tier reads it: its words, what names its postings, and its guard facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from lib.kv.cache.near.guards import Guards, guards
from lib.kv.cache.near.terms import JOINING, Term, content, fields, rarest
from lib.kv.cache.near.words import LONGEST, folded, stem, tokens

_WORD_OR_END: Final = re.compile(r"[^\W\d_][\w'’-]*|[.?!:\n\"]")
_SPEAKER: Final = frozenset(["I", "I'm", "I've", "I'd", "I’m", "I’ve", "I’d", "I'll", "I’ll"])


@dataclass(frozen=True)
class Question:
    """Read once, used for lookup, guards and verifier."""

    text: str
    tokens: tuple[str, ...]
    """Folded words and signs, in order."""
    content: tuple[Term, ...]
    """The words that carry meaning, in order."""
    guards: Guards

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of its posting fields, at most four; none: it has no near hits."""
        return fields(rarest(self.stems)) if len(self.text) <= LONGEST else ()

    @cached_property
    def signature(self) -> str:
        """Equal for questions that none of the hard guards tells apart (4 characters of base64)."""
        return self.guards.signature

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Of the words that carry meaning, in order."""
        return tuple(term.stem for term in self.content)

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """A number per term; terms joined by "and" or "or" have the same: their order means nothing."""
        found = [1] if self.content else []
        for before, term in pairwise(self.content):
            joined = not JOINING.isdisjoint(self.tokens[before.at + 1 : term.at])
            found.append(found[-1] if joined else found[-1] + 1)
        return tuple(found)

    @cached_property
    def names(self) -> frozenset[str]:
        """Stems of words that look like names: capitalised within a sentence, or in capitals in a text that is not."""
        if self.text.isupper():
            return frozenset()
        found: set[str] = set()
        starts = True
        for match in _WORD_OR_END.finditer(self.text[:LONGEST]):
            word = match.group()
            if word in '.?!:\n"':
                starts = True
                continue
            if word not in _SPEAKER and ((word[0].isupper() and not starts) or (len(word) > 1 and word.isupper())):
                found.add(stem(word.removesuffix("'s").removesuffix("’s").casefold()))
            starts = False
        return frozenset(found)


def read(text: str) -> Question:
    """A question read; work is bounded by its first 4,000 characters, and longer ones have no posting fields."""
    words = tuple(tokens(folded(text)))
    return Question(text, words, content(words), guards(text, words))
