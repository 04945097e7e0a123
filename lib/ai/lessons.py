"""What votes teach about models (pure): for each class of work, length of prompt and model a Beta belief.

A belief starts from the shipped quality, worth 100 votes, and moves with the votes of users. How often people vote up
at all says more about them than about models, so votes count against the usual share of their class of work.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

PRIOR_VOTES: Final = 100
"""Votes that the shipped quality is worth: learning from nothing took thousands of requests to come even with it."""
ENOUGH: Final = 20
"""Votes on a model below which its quality by votes is not shown, and on a class of work below which none is tried."""
DOUBT: Final = 0.5
"""Opinions, of models, against voters having a habit at all."""
REGENERATED: Final = 0.5
"""Of a vote against: some ask anew for the sake of variety."""
SHORT: Final = 256
LONG: Final = 2_048
BUCKETS: Final = ("s", "m", "l")
"""Names of the lengths up to SHORT, up to LONG, and beyond."""

Cell: TypeAlias = tuple[str, str]
"""A bucket and a model."""
Prior: TypeAlias = Callable[[str, str], float]
"""The shipped quality, from 0 to 1, of a model (the second) for prompts of a bucket (the first)."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes on one cell."""

    up: int = 0
    down: int = 0
    regenerate: int = 0

    @property
    def against(self) -> float:
        """What speaks against the model."""
        return self.down + REGENERATED * self.regenerate

    @property
    def weight(self) -> float:
        """How much all of them say."""
        return self.up + self.against

    def __add__(self, other: Votes) -> Votes:
        return Votes(self.up + other.up, self.down + other.down, self.regenerate + other.regenerate)


NO_VOTES: Final = Votes()


@dataclass(frozen=True, slots=True)
class Lessons:
    """Votes on one class of work."""

    cells: Mapping[Cell, Votes] = field(default_factory=dict[Cell, Votes])

    @property
    def weight(self) -> float:
        """How much they say together."""
        return sum(votes.weight for votes in self.cells.values())

    def votes(self, bucket: str, model: str) -> Votes:
        """Those on one cell."""
        return self.cells.get((bucket, model), NO_VOTES)

    def leaning(self, model: str, prior: Prior) -> float:
        """How much less than expected voters grant to other models than this one; from -1 to 1.

        A model's own votes are left out: if it gets worse, that is no habit of the voters.
        """
        weights, missing = defaultdict[str, float](float), defaultdict[str, float](float)
        for (bucket, other), votes in self.cells.items():
            if other != model:
                weights[other] += votes.weight
                missing[other] += votes.weight * prior(bucket, other) - votes.up
        # Each model counts as one opinion at most, however many votes it has: it may as well be better than thought.
        opinions = sum(weight / (weight + PRIOR_VOTES) for weight in weights.values())
        return sum(missing[other] / (weights[other] + PRIOR_VOTES) for other in weights) / (opinions + DOUBT)


NOTHING: Final = Lessons()


@dataclass(frozen=True, slots=True)
class Belief:
    """A quality from 0 to 1: as shipped, as votes have moved it, and how far off that may well be."""

    prior: float
    mean: float
    deviation: float

    @property
    def moved(self) -> float:
        """By how much votes have moved it."""
        return self.mean - self.prior


def belief(prior: float, votes: Votes, leaning: float) -> Belief:
    """The Beta posterior: PRIOR_VOTES pseudo-counts at `prior`, and the votes, moved by `leaning`."""
    weight = votes.weight
    good = min(weight, max(0.0, votes.up + leaning * weight))
    count = PRIOR_VOTES + weight
    mean = (PRIOR_VOTES * prior + good) / count
    return Belief(prior, mean, math.sqrt(mean * (1 - mean) / (count + 1)))


def bucket_of(characters: int) -> str:
    """The bucket of a prompt of that length: `s`, `m` or `l`."""
    if characters < SHORT:
        return "s"
    return "m" if characters < LONG else "l"
