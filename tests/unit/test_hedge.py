"""When a second model may be asked."""

from __future__ import annotations

from lib.ai.hedge import ENOUGH, FirstTokens, HedgeBudget


def test_of_a_hundred_requests_at_most_five_are_hedged() -> None:
    budget, spent = HedgeBudget(5), 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 45 <= spent <= 50


def test_a_quiet_time_saves_up_one_hedge_and_no_more() -> None:
    budget = HedgeBudget(5)
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, False, False]


def test_no_percentage_means_no_hedging() -> None:
    assert not HedgeBudget(0).enabled


def test_the_percentile_is_told_once_enough_was_seen() -> None:
    seen = FirstTokens()
    for i in range(ENOUGH - 1):
        seen.note("m", i / 10)
    assert seen.p95("m") is None
    seen.note("m", 9.0)
    assert seen.p95("m") == 1.8
