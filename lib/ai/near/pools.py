"""What has been learned from comparisons: counts by range of score, in a hash that all instances add to.

An instance trusts what it has read for a minute; it is read in the round trip of an admission.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lib.ai.near.certification import Tally, certified_cut
from lib.ai.near.comparison import Outcome
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply

EDGES: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Scores at which the next bin begins; what is below the first is not worth a comparison."""
BINS: Final = len(EDGES) + 1
WEEK_SECONDS: Final = 7 * 86_400
POOL_SECONDS: Final = 60 * 86_400
TRUSTED_SECONDS: Final = 60.0
MOST_KNOWN: Final = 512
SCALE: Final = 1_024.0
"""By which the store's whole numbers are more than the counts."""
MOST_OF_A_USER: Final = 60
"""Comparisons of one user that count in a week where many users share the counts: a quarter of what certifies 1 %."""
ALL: Final = "all"
"""The pool of the whole deployment."""
LOOKED: Final = "q"
SERVED: Final = "h"
SAVED: Final = "m"
"""Micro-dollars that served near hits have saved."""
FEEDBACK: Final = "f"
"""Served hits that their users called wrong."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Counts as they stand, old ones weighted down."""

    counts: Mapping[str, float] = field(default_factory=dict[str, float])

    def count(self, what: str, at: int) -> float:
        """Of one kind in one bin."""
        return self.counts.get(f"{what}{at}", 0.0)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """By bin: all comparisons, and those that did not show the same answer."""
        return tuple(self._tally(at) for at in range(BINS))

    def _tally(self, at: int) -> Tally:
        against = self.count(Outcome.DIFFERENT, at) + self.count(Outcome.UNRESOLVED, at)
        return Tally(self.count(Outcome.SAME, at) + against, against)

    def cut(self, max_wrong: float) -> int | None:
        """The lowest bin that may be served."""
        return certified_cut(self.tallies, max_wrong)


def arm_pool(label: str) -> str:
    """The pool of an experiment's arm."""
    return f"x:{label}"


def bin_of(score: float) -> int:
    """The bin of a score."""
    return bisect_right(EDGES, score)


def week_of(now: float) -> int:
    """The number of a week."""
    return int(now // WEEK_SECONDS)


def near_weeks(now: float) -> list[int]:
    """The weeks whose comparisons of a user may still be counted in the store, were clocks a little apart."""
    return list(range(week_of(now) - 2, week_of(now) + 2))


def pool_in(reply: Reply, now: float) -> Pool:
    """A pool from an HGETALL's reply; damaged fields count nothing."""
    cells = reply if isinstance(reply, list) else []
    pairs = zip(cells[::2], cells[1::2], strict=False)
    numbers = {name: int(value) for name, value in map(_numbered, pairs) if value.isdecimal()}
    age = max(0, week_of(now) - numbers.pop("w", week_of(now)))
    return Pool({name: count / SCALE / 2**age for name, count in numbers.items() if count > 0})


def _numbered(pair: tuple[Reply, Reply]) -> tuple[str, str]:
    return str(pair[0]), str(pair[1])


class Pools:
    """The pools as this instance knows them. One per process."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self.keys = keys
        self.clock = clock
        self._script = script("near_count")
        self._known: OrderedDict[str, tuple[float, Pool]] = OrderedDict()

    def asking(self, name: str) -> Command | None:
        """The read of a pool, for `learn` to take in; None while what is known may be trusted."""
        since, _ = self._known.get(name, (float("-inf"), None))
        if 0 <= self.clock.now() - since < TRUSTED_SECONDS:
            return None
        return ("HGETALL", self.keys.near_pool(name))

    def learn(self, name: str, reply: Reply | StoreError) -> None:
        """Take in the reply. Without one, what was known is forgotten: nothing is served on old counts."""
        if isinstance(reply, StoreError):
            self._known.pop(name, None)
            return
        now = self.clock.now()
        self._known[name] = now, pool_in(reply, now)
        self._known.move_to_end(name)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def known(self, name: str) -> Pool:
        """As last read; empty where it was not."""
        return self._known[name][1] if name in self._known else Pool()

    def counting(self, name: str, counts: Sequence[tuple[str, int]], person: str = "") -> Command:
        """Adds to a pool; what a `person` is named for counts only up to their share."""
        keys, now = self.keys, self.clock.now()
        week = week_of(now)
        named = (keys.near_pool(name), keys.near_said(person, week) if person else keys.near_pool(name) + ":-")
        limits = (week, POOL_SECONDS, MOST_OF_A_USER if person else 0, 2 * WEEK_SECONDS)
        return ("EVAL", self._script, len(named), *named, *limits, *(part for pair in counts for part in pair))
