"""Who asks what and when: arrivals as in a public trace, and stated shares of repeats and double clicks."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import Final

from bench.claims.questions import Prompt, Question, Questions, trace

MONTH_SECONDS: Final = 30 * 86_400.0
MONTH_REQUESTS: Final = 1_000_000
USERS: Final = 500
REMEMBERED_SECONDS: Final = 1_800.0
"""A repeat asks again what was asked in the last half hour, the more likely the more often it was."""
SAME_USER: Final = 0.3
"""Repeats that come from who asked before; the others from anybody."""
REWORDED: Final = 0.4
"""Repeats in other words: greeting, politeness, thanks. Paraphrases that need understanding are not among them."""
DOUBLE_CLICK: Final = 0.03
"""Requests that are sent once more by the same user within the two seconds after."""


class Kind(StrEnum):
    """How a request relates to those before it."""

    FRESH = "fresh"
    SAME = "same words"
    REWORDED = "other words"
    DOUBLE = "double click"


WORDINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: f"Hi, {text}",
    lambda text: f"Please {text}",
    lambda text: f"{text} Thanks!",
    lambda text: f"  {text} ",
    lambda text: f"hello! {text} thank you",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `at` is seconds since the simulation began."""

    at: float
    user: int
    question: Question
    text: str
    kind: Kind


def traffic(prompts: Sequence[Prompt], repeats: float, count: int, seed: int) -> tuple[Asked, ...]:
    """`count` requests at the rate of a million a month, `repeats` of them (0 to 1) asked before, in order of time."""
    chance = random.Random(f"{seed} traffic")
    questions, moments = Questions(prompts, chance), trace()
    stretch = MONTH_SECONDS / MONTH_REQUESTS / fmean(moment.gap for moment in moments)
    place, at = chance.randrange(len(moments)), 0.0
    asked: list[Asked] = []
    times: list[float] = []
    while len(asked) < count:
        at += moments[place % len(moments)].gap * stretch
        place += 1
        recent = asked[bisect_left(times, at - REMEMBERED_SECONDS) :] if repeats else []
        if recent and chance.random() < repeats:
            one = _repeated(chance.choice(recent), at, chance)
        else:
            question = questions.new()
            one = Asked(at, chance.randrange(USERS), question, question.text, Kind.FRESH)
        asked.append(one)
        times.append(at)
        if chance.random() < DOUBLE_CLICK:
            again = at + chance.uniform(0.1, 2.0)
            asked.append(Asked(again, one.user, one.question, one.text, Kind.DOUBLE))
            times.append(at)
    return tuple(sorted(asked[:count], key=lambda each: each.at))


def _repeated(before: Asked, at: float, chance: random.Random) -> Asked:
    user = before.user if chance.random() < SAME_USER else chance.randrange(USERS)
    text = before.question.text
    if chance.random() < REWORDED:
        return Asked(at, user, before.question, chance.choice(WORDINGS)(text), Kind.REWORDED)
    return Asked(at, user, before.question, text, Kind.SAME)
