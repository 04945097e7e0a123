"""What an experiment with the cache has shown, arm by arm, with how far chance may have had its hand in it.

Intervals are Clopper and Pearson's at 90 %. They take requests as independent of each other, which those of one user
are not quite: read them as the least uncertainty there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from lib.ai.near.certification import Tally, least_wrong, wrong_bound
from lib.ai.near.pools import Pool, arm_pool, pool_in
from lib.ai.observability.shown import rate
from lib.ai.observability.totals import VARIANT, Totals
from lib.ai.observability.views import Views
from lib.clock import Clock
from lib.contract import Json, JsonObject
from lib.errors import StoreError
from lib.experiment import Arm, Assigned, Experiment, described
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Reply
from lib.kv.store import Store

ENOUGH: Final = 200
"""Requests of an arm below which nothing is concluded from it."""
ENOUGH_COMPARED: Final = 30
SIDE: Final = 0.05
"""Left out at either end of an interval."""
MICRO: Final = 1_000_000
RATINGS: Final = ("up", "down", "regenerate", "wrong")


class ExperimentStats:
    """Reads the section `experiments` of the statistics. Raises StoreError."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._views = Views(store, keys)

    async def of(self, experiments: Sequence[Experiment]) -> list[Json]:
        """Each experiment with its arms' figures."""
        return list(await asyncio.gather(*(self._one(each) for each in experiments)))

    async def _one(self, experiment: Experiment) -> JsonObject:
        arms = [Assigned(experiment, arm) for arm in experiment.arms]
        figures = [await self._arm(each) for each in arms]
        first, *others = [totals for totals, _ in figures]
        shown: list[Json] = [{**_wish(each.arm), **told} for each, (_, told) in zip(arms, figures, strict=True)]
        return {**described(experiment), "arms": shown, "conclusion": conclusion(first, others, arms)}

    async def _arm(self, arm: Assigned) -> tuple[Totals, JsonObject]:
        months = months_between(arm.experiment.begun_at, self._clock.now())
        views = [self._keys.view(VARIANT, arm.label, month) for month in months]
        totals = sum(await self._views.wholes(views), Totals())
        pool, votes = await self._store.run_many(
            [
                ("HGETALL", self._keys.near_pool(arm_pool(arm.label))),
                ("HMGET", self._keys.arm_votes(arm.label), *RATINGS),
            ]
        )
        if isinstance(pool, StoreError):
            raise pool
        near = near_of(pool_in(pool, self._clock.now()))
        return totals, {**figures_of(totals), "near": near, "feedback": votes_in(votes)}


def figures_of(totals: Totals) -> JsonObject:
    """What an arm did. Rates are shares of the requests that were not refused."""
    served = totals.requests - totals.refused
    hits = totals.exact_hits + totals.semantic_hits
    return {
        "requests": totals.requests,
        "enough": served >= ENOUGH,
        "exactHits": totals.exact_hits,
        "semanticHits": totals.semantic_hits,
        "hitRate": rate(hits, served),
        "hitRateInterval": interval(hits, served),
        "costUsd": totals.cost_micro_usd / MICRO,
        "costPerRequestUsd": round(totals.cost_micro_usd / served / MICRO, 9) if served else None,
        "savedUsd": totals.saved_micro_usd / MICRO,
        "averageMs": totals.latency_ms // totals.answered if totals.answered else None,
        "errorRate": rate(totals.errors, served),
    }


def near_of(pool: Pool) -> JsonObject:
    """What comparisons of near hits came to; those that words do not resolve are neither wrong nor right here."""
    tallies = sum(pool.tallies[1:], Tally())
    different = sum(pool.count("d", at) for at in range(1, len(pool.tallies)))
    unresolved = sum(pool.count("u", at) for at in range(1, len(pool.tallies)))
    resolved = tallies.compared - unresolved
    enough = resolved >= ENOUGH_COMPARED
    return {
        "compared": round(tallies.compared),
        "different": round(different),
        "unresolved": round(unresolved),
        "wrongRate": round(different / resolved, 4) if enough else None,
        "wrongRateInterval": interval(different, resolved) if enough else None,
        "note": "" if enough else "not enough data yet",
    }


def conclusion(first: Totals, others: Sequence[Totals], arms: Sequence[Assigned]) -> str:
    """What may be said of hit rates; nothing while an arm has few requests, or intervals overlap."""
    totals = (first, *others)
    if any(each.requests - each.refused < ENOUGH for each in totals):
        return f"not enough data yet: each arm needs {ENOUGH} requests"
    base, said = bounds_of(first), list[str]()
    for arm, each in zip(arms[1:], others, strict=True):
        low, high = bounds_of(each)
        if low > base[1] or high < base[0]:
            said.append(f"{arm.arm.name} hits {'more' if low > base[1] else 'less'} often than {arms[0].arm.name}")
    return "; ".join(said) or "no difference in hit rates that chance does not explain"


def bounds_of(totals: Totals) -> tuple[float, float]:
    """Between which an arm's hit rate lies."""
    tally = Tally(totals.requests - totals.refused, totals.exact_hits + totals.semantic_hits)
    return least_wrong(tally, SIDE), wrong_bound(tally, SIDE)


def interval(part: float, whole: float) -> list[Json]:
    """Between which a share lies, with nine chances in ten."""
    tally = Tally(whole, part)
    return [round(least_wrong(tally, SIDE), 4), round(wrong_bound(tally, SIDE), 4)]


def votes_in(reply: Reply | StoreError) -> JsonObject:
    """First votes by rating."""
    cells = reply if isinstance(reply, list) else [None] * len(RATINGS)
    counts = (int(cell) if isinstance(cell, int | str) else 0 for cell in cells)
    return dict(zip(RATINGS, counts, strict=True))


def months_between(begun: float, now: float) -> list[str]:
    """The months from one time to another, the last 13 at most; clocks may differ by a day."""
    index, last = (int(day[:4]) * 12 + int(day[4:6]) - 1 for day in (day_of(begun - 86_400), day_of(now + 86_400)))
    return [f"{i // 12:04d}{i % 12 + 1:02d}" for i in range(max(index, last - 12), last + 1)]


def _wish(arm: Arm) -> JsonObject:
    return {"name": arm.name, "mode": arm.mode, "maxWrong": arm.max_wrong, "ttlPercent": arm.ttl_percent}
