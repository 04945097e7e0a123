"""Totals as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.observability.histogram import merged, quantile
from lib.ai.observability.totals import Totals
from lib.contract import JsonObject

QUANTILES: Final = (("p50Ms", 0.5), ("p95Ms", 0.95), ("p99Ms", 0.99))
"""Each within 5 % of the truth, as the histogram's buckets are cut."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Counters over a period, with their histograms of latency and of the time to the first token.

    Histograms are empty where they are not read or not kept.
    """

    totals: Totals
    latency: Sequence[int] = ()
    first_token: Sequence[int] = ()

    def __add__(self, other: Timed) -> Timed:
        return Timed(
            self.totals + other.totals,
            _both(self.latency, other.latency),
            _both(self.first_token, other.first_token),
        )


def described(timed: Timed) -> JsonObject:
    """Totals as the API shows them: rates from 0 to 1, money in dollars and exact micro-dollars."""
    t = timed.totals
    served = t.requests - t.refused
    return {
        "totalRequests": t.requests,
        "totalTokens": t.total_tokens,
        "inputTokens": t.input_tokens,
        "outputTokens": t.output_tokens,
        "cachedInputTokens": t.cached_input_tokens,
        "cacheWriteTokens": t.cache_write_tokens,
        "reasoningTokens": t.reasoning_tokens,
        "totalCost": t.cost_micro_usd / 1_000_000,
        "totalCostMicroUsd": t.cost_micro_usd,
        "wastedCost": t.wasted_micro_usd / 1_000_000,
        "wastedCostMicroUsd": t.wasted_micro_usd,
        "savedCost": t.saved_micro_usd / 1_000_000,
        "savedCostMicroUsd": t.saved_micro_usd,
        "savedByCache": (t.saved_micro_usd - t.duplicates_saved_micro_usd) / 1_000_000,
        "savedByDedup": t.duplicates_saved_micro_usd / 1_000_000,
        "savedByRouting": t.saved_by_routing / 1_000_000,
        "routedCost": t.routed_micro_usd / 1_000_000,
        "routedBaselineCost": t.baseline_micro_usd / 1_000_000,
        "cacheHits": t.exact_hits + t.semantic_hits,
        "cacheHitRate": rate(t.exact_hits + t.semantic_hits, served),
        "duplicates": t.duplicates,
        "dedupRate": rate(t.duplicates, served),
        "errors": t.errors,
        "errorRate": rate(t.errors, served),
        "hangups": t.hangups,
        "refused": t.refused,
        "fallbackRate": rate(t.fallbacks, t.answered),
        "retries": t.retries,
        "estimatedRequests": t.estimated,
        "unpricedRequests": t.unpriced,
        "ownKeys": {"requests": t.own_key_requests, "cost": t.own_key_micro_usd / 1_000_000},
        "latency": _times(t.latency_ms, t.answered, timed.latency),
        "firstToken": _times(t.first_token_ms, t.first_tokens, timed.first_token),
    }


def _times(sum_ms: int, count: int, histogram: Sequence[int]) -> JsonObject:
    shown: JsonObject = {"averageMs": sum_ms // count if count else None}
    if histogram:
        shown |= {name: quantile(histogram, q) for name, q in QUANTILES}
    return shown


def _both(mine: Sequence[int], theirs: Sequence[int]) -> Sequence[int]:
    return merged([mine, theirs]) if mine and theirs else mine or theirs


def rate(part: int, whole: int) -> float:
    """A share, 0 of nothing."""
    return round(part / whole, 4) if whole else 0.0
