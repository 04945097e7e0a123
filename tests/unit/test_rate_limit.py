"""The limits of a request, and the stand-in that holds them in one instance while the KV is away."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import InvalidRequest
from lib.kv.rate_limit import OWN_SHARE, WATCHED, Limit, LocalWindows, Refusal, limits_for
from lib.tiers import LimitTable

NOW: Final = 1_790_000_000_000
TIER: Final = Limit("tier", 10)
FREE: Final = Limit("free", 2, lockout_ms=300_000)
ADDRESS: Final = Limit("address", 6, by_address=True)


def test_a_request_is_limited_by_its_tier_then_its_models_class_then_its_address() -> None:
    assert limits_for(LimitTable(), "pro", "o1", by_address=True) == (
        Limit("pro", 50, lockout_ms=60_000),
        Limit("o1", 5, calls_only=True),
        Limit("address", 1_500, by_address=True),
    )


def test_a_model_without_a_class_and_a_caller_without_an_address_have_the_tiers_limit_alone() -> None:
    assert limits_for(LimitTable(), "master", "", by_address=False) == (Limit("master", 1_000),)


def test_an_unknown_tier_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidRequest) as caught:
        limits_for(LimitTable(), "gold", "", by_address=False)
    assert caught.value.param == "tier"


@pytest.mark.parametrize(("maximum", "share"), [(1, 1), (2, 1), (3, 1), (10, 5), (1_000, 500)])
def test_one_instance_admits_half_of_a_limit_and_at_least_one_request(maximum: int, share: int) -> None:
    windows, limit = LocalWindows(), Limit("l", maximum)
    refusals = [windows.admit([("u", limit)], NOW) for _ in range(maximum + 1)]
    assert refusals.count(None) == share
    assert refusals[share:] == [Refusal(limit, 60_000)] * (maximum + 1 - share)


@given(st.integers(2, 8), st.lists(st.integers(0, 40_000), max_size=60))
def test_any_window_holds_the_share_and_a_refusal_has_its_cause(maximum: int, pauses: list[int]) -> None:
    windows, limit, now, times = LocalWindows(), Limit("l", maximum), NOW, list[int]()
    for pause in pauses:
        now += pause
        recent = [time for time in times if time > now - limit.window_ms]
        refusal = windows.admit([("u", limit)], now)
        assert (refusal is None) == (len(recent) < maximum // OWN_SHARE)
        if refusal is None:
            times.append(now)
        else:
            assert refusal.wait_ms == recent[0] + limit.window_ms - now


def test_after_exactly_the_told_wait_there_is_room_and_a_millisecond_before_there_is_not() -> None:
    windows, limit = LocalWindows(), Limit("l", 2)
    windows.admit([("u", limit)], NOW)
    assert windows.admit([("u", limit)], NOW + 500) == Refusal(limit, 59_500)
    assert windows.admit([("u", limit)], NOW + 59_999) == Refusal(limit, 1)
    assert windows.admit([("u", limit)], NOW + 60_000) is None


def test_a_lockout_lasts_to_the_millisecond_and_trying_does_not_lengthen_it() -> None:
    windows = LocalWindows()
    windows.admit([("u", FREE)], NOW)
    assert windows.admit([("u", FREE)], NOW + 1_000) == Refusal(FREE, 300_000)
    assert windows.admit([("u", FREE)], NOW + 200_000) == Refusal(FREE, 101_000, locked=True)
    assert windows.admit([("u", FREE)], NOW + 300_999) == Refusal(FREE, 1, locked=True)
    assert windows.admit([("u", FREE)], NOW + 301_000) is None


def test_a_lockout_shorter_than_the_window_tells_the_longer_wait() -> None:
    windows, expert = LocalWindows(), Limit("expert", 2, lockout_ms=30_000)
    windows.admit([("u", expert)], NOW)
    assert windows.admit([("u", expert)], NOW + 10_000) == Refusal(expert, 50_000)


def test_a_request_that_one_limit_refuses_counts_against_none() -> None:
    windows = LocalWindows()
    for _ in range(3):
        assert windows.admit([("a", ADDRESS)], NOW) is None
    for _ in range(9):
        assert windows.admit([("u", TIER), ("a", ADDRESS)], NOW) == Refusal(ADDRESS, 60_000)
    assert [windows.admit([("u", TIER)], NOW) for _ in range(5)] == [None] * 5


def test_owners_and_limits_of_other_names_are_counted_apart() -> None:
    windows, one = LocalWindows(), Limit("one", 2)
    other = replace(one, name="other")
    assert windows.admit([("u", one), ("u", other), ("v", one)], NOW) is None
    assert windows.admit([("u", one)], NOW) == Refusal(one, 60_000)
    assert windows.admit([("v", other)], NOW) is None


def test_a_clock_that_goes_back_frees_no_slot() -> None:
    windows, limit = LocalWindows(), Limit("l", 4)
    assert windows.admit([("u", limit)], NOW) is None
    assert windows.admit([("u", limit)], NOW - 5_000) is None
    refusal = windows.admit([("u", limit)], NOW - 5_000)
    assert refusal is not None
    assert refusal.wait_ms > 0
    assert windows.admit([("u", limit)], NOW + 54_999) is not None


def test_windows_that_are_over_make_room_as_new_ones_come() -> None:
    windows, limit = LocalWindows(), Limit("l", 2)
    for minute in range(5):
        for number in range(100):
            windows.admit([(f"{minute}-{number}", limit)], NOW + minute * 60_000)
    assert windows.remembered <= 101


def test_a_window_is_kept_while_its_owner_is_locked_out() -> None:
    windows = LocalWindows()
    windows.admit([("u", FREE)], NOW)
    windows.admit([("u", FREE)], NOW)
    for owner in ("v", "w"):
        windows.admit([(owner, FREE)], NOW + 200_000)
    assert windows.admit([("u", FREE)], NOW + 200_000) == Refusal(FREE, 100_000, locked=True)


def test_a_window_is_kept_while_it_counts_also_under_a_clock_that_goes_back() -> None:
    windows, limit = LocalWindows(), Limit("l", 2)
    windows.admit([("u", limit)], NOW)
    assert windows.admit([("u", limit)], NOW - 50_000) is not None
    for owner in ("v", "w"):
        windows.admit([(owner, limit)], NOW + 59_000)
    assert windows.admit([("u", limit)], NOW + 59_000) == Refusal(limit, 1_000)


def test_the_longest_unused_window_is_forgotten_first() -> None:
    windows, limit = LocalWindows(), Limit("l", 2)
    for owner in ("first", "second"):
        windows.admit([(owner, limit)], NOW)
    assert windows.admit([("first", limit)], NOW) is not None
    for number in range(WATCHED - 1):
        windows.admit([(f"n{number}", limit)], NOW)
    assert windows.admit([("first", limit)], NOW) is not None
    assert windows.admit([("second", limit)], NOW) is None
