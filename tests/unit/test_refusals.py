"""Refusals are gathered for a second and user: a flood is a few records, and each refusal is in one of them."""

from __future__ import annotations

from lib.ai.observability.record import UsageRecord
from lib.ai.refusals import REFUSERS, Refusals


def refusal(at: float, person: str = "p") -> UsageRecord:
    return UsageRecord(request_id=f"r{at}", person=person, tier="free", at=at, kind="refused", model="m")


def test_the_first_is_booked_at_once_and_the_others_of_its_second_together() -> None:
    refusals = Refusals()
    first = refusals.add(refusal(100.0))
    assert first is not None
    assert first.count == 1
    assert [refusals.add(refusal(100.0 + i / 10)) for i in range(1, 6)] == [None] * 5
    assert not list(refusals.due(100.9))
    (rest,) = refusals.due(101.0)
    assert rest.count == 5


def test_what_was_gathered_is_due_once() -> None:
    refusals = Refusals()
    refusals.add(refusal(100.0))
    refusals.add(refusal(100.5))
    assert len(list(refusals.due(200.0))) == 1
    assert not list(refusals.due(300.0))


def test_users_are_gathered_apart() -> None:
    refusals = Refusals()
    assert refusals.add(refusal(100.0, "p"))
    assert refusals.add(refusal(100.1, "q"))


def test_the_number_of_users_that_are_gathered_is_bounded() -> None:
    refusals = Refusals()
    for i in range(REFUSERS + 50):
        list(refusals.due(100.0))
        refusals.add(refusal(100.0, f"p{i}"))
        refusals.add(refusal(100.0, f"p{i}"))
    assert len(list(refusals.due(102.0))) <= REFUSERS + 1
