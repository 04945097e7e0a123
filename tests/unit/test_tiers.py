"""The limits of the product's document, and how they are looked up."""

from __future__ import annotations

import pytest

from lib.errors import InvalidRequest
from lib.tiers import ADDRESS_LIMIT, CLASS_LIMITS, TIERS, LimitTable, tier_named


@pytest.mark.parametrize(
    ("name", "limit", "lockout"), [("free", 10, 300), ("pro", 50, 60), ("expert", 200, 30), ("master", 1000, 0)]
)
def test_each_tier_has_its_limit_per_minute_and_its_lockout(name: str, limit: int, lockout: int) -> None:
    tier = tier_named(name)
    assert (tier.limit, tier.window_seconds, tier.lockout_seconds) == (limit, 60, lockout)
    assert not tier.budget
    assert not tier.total


def test_costly_classes_of_models_have_limits_of_their_own() -> None:
    assert {row.name: row.limit for row in CLASS_LIMITS} == {"gpt-4o": 20, "claude-opus": 10, "o1": 5}
    assert all(row.window_seconds == 60 for row in CLASS_LIMITS)


def test_one_address_may_ask_more_than_the_largest_tier() -> None:
    assert max(tier.limit for tier in TIERS) < ADDRESS_LIMIT


@pytest.mark.parametrize("name", ["", "Free", "gold", "free "])
def test_an_unknown_tier_is_an_error_that_names_the_field(name: str) -> None:
    with pytest.raises(InvalidRequest, match="free, pro, expert, master") as caught:
        tier_named(name)
    assert caught.value.param == "tier"


def test_a_model_without_a_class_has_no_class_limit() -> None:
    table = LimitTable()
    assert table.class_limit("") is None
    assert table.class_limit("nothing") is None
    found = table.class_limit("o1")
    assert found is not None
    assert found.limit == 5
