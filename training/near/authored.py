"""Pairs of questions made from other questions: put differently with the same meaning, or nearly the same with another.

Traps are made by rule, so their labels need no judge, and of every kind there are as many as one likes: a verifier that
saw few kinds of traps falls for the next one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lib.kv.cache.near.terms import EMPTY, LIGHT
from lib.kv.cache.near.words import stem


@dataclass(frozen=True)
class Pair:
    """Two questions, and whether an answer to one answers the other."""

    one: str
    other: str
    same: bool
    source: str
    kind: str


FRAMES: Final = (
    ("how do i ", "how can i ", "how do you ", "how to ", "what is the best way to ", "how would i ", "how could i "),
    ("how do we ", "how can we ", "how could we ", "what are some ways to "),
    ("what is ", "what's ", "what exactly is "),
    ("what are the ", "what are some ", "which are the "),
    ("why do ", "what is the reason that ", "how come "),
    ("is it possible to ", "can i ", "would it be possible to "),
    ("i want to ", "i would like to ", "i'd like to "),
    ("where can i ", "where do i ", "where could i "),
    ("should i ", "do you think i should "),
)
"""Beginnings that may take each other's place."""
OTHER_FRAMES: Final = (
    (
        "how do i ",
        ("why do i ", "when do i ", "where do i ", "should i ", "why should i ", "can i ", "how often do i "),
    ),
    ("how can i ", ("why can i ", "when can i ", "where can i ", "can i ", "why should i ", "should i ")),
    ("what is ", ("who is ", "where is ", "when is ", "why is ", "how is ", "what was ", "is ")),
    ("what are ", ("where are ", "who are ", "why are ", "how are ", "what were ", "when are ")),
    ("why ", ("how ", "when ", "where ")),
    ("when ", ("why ", "where ", "how ")),
    ("where ", ("when ", "why ", "how ")),
    ("who ", ("when did ", "why ", "whose ")),
    ("can i ", ("how can i ", "should i ", "must i ", "can you ", "why can i ", "when can i ")),
    ("do i ", ("do you ", "did i ", "should i ", "when do i ", "why do i ")),
    ("is ", ("was ", "why is ", "when is ", "how is ", "should ", "will ")),
    ("are ", ("were ", "why are ", "when are ", "how are ")),
)
FILLERS: Final = ("actually", "really", "exactly", "in fact", "truly")
EQUALS: Final = (
    ("buy", "purchase"), ("start", "begin"), ("photo", "picture"), ("movie", "film"), ("fix", "repair"),
    ("big", "large"),
    ("choose", "select"), ("difference", "differences"), ("delete", "remove"), ("cost", "price"), ("fast", "quick"),
    ("phone", "mobile"), ("help", "assist"), ("job", "occupation"), ("company", "firm"), ("color", "colour"),
    ("center", "centre"), ("organize", "organise"), ("favorite", "favourite"), ("get", "obtain"), ("tv", "television"),
    ("car", "automobile"), ("kids", "children"), ("send", "transfer"), ("show", "display"), ("improve", "enhance"),
    ("fee", "charge"), ("fees", "charges"), ("someone", "a person"), ("one", "you"),
)  # fmt: skip
SWAPPED_PLACES: Final = (
    ("from", "to"), ("for", "by"), ("with", "for"), ("in", "near"), ("on", "under"), ("to", "for"), ("at", "from"),
    ("about", "by"), ("of", "for"), ("into", "out of"),
)  # fmt: skip
OTHER_WORDS: Final = (
    ("my", "your"), ("i", "you"), ("is", "was"), ("are", "were"), ("can", "should"), ("all", "some"), ("will", "did"),
    ("do", "did"), ("my", "their"), ("this", "that"), ("every", "some"), ("does", "did"), ("can", "will"),
    ("the", "this"), ("a", "this"), ("my", "this"),
)  # fmt: skip

Change: TypeAlias = Callable[[list[str], random.Random], "list[str] | None"]


def _bare(word: str) -> str:
    return word.strip("?!.,;:'\"()").casefold()


def _heavy(words: Sequence[str]) -> list[int]:
    """Places of words that carry meaning."""
    return [
        at
        for at, word in enumerate(words)
        if _bare(word).isalpha()
        and _bare(word) not in EMPTY
        and stem(_bare(word)) not in LIGHT
        and len(_bare(word)) > 2
    ]


def _reframed(words: list[str], draw: random.Random) -> list[str] | None:
    return _other_start(
        words, draw, tuple((start, tuple(s for s in row if s != start)) for row in FRAMES for start in row)
    )


def _other_frame(words: list[str], draw: random.Random) -> list[str] | None:
    return _other_start(words, draw, OTHER_FRAMES)


