"""What subscription events add up to, whatever order they come in."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from lib.access.subscriptions import (
    GRACE_SECONDS,
    KEPT_SECONDS,
    LONGEST_SECONDS,
    MOST,
    Subscription,
    Told,
    decode,
    encode,
)

NOW: Final = 1_000_000.0
TIERS: Final = ("free", "pro", "expert")
ENDS: Final = int(NOW) + 86_400


def told(*events: Subscription) -> Told:
    known = Told()
    for event in events:
        known = known.after(event, NOW)
    return known


def test_the_newest_event_holds_in_any_order_and_an_end_wins_at_equal_times() -> None:
    begun = Subscription("sub_1", 10, "pro", ENDS)
    raised = Subscription("sub_1", 20, "expert", ENDS)
    ended = Subscription("sub_1", 20, "", ENDS, deleted=True)
    for order in itertools.permutations((begun, raised, ended)):
        assert told(*order).subscriptions == (ended,)
        assert told(*order).tier(NOW, TIERS) == "free"


def test_an_older_event_leaves_everything_as_it_was() -> None:
    known = told(Subscription("sub_1", 20, "pro", ENDS))
    assert known.after(Subscription("sub_1", 19, "", ENDS), NOW + 5) is known


def test_the_end_of_one_subscription_does_not_end_the_other() -> None:
    known = told(
        Subscription("sub_new", 20, "pro", ENDS),
        Subscription("sub_old", 25, "", ENDS, deleted=True),
    )
    assert known.tier(NOW, TIERS) == "pro"
    assert known.after(Subscription("sub_3", 26, "expert", ENDS), NOW).tier(NOW, TIERS) == "expert"


def test_a_tier_holds_until_its_period_and_the_grace_are_over() -> None:
    known = told(Subscription("sub_1", 20, "pro", ENDS))
    assert known.tier(ENDS + GRACE_SECONDS - 1, TIERS) == "pro"
    assert known.tier(ENDS + GRACE_SECONDS, TIERS) == "free"
    assert told(Subscription("sub_1", 20, "pro")).tier(NOW * 1_000, TIERS) == "pro"


def test_nothing_told_and_tiers_that_are_gone_are_the_lowest() -> None:
    assert Told().tier(NOW, TIERS) == "free"
    assert told(Subscription("sub_1", 20, "gold", ENDS)).tier(NOW, TIERS) == "free"


def test_what_gives_a_tier_is_remembered_longest() -> None:
    many = [Subscription(f"sub_{n}", n, "", ENDS, deleted=True) for n in range(2, 40)]
    known = told(Subscription("sub_1", 1, "pro", ENDS), *many)
    assert len(known.subscriptions) == MOST
    assert known.tier(NOW, TIERS) == "pro"


def test_it_is_kept_for_the_period_and_long_enough_to_know_older_events() -> None:
    assert told(Subscription("s", 1, "", ENDS)).lifetime_seconds(NOW) == KEPT_SECONDS
    assert told(Subscription("s", 1, "pro", ENDS + 30 * 86_400)).lifetime_seconds(NOW) == 31 * 86_400 + GRACE_SECONDS
    assert told(Subscription("s", 1, "pro", 2**39)).lifetime_seconds(NOW) == LONGEST_SECONDS
    assert told(Subscription("s", 1, "pro")).lifetime_seconds(NOW) == LONGEST_SECONDS


def test_what_is_stored_is_read_back() -> None:
    known = told(Subscription("sub_1", 10, "pro", ENDS), Subscription("sub_2", 11, "", 0, deleted=True))
    assert decode(encode(known)) == known


@pytest.mark.parametrize("text", [None, "", "{", "[]", "[1]", "{}", '["x", []]', "[1, 2]", 5, ["x"]])
def test_anything_else_in_its_place_counts_as_nothing(text: object) -> None:
    assert decode(text) == Told()


def test_a_damaged_row_costs_only_itself() -> None:
    assert decode('[5, [["sub_1", 10, "pro", 0, false], ["sub_2"], 7]]').subscriptions == (
        Subscription("sub_1", 10, "pro"),
    )
