"""The store's circuit, as a pure value."""

from __future__ import annotations

from lib.kv.circuit import Circuit

CLOSED = Circuit(limit=3, open_seconds=5.0)


def opened(at: float) -> Circuit:
    return CLOSED.after_failure(at).after_failure(at).after_failure(at)


def test_it_opens_after_as_many_failures_in_a_row_as_its_limit() -> None:
    assert not CLOSED.after_failure(1).after_failure(2).is_open
    assert CLOSED.after_failure(1).after_failure(2).after_failure(3).is_open


def test_a_success_forgets_the_failures_before_it() -> None:
    assert not CLOSED.after_failure(1).after_failure(2).after_success().after_failure(3).is_open


def test_a_closed_circuit_admits_everything_and_stays_what_it_is() -> None:
    assert CLOSED.admit(0) == (True, CLOSED)
    assert CLOSED.after_success() is CLOSED


def test_an_open_circuit_admits_nothing_until_its_time_is_over() -> None:
    circuit = opened(at=10)
    assert circuit.admit(14.9) == (False, circuit)
    assert circuit.admit(15)[0]


def test_one_probe_is_admitted_and_the_next_only_after_the_same_time() -> None:
    _, probing = opened(at=10).admit(15)
    assert not probing.admit(15)[0]
    assert not probing.admit(19.9)[0]
    assert probing.admit(20)[0]


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_keeps_it_open() -> None:
    _, probing = opened(at=10).admit(15)
    assert not probing.after_success().is_open
    failed = probing.after_failure(16)
    assert failed.is_open
    assert not failed.admit(20.9)[0]
    assert failed.admit(21)[0]
