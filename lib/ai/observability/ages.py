"""How old stored answers were when they were served: by which counters, and what follows for lifetimes. Pure.

A view of each lifetime class and day: block 0 counts its hits, the next ten the tenths of their lifetime that had
passed, the rest their age. Hits tell when answers are used, not whether they were still right.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.contract import Json, JsonObject

AGES: Final = "ages"
TENTHS: Final = 10
EDGES: Final = (60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200)
"""Seconds that part one age from the next."""
BLOCKS: Final = 1 + TENTHS + len(EDGES) + 1
FEWEST: Final = 100
"""Hits from which they tell something."""
LATE: Final = 0.2
"""Share of hits in the last fifth of the lifetime from which answers expire while asked for: that of an even spread."""
EARLY: Final = 0.02
"""Share of hits in its second half below which that half is of no use."""


def age_blocks(age: float, seconds: int) -> tuple[int, int, int]:
    """The blocks to which a hit adds one. Jitter and clocks can make an answer older than its lifetime."""
    tenth = min(TENTHS - 1, int(TENTHS * age / max(1, seconds)))
    return 0, 1 + tenth, 1 + TENTHS + bisect_right(EDGES, age)


@dataclass(frozen=True, slots=True)
class Ages:
    """One class's hits of a day."""

    hits: int
    tenths: tuple[int, ...]
    ages: tuple[int, ...]

    @classmethod
    def of(cls, blocks: Sequence[int]) -> Ages:
        """From the requests counted in each block."""
        return cls(blocks[0], tuple(blocks[1 : 1 + TENTHS]), tuple(blocks[1 + TENTHS : BLOCKS]))

    def suggestion(self, seconds: int, *, may_grow: bool) -> tuple[int, str]:
        """Another lifetime in the place of `seconds`, and why."""
        if self.hits < FEWEST:
            return seconds, "not enough data yet"
        if sum(self.tenths[5:]) <= EARLY * self.hits:
            return seconds // 2, "hardly any answer is used in the second half of its lifetime"
        if sum(self.tenths[8:]) < LATE * self.hits:
            return seconds, "most answers are no longer asked for when they expire"
        if not may_grow:
            return seconds, "answers expire while they are asked for, but what they tell changes soon"
        return seconds * 2, "answers expire while they are asked for: more would be found, if they stay true"


def described(ages: Ages, seconds: int, *, may_grow: bool) -> JsonObject:
    """A class as the operator sees it."""
    suggested, why = ages.suggestion(seconds, may_grow=may_grow)
    histogram: list[Json] = [
        {"upToSeconds": edge, "hits": hits} for edge, hits in zip((*EDGES, None), ages.ages, strict=True)
    ]
    return {
        "seconds": seconds,
        "hits": ages.hits,
        "ageAtHit": histogram,
        "tenthsOfLifetime": list(ages.tenths),
        "suggestedSeconds": suggested,
        "because": why,
    }
