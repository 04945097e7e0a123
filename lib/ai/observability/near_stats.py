"""What the near tier has found out, as the operator is told it: what it would serve, and how sure that is.

Scores are for the operator alone: told to callers, they would show how to come closer to what others have asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lib.ai.near.certification import FEWEST, Tally, within, wrong_bound
from lib.ai.near.comparison import Outcome
from lib.ai.near.pools import ALL, BINS, EDGES, FEEDBACK, LOOKED, SAVED, SERVED, Pool, pool_in
from lib.ai.observability.shown import Timed
from lib.ai.observability.totals import Totals
from lib.ai.observability.views import Views
from lib.clock import Clock
from lib.contract import Json, JsonObject
from lib.kv.keys import Keys, day_of
from lib.kv.store import Store
from lib.usage_query import ALL as EVERYTHING

MICRO: Final = 1_000_000
MOST_ASKED: Final = 4_096
"""Comparisons up to which it is worked out how many are missing."""


@dataclass(frozen=True, slots=True)
class NearFacts:
    """How the deployment has it."""

    mode: str
    max_wrong: float


class NearStats:
    """Reads the section `nearCache` of the statistics. Raises StoreError."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, facts: NearFacts) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._facts = facts
        self._views = Views(store, keys)

    async def read(self) -> JsonObject:
        """Of the whole deployment: counts are of the last weeks, the hits today's."""
        now = self._clock.now()
        pool = pool_in(await self._store.run("HGETALL", self._keys.near_pool(ALL)), now)
        (today,) = await self._views.timed([self._keys.view(EVERYTHING, "", day_of(now))])
        return {**described(pool, self._facts), "today": hits_of(today)}


def hits_of(timed: Timed) -> JsonObject:
    """Hits by kind, and the time they spared their callers: what answers of models have taken on average."""
    totals: Totals = timed.totals
    average = totals.latency_ms // totals.answered if totals.answered else None
    kinds = {"exact": totals.exact_hits, "semantic": totals.semantic_hits, "duplicate": totals.duplicates}
    spared = None if average is None else average * (totals.exact_hits + totals.semantic_hits)
    return {**kinds, "savedUsd": totals.saved_micro_usd / MICRO, "savedLatencyMs": spared}


def described(pool: Pool, facts: NearFacts) -> JsonObject:
    """A pool as the operator sees it, by rising score; rows are of all from their score on."""
    cut, rows = pool.cut(facts.max_wrong), list[Json]()
    looked = pool.counts.get(LOOKED, 0.0)
    above = _Sum()
    for at in range(BINS - 1, 0, -1):
        above = above.plus(pool, at)
        if above.tally.compared or above.served:
            rows.append({"fromScore": EDGES[at - 1], **above.shown(looked)})
    whole = above.shown(looked)
    return {
        "mode": facts.mode,
        "maxWrongPercent": _percent(facts.max_wrong),
        "certified": cut is not None,
        "cutScore": None if cut is None else EDGES[cut - 1],
        "comparisonsMissing": None if cut is not None else missing(pool, facts.max_wrong),
        "questions": round(looked),
        **whole,
        "served": round(above.served),
        "savedUsd": round(pool.counts.get(SAVED, 0.0)) / MICRO,
        "calledWrong": round(pool.counts.get(FEEDBACK, 0.0)),
        "fromScore": rows,
    }


def missing(pool: Pool, max_wrong: float) -> int | None:
    """Comparisons that, all shown to be the same, would certify the best scores; None where that is far away."""
    at = max((at for at, tally in enumerate(pool.tallies) if tally.compared), default=BINS - 1)
    tally = pool.tallies[at]
    for more in range(MOST_ASKED):
        asked = tally + Tally(more, 0)
        if asked.compared >= FEWEST and within(asked, max_wrong):
            return more
    return None


@dataclass(frozen=True, slots=True)
class _Sum:
    """Counts of all bins from one on."""

    tally: Tally = field(default_factory=Tally)
    different: float = 0.0
    unresolved: float = 0.0
    served: float = 0.0

    def plus(self, pool: Pool, at: int) -> _Sum:
        return _Sum(
            self.tally + pool.tallies[at],
            self.different + pool.count(Outcome.DIFFERENT, at),
            self.unresolved + pool.count(Outcome.UNRESOLVED, at),
            self.served + pool.count(SERVED, at),
        )

    def shown(self, looked: float) -> JsonObject:
        n = self.tally.compared
        return {
            "compared": round(n),
            "different": round(self.different),
            "unresolved": round(self.unresolved),
            "wouldHavePercent": _percent((n + self.served) / looked) if looked else None,
            "wrongPercent": _percent(self.different / n) if n else None,
            "boundPercent": _percent(wrong_bound(self.tally)) if n else None,
        }


def _percent(share: float) -> float:
    return round(100 * share, 3)
