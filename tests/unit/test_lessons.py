"""Beliefs about models: the shipped quality, moved by votes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.lessons import BUCKETS, LONG, NO_VOTES, NOTHING, PRIOR_VOTES, SHORT, Lessons, Votes, belief, bucket_of

COUNTS = st.integers(0, 1_000)


def even(_bucket: str, _model: str) -> float:
    return 0.7


def test_without_votes_a_model_is_thought_as_good_as_it_was_shipped() -> None:
    found = belief(0.8, NO_VOTES, 0.0)
    assert (found.mean, found.moved) == (0.8, 0.0)


def test_as_many_votes_as_the_shipped_quality_is_worth_move_it_half_way() -> None:
    votes = Votes(up=20, down=80)
    assert belief(0.8, votes, 0.0).mean == pytest.approx((0.8 + 0.2) / 2)
    assert votes.weight == PRIOR_VOTES


def test_the_deviation_is_that_of_the_beta_distribution_and_shrinks_with_votes() -> None:
    good, bad = 0.8 * PRIOR_VOTES + 30, 0.2 * PRIOR_VOTES + 10
    expected = math.sqrt(good * bad / ((good + bad) ** 2 * (good + bad + 1)))
    found = belief(0.8, Votes(up=30, down=10), 0.0)
    assert found.deviation == pytest.approx(expected)
    assert found.deviation < belief(0.8, NO_VOTES, 0.0).deviation


def test_asking_anew_counts_half_a_vote_against() -> None:
    assert Votes(regenerate=2) != Votes(down=1)
    assert belief(0.8, Votes(regenerate=2), 0.0) == belief(0.8, Votes(down=1), 0.0)


def test_voters_who_are_hard_to_please_are_no_reason_to_leave_the_models_they_judge() -> None:
    """All models get half of what is expected of them: none is thought much worse than one that nobody judged."""
    lessons = Lessons({("s", name): Votes(up=350, down=650) for name in ("a", "b", "c", "d")})
    found = belief(0.7, lessons.votes("s", "a"), lessons.leaning("a", even))
    assert found.mean > 0.6
    assert belief(0.7, lessons.votes("s", "a"), 0.0).mean < 0.4


def test_a_model_that_gets_worse_than_the_others_is_found_out_whatever_its_share_of_the_votes() -> None:
    lessons = Lessons({("s", "most used"): Votes(up=280, down=720), ("s", "other"): Votes(up=35, down=15)})
    worse, other = (
        belief(0.7, lessons.votes("s", name), lessons.leaning(name, even)) for name in ("most used", "other")
    )
    assert worse.mean < 0.4
    assert other.mean > worse.mean + 0.3


def test_votes_on_one_model_alone_say_nothing_of_its_voters() -> None:
    assert Lessons({("s", "a"): Votes(down=500), ("l", "a"): Votes(down=5)}).leaning("a", even) == 0.0
    assert NOTHING.leaning("a", even) == 0.0


@given(up=COUNTS, down=COUNTS, again=COUNTS, prior=st.floats(0, 1), leaning=st.floats(-1, 1))
def test_a_belief_is_always_a_share(up: int, down: int, again: int, prior: float, leaning: float) -> None:
    found = belief(prior, Votes(up, down, again), leaning)
    assert 0 <= found.mean <= 1 + 1e-9
    assert 0 <= found.deviation <= 0.5


@given(up=COUNTS, down=COUNTS, leaning=st.floats(-1, 1))
def test_another_vote_for_a_model_never_makes_it_worse(up: int, down: int, leaning: float) -> None:
    before, after = belief(0.7, Votes(up, down), leaning), belief(0.7, Votes(up + 1, down), leaning)
    assert after.mean >= before.mean - (0.01 if leaning < 0 else 1e-9)


@pytest.mark.parametrize(("length", "bucket"), [(0, "s"), (SHORT - 1, "s"), (SHORT, "m"), (LONG - 1, "m"), (LONG, "l")])
def test_prompts_of_like_length_are_counted_together(length: int, bucket: str) -> None:
    assert bucket_of(length) == bucket
    assert bucket in BUCKETS
