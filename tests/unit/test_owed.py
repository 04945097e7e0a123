"""Writes that the store is owed: sent while of use, repeated safely, bounded."""

from __future__ import annotations

import pytest

from lib.ai.owed import SENT_AT_ONCE, TRIES, Debts, Owed


def owed(name: str, until: float = 100.0) -> Owed:
    return Owed(("SET", name), ("SET", name, "NX"), until)


def test_what_was_not_executed_is_sent_as_it_was_and_what_perhaps_was_in_its_safe_form() -> None:
    debts = Debts()
    debts.keep([owed("a")])
    debts.doubt([owed("b")])
    assert [each.command for each in debts.take(0.0)] == [("SET", "a"), ("SET", "b", "NX")]
    assert len(debts) == 0


def test_what_is_too_late_to_be_of_use_is_dropped() -> None:
    debts = Debts()
    debts.keep([owed("a", until=10.0), owed("b", until=20.0)])
    assert [each.command for each in debts.take(10.0)] == [("SET", "b")]


def test_a_long_list_goes_out_in_several_write_backs() -> None:
    debts = Debts()
    debts.keep(owed(str(n)) for n in range(SENT_AT_ONCE + 1))
    assert len(debts.take(0.0)) == SENT_AT_ONCE
    assert [each.command for each in debts.take(0.0)] == [("SET", str(SENT_AT_ONCE))]


def test_beyond_its_bounds_the_oldest_is_given_up_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    few, small = Debts(most=2), Debts(most_bytes=20)
    few.keep(owed(name) for name in "abc")
    assert [each.command for each in few.take(0.0)] == [("SET", "b"), ("SET", "c")]
    small.keep(owed(name * 10) for name in "ab")
    assert [each.command for each in small.take(0.0)] == [("SET", "b" * 10)]
    assert len(caplog.messages) == 2
    small.keep([owed("c")])
    assert len(small) == 1


def test_a_write_that_is_refused_again_and_again_is_given_up() -> None:
    debts = Debts()
    debts.keep([owed("a")])
    for _ in range(TRIES - 1):
        debts.refused(debts.take(0.0))
        assert len(debts) == 1
    debts.refused(debts.take(0.0))
    assert len(debts) == 0
