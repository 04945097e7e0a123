"""What one instance has let users spend without the store."""

from __future__ import annotations

import pytest

from lib.ai.away import daily_cap
from lib.kv.local_spend import LocalSpend
from lib.tiers import Budget


def test_a_reservation_counts_until_it_is_exchanged_for_the_cost() -> None:
    spend = LocalSpend()
    spend.hold("p", "t1", 300, day="20261124")
    spend.hold("p", "t2", 200, day="20261124")
    assert spend.taken("p", "20261124") == 500
    spend.settle("p", "t1", 70)
    assert spend.taken("p", "20261124") == 270
    spend.settle("p", "t1", 70)
    assert spend.taken("p", "20261124") == 270


def test_what_has_no_reservation_costs_nothing_here() -> None:
    spend = LocalSpend()
    spend.settle("p", "t1", 70)
    assert spend.taken("p", "20261124") == 0


def test_a_new_day_begins_at_what_is_still_reserved() -> None:
    spend = LocalSpend()
    spend.hold("p", "t1", 300, day="20261124")
    spend.settle("p", "t1", 300)
    spend.hold("p", "t2", 50, day="20261124")
    assert spend.taken("p", "20261125") == 50
    assert spend.taken("p", "20261124") == 50  # a clock that goes back does not bring the old day back


def test_of_more_users_than_its_bound_the_one_unseen_for_longest_is_forgotten() -> None:
    spend = LocalSpend(most=2)
    for person in ("a", "b", "a", "c"):
        spend.hold(person, "t", 10, day="20261124")
    assert spend.taken("a", "20261124") == 10
    assert spend.taken("b", "20261124") == 0


@pytest.mark.parametrize(
    ("budget", "percent", "cap"),
    [
        (Budget(), 10, None),
        (Budget(per_day=1_000), 10, 100),
        (Budget(per_day=1_000), 0, 0),
        (Budget(per_month=30_000), 10, 100),
        (Budget(per_day=5_000, per_month=30_000), 100, 1_000),
        (Budget(per_day=500, per_month=30_000), 100, 500),
    ],
)
def test_the_share_is_of_the_stricter_budget_by_the_day(budget: Budget, percent: int, cap: int | None) -> None:
    assert daily_cap(budget, percent) == cap
