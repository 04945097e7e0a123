"""Figures of a simulation: sums by half hours, ratios of them, and intervals by drawing half hours anew."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from bench.claims.simulation import Outcome
from bench.claims.traffic import Kind
from lib.answer import CacheKind

BLOCK_SECONDS: Final = 1_800.0
"""Longer than nearly all outages, so that what belongs together is drawn together."""
SAMPLES: Final = 1_000
EDGES: Final = (0.025, 0.975)
NO_FAILURE: Final = 3.0
"""Where nothing of n failed, up to 3/n may still fail (95 %, "rule of three")."""


class Sums(NamedTuple):
    """What a stretch of time adds up to. Money is in micro-dollars."""

    requests: float = 0.0
    answered: float = 0.0
    up: float = 0.0
    """Requests that came while at least one provider was there."""
    answered_up: float = 0.0
    seconds: float = 0.0
    micro_usd: float = 0.0
    list_micro_usd: float = 0.0
    """Of what was answered, at the baseline's list price."""
    newer_micro_usd: float = 0.0
    """The same at that of a newer model of its tier."""
    best_micro_usd: float = 0.0
    """The same at that of a model of the best tier."""
    score: float = 0.0
    list_score: float = 0.0
    best_score: float = 0.0
    same: float = 0.0
    """Exact hits in the same words."""
    reworded: float = 0.0
    near: float = 0.0
    doubles: float = 0.0
    doubles_reached: float = 0.0


Ratio: TypeAlias = Callable[[Sums], float]


@dataclass(frozen=True, slots=True)
class Tally:
    """One scenario with one seed, or several of them together."""

    blocks: tuple[Sums, ...]
    seconds: tuple[float, ...]
    """Of every answer, sorted."""
    served: Counter[str]
    """Answers that cost a call, by model."""
    errors: Counter[str]

    @property
    def total(self) -> Sums:
        """All blocks."""
        return added(self.blocks)

    def percentile(self, share: float) -> float:
        """Seconds within which `share` of the answers came."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))] if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio and where 95 % of the samples lie."""

    value: float
    low: float
    high: float


def availability(sums: Sums) -> float:
    """Share of requests that were answered."""
    return sums.answered / max(1.0, sums.requests)


def availability_up(sums: Sums) -> float:
    """The same of requests that came while at least one provider was there."""
    return sums.answered_up / max(1.0, sums.up)


def saved(sums: Sums) -> float:
    """Share of the list price of one model for everything."""
    return 1 - sums.micro_usd / max(1.0, sums.list_micro_usd)


def saved_of_newer(sums: Sums) -> float:
    """The same of a newer model of the baseline's tier."""
    return 1 - sums.micro_usd / max(1.0, sums.newer_micro_usd)


def saved_of_best(sums: Sums) -> float:
    """The same of a model of the best tier."""
    return 1 - sums.micro_usd / max(1.0, sums.best_micro_usd)


def quality_lost(sums: Sums) -> float:
    """Share of the baseline's score that was given up; below 0 where answers were better."""
    return 1 - sums.score / sums.list_score if sums.list_score else 0.0


def lost_to_best(sums: Sums) -> float:
    """The same of the score of a model of the best tier."""
    return 1 - sums.score / sums.best_score if sums.best_score else 0.0


def seconds(sums: Sums) -> float:
    """Average time to a whole answer."""
    return sums.seconds / max(1.0, sums.answered)


def hits(sums: Sums) -> float:
    """Share of requests that were answered from the cache."""
    return (sums.same + sums.reworded + sums.near) / max(1.0, sums.requests)


def tallied(outcomes: Iterable[Outcome]) -> Tally:
    """The figures of one run."""
    blocks: dict[int, list[Sums]] = {}
    served, errors, times = Counter[str](), Counter[str](), list[float]()
    for each in outcomes:
        blocks.setdefault(int(each.asked.at / BLOCK_SECONDS), []).append(_sums(each))
        if not each.ok:
            errors[each.error] += 1
            continue
        times.append(each.seconds)
        if each.reached:
            served[each.served] += 1
    return Tally(tuple(added(rows) for rows in blocks.values()), tuple(sorted(times)), served, errors)


def together(tallies: Sequence[Tally]) -> Tally:
    """Several runs as one."""
    return Tally(
        tuple(block for tally in tallies for block in tally.blocks),
        tuple(sorted(each for tally in tallies for each in tally.seconds)),
        sum((tally.served for tally in tallies), Counter[str]()),
        sum((tally.errors for tally in tallies), Counter[str]()),
    )


def added(rows: Iterable[Sums]) -> Sums:
    """Their sum, field by field."""
    return Sums(*map(sum, zip(*rows, strict=True)))


def figure(tally: Tally, ratio: Ratio) -> Figure:
    """A ratio of all that was tallied, with its bootstrap interval."""
    chance = random.Random(1)
    found = sorted(ratio(added(chance.choices(tally.blocks, k=len(tally.blocks)))) for _ in range(SAMPLES))
    low, high = (found[int(edge * (SAMPLES - 1))] for edge in EDGES)
    return Figure(ratio(tally.total), low, high)


def surely(tally: Tally, ratio: Ratio) -> Figure:
    """The same of a share of successes, which no sample can make less than certain where nothing failed."""
    found = figure(tally, ratio)
    if found.value < 1.0:
        return found
    return Figure(1.0, 1 - NO_FAILURE / max(1.0, tally.total.requests), 1.0)


def _sums(each: Outcome) -> Sums:
    ok, exact, double = each.ok, each.cached is CacheKind.EXACT, each.asked.kind is Kind.DOUBLE
    reworded = exact and each.asked.kind is Kind.REWORDED
    listed, newer, best = each.list_micro_usd if ok else (0, 0, 0)
    score, list_score, _, best_score = (each.score, *each.list_scores) if ok else (None,) * 4
    return Sums(
        requests=1,
        answered=ok,
        up=each.provider_up,
        answered_up=ok and each.provider_up,
        seconds=each.seconds if ok else 0.0,
        micro_usd=each.micro_usd,
        list_micro_usd=listed,
        newer_micro_usd=newer,
        best_micro_usd=best,
        score=score or 0.0,
        list_score=list_score or 0.0,
        best_score=best_score or 0.0,
        same=exact and not reworded and not double,
        reworded=reworded,
        near=each.cached is CacheKind.SEMANTIC,
        doubles=double,
        doubles_reached=double and each.reached,
    )