def _other_start(words: list[str], draw: random.Random, rows: Sequence[tuple[str, Sequence[str]]]) -> list[str] | None:
    text = " ".join(words)
    fitting = [(start, others) for start, others in rows if text.casefold().startswith(start)]
    if not fitting:
        return None
    start, others = max(fitting, key=lambda row: len(row[0]))
    return (draw.choice(others) + text[len(start) :]).split()


def _typo(words: list[str], draw: random.Random) -> list[str] | None:
    long = [at for at, word in enumerate(words) if len(word) > 6 and word.isalpha() and word.islower()]
    if not long:
        return None
    at = draw.choice(long)
    word, place = words[at], draw.randrange(1, len(words[at]) - 2)
    slips = (
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + word[place + 1 :],
        word[:place] + word[place] + word[place:],
    )
    return [*words[:at], draw.choice(slips), *words[at + 1 :]]


def _without_article(words: list[str], draw: random.Random) -> list[str] | None:
    articles = [at for at, word in enumerate(words) if word in ("a", "an", "the") and at]
    if not articles:
        return None
    at = draw.choice(articles)
    return words[:at] + words[at + 1 :]


def _filled(words: list[str], draw: random.Random) -> list[str] | None:
    places = [at + 1 for at, word in enumerate(words[:4]) if word in ("is", "are", "do", "does", "can", "i")]
    if not places:
        return None
    at = draw.choice(places)
    return [*words[:at], *draw.choice(FILLERS).split(), *words[at:]]


def _equal_word(words: list[str], draw: random.Random) -> list[str] | None:
    return _exchanged(words, draw, EQUALS)


def _other_word(words: list[str], draw: random.Random) -> list[str] | None:
    return _exchanged(words, draw, OTHER_WORDS)


def _other_place(words: list[str], draw: random.Random) -> list[str] | None:
    return _exchanged(words, draw, SWAPPED_PLACES)


def _exchanged(words: list[str], draw: random.Random, rows: Sequence[tuple[str, str]]) -> list[str] | None:
    held = {*words}
    found = [pair for one, other in rows for pair in ((one, other), (other, one)) if pair[0] in held]
    if not found:
        return None
    one, other = draw.choice(found)
    return " ".join(other if word == one else word for word in words).split()


def _dropped(words: list[str], draw: random.Random) -> list[str] | None:
    heavy = _heavy(words)
    if len(heavy) < 2:
        return None
    at = draw.choice(heavy)
    return words[:at] + words[at + 1 :]


def _turned(words: list[str], draw: random.Random) -> list[str] | None:
    """Two parts of the question exchanged."""
    heavy = _heavy(words)
    if len(heavy) < 2:  # noqa: PLR2004: two parts
        return None
    first, second = sorted(draw.sample(heavy, 2))
    ends = first + draw.choice((1, 1, 2)), second + draw.choice((1, 1, 2))
    if ends[0] > second:
        return None
    return [
        *words[:first],
        *words[second : ends[1]],
        *words[ends[0] : second],
        *words[first : ends[0]],
        *words[ends[1] :],
    ]


SAME: Final[tuple[Change, ...]] = (_reframed, _typo, _without_article, _filled, _equal_word)
"""Changes that leave the answer as it is."""


class Traps:
    """Changes that ask for another answer; other words come from the questions themselves."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._words = sorted({_bare(words[at]) for words in map(str.split, questions) for at in _heavy(words)})
        self.all: tuple[Change, ...] = (
            *(self._replaced, self._replaced, self._added, self._added, _dropped, _dropped),
            *(_other_frame, _other_frame, _other_frame, _other_word, _other_word, _other_place, _turned),
        )

    def _replaced(self, words: list[str], draw: random.Random) -> list[str] | None:
        heavy = _heavy(words)
        if not heavy:
            return None
        at = draw.choice(heavy)
        return [*words[:at], draw.choice(self._words), *words[at + 1 :]]

    def _added(self, words: list[str], draw: random.Random) -> list[str] | None:
        heavy = _heavy(words)
        if not heavy:
            return None
        at = draw.choice(heavy)
        return [*words[:at], draw.choice(self._words), *words[at:]]


def authored(questions: Sequence[str], rounds: int, seed: int) -> Iterator[Pair]:
    """For each question and round one pair of either kind; half of the traps carry a harmless change besides."""
    draw, traps = random.Random(seed), Traps(questions)
    for question in questions:
        words = question.rstrip("?!. ").split()
        if not words:
            continue
        words[0] = words[0].casefold() if words[0][1:].islower() or len(words[0]) == 1 else words[0]
        for _ in range(rounds):
            for changes, same in ((SAME, True), (traps.all, False)):
                change = draw.choice(changes)
                changed = change(words, draw)
                if changed is not None and changed != words and (same or draw.random() < 0.5):
                    changed = draw.choice(SAME)(changed, draw) or changed
                if changed is not None and changed != words:
                    yield Pair(question, " ".join(changed) + "?", same, "authored", change.__name__.lstrip("_"))
