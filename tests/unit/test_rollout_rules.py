"""Who is on which side of the rollout, and when it is turned back."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.rollout.rules import (
    AutoRollback,
    Counts,
    Rollout,
    TurnedBack,
    arm_of,
    bucket_of,
    decode,
    encode,
    is_fault,
    why_back,
)
from lib.contract import Arm
from lib.errors import (
    BudgetExceeded,
    GatewayError,
    InvalidRequest,
    NoModelAvailable,
    Overloaded,
    RateLimited,
    UpstreamFailed,
)
from lib.kv.keys import Keys

PEOPLE = [Keys("t", "secret").person(f"user-{n}") for n in range(10_000)]
RULE = AutoRollback(margin_percent=5.0, min_requests=100)


def on_the_new_side(hundredths: int) -> set[str]:
    return {person for person in PEOPLE if arm_of(person, Rollout(hundredths)) is Arm.NEW}


@pytest.mark.parametrize("percent", [0, 0.01, 1, 10, 25, 50, 99.99, 100])
def test_of_ten_thousand_users_exactly_those_in_the_buckets_below_are_on_the_new_side(percent: float) -> None:
    hundredths = round(percent * 100)
    assert on_the_new_side(hundredths) == {person for person in PEOPLE if bucket_of(person) < hundredths}


def test_the_share_of_users_is_the_percentage_within_what_chance_explains() -> None:
    for percent in (1, 10, 50):
        share = len(on_the_new_side(percent * 100))
        expected = percent * 100
        assert abs(share - expected) < 4 * (expected * (1 - percent / 100)) ** 0.5
    assert (len(on_the_new_side(0)), len(on_the_new_side(10_000))) == (0, 10_000)


def test_raising_the_percentage_only_adds_users() -> None:
    sides = [on_the_new_side(hundredths) for hundredths in (0, 1, 100, 500, 2_500, 9_999, 10_000)]
    assert all(fewer <= more for fewer, more in pairwise(sides))


def test_a_users_bucket_has_nothing_to_do_with_the_part_of_the_log_they_write_to() -> None:
    keys = Keys("t", "secret")
    shards = {keys.shard(person) for person in on_the_new_side(500)}
    assert len(shards) == 16


@pytest.mark.parametrize(
    ("new", "old", "turned_back"),
    [
        (Counts(100, 20), Counts(100, 0), True),
        (Counts(100, 100), Counts(100, 0), True),
        (Counts(99, 99), Counts(1_000, 0), False),  # too few to tell
        (Counts(1_000, 1_000), Counts(99, 0), False),
        (Counts(10_000, 499), Counts(10_000, 0), False),  # below the margin, however sure
        (Counts(10_000, 500), Counts(10_000, 0), True),
        (Counts(100, 6), Counts(100, 0), False),  # above the margin by chance, perhaps (z = 2.5)
        (Counts(100, 20), Counts(100, 40), False),  # better
        (Counts(100, 100), Counts(100, 100), False),
        (Counts(), Counts(), False),
    ],
)
def test_it_is_turned_back_by_margin_number_and_significance_together(
    new: Counts, old: Counts, *, turned_back: bool
) -> None:
    assert bool(why_back(new, old, RULE)) is turned_back


def test_the_reason_tells_the_figures() -> None:
    assert why_back(Counts(200, 30), Counts(400, 4), RULE) == (
        "30 of 200 requests failed on the new side (15.0%), 4 of 400 on the old one (1.0%)"
    )


def test_without_a_margin_equal_sides_are_left_alone() -> None:
    rule = AutoRollback(margin_percent=0.0, min_requests=10)
    assert not why_back(Counts(100, 10), Counts(100, 10), rule)
    assert not why_back(Counts(100, 0), Counts(100, 0), rule)


def test_equal_sides_are_seldom_turned_back_though_each_request_is_a_look() -> None:
    chance, back = random.Random(11), 0
    for _ in range(200):
        new = old = Counts()
        for _ in range(500):
            new += Counts(1, int(chance.random() < 0.05))
            old += Counts(1, int(chance.random() < 0.05))
            if why_back(new, old, RULE):
                back += 1
                break
    assert back <= 4


TEXTS = st.text(max_size=40)
ROLLOUTS = st.builds(
    Rollout,
    hundredths=st.integers(0, 10_000),
    generation=st.integers(0, 2**53),
    changed_at=st.floats(0, 4e9),
    auto=st.builds(AutoRollback, st.booleans(), st.floats(0, 100), st.integers(10, 10**6)),
    turned_back=st.none() | st.builds(TurnedBack, st.floats(0, 4e9), st.floats(0, 100), TEXTS),
)


@given(ROLLOUTS)
def test_a_rollout_reads_back_as_it_was_written(rollout: Rollout) -> None:
    assert decode(encode(rollout)) == rollout


@pytest.mark.parametrize("text", ["", "null", "[]", '{"hundredths":10001,"generation":1,"changed_at":0,"auto":[]}'])
def test_a_damaged_text_is_no_rollout(text: str) -> None:
    assert decode(text) is None


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (UpstreamFailed("x"), True),
        (UpstreamFailed("x", status=429), True),
        (Overloaded("x"), True),
        (GatewayError("x"), True),
        (KeyError("x"), True),
        (InvalidRequest("x"), False),
        (NoModelAvailable("x"), False),
        (BudgetExceeded("x"), False),
        (RateLimited("x", limit_name="free", limit=1, window_seconds=60, retry_after=1), False),
    ],
)
def test_a_callers_mistakes_and_limits_are_not_the_fault_of_a_side(error: Exception, *, fault: bool) -> None:
    assert is_fault(error) is fault
