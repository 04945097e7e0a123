"""The store's circuit, as a pure value."""

from __future__ import annotations

from lib.kv.circuit import Circuit

CLOSED = Circuit(limit=3, open_seconds=5.0)


def failed(circuit: Circuit, at: float, *, timed_out: bool = False) -> Circuit:
    return circuit.after_failure(at, at, timed_out=timed_out)


def opened(at: float) -> Circuit:
    return failed(failed(failed(CLOSED, at), at), at)


def test_it_opens_after_as_many_failures_in_a_row_as_its_limit() -> None:
    assert not failed(failed(CLOSED, 1), 2).is_open
    assert failed(failed(failed(CLOSED, 1), 2), 3).is_open


def test_one_timeout_opens_it_at_once() -> None:
    assert failed(CLOSED, 1, timed_out=True).is_open


def test_a_success_forgets_the_failures_before_it() -> None:
    assert not failed(failed(failed(CLOSED, 1), 2).after_success(3), 4).is_open


def test_while_it_is_closed_no_probe_is_due() -> None:
    assert not CLOSED.probe_due(100)
    assert not failed(CLOSED, 1).probe_due(100)


def test_while_it_is_open_a_probe_is_due_when_its_time_is_over() -> None:
    assert not opened(at=10).probe_due(14.9)
    assert opened(at=10).probe_due(15)


def test_after_a_probe_the_next_is_due_in_the_same_time_whether_or_not_it_reports_back() -> None:
    probing = opened(at=10).probing(15)
    assert probing.is_open
    assert not probing.probe_due(19.9)
    assert probing.probe_due(20)


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_keeps_it_open() -> None:
    probing = opened(at=10).probing(15)
    assert not probing.after_success(15).is_open
    still = failed(probing, 16)
    assert still.is_open
    assert not still.probe_due(20.9)
    assert still.probe_due(21)


def test_a_failure_of_a_call_older_than_one_since_answered_says_nothing() -> None:
    closed = opened(at=10).probing(15).probing(20).after_success(20)
    assert closed.after_failure(15, 30, timed_out=True) is closed
    assert closed.after_failure(20, 30, timed_out=True).is_open


def test_an_older_success_does_not_hide_what_a_newer_one_has_proven() -> None:
    assert CLOSED.after_success(20).after_success(15).after_failure(17, 30, timed_out=True).is_open is False
