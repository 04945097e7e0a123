"""How fast a batch asks for admission: as fast as it may, never beyond what its user has left."""

from __future__ import annotations

from lib.ai.batch.pace import Pace
from lib.answer import LimitState

NOW = 1_000.0


def left(remaining: int, reset_seconds: int = 40) -> LimitState:
    return LimitState("free", 10, remaining, 60, reset_seconds)


def started(pace: Pace, count: int) -> list[int]:
    return [pace.start() for _ in range(count)]


def test_before_anything_is_known_as_many_ask_as_may_run_at_once() -> None:
    pace = Pace(5)
    assert pace.room(NOW, 0) == 5
    started(pace, 5)
    assert pace.room(NOW, 5) == 0


def test_an_answer_tells_what_is_left_less_those_that_asked_after_it() -> None:
    pace = Pace(5)
    places = started(pace, 5)
    pace.told(places[0], left(9), NOW)
    assert pace.room(NOW, 4) == 5
    started(pace, 1)
    pace.told(places[3], left(6), NOW)
    assert pace.room(NOW, 4) == 4


def test_an_older_answer_does_not_bring_back_what_a_newer_one_has_told() -> None:
    pace = Pace(5)
    places = started(pace, 5)
    pace.told(places[4], left(1), NOW)
    pace.told(places[0], left(9), NOW)
    assert pace.room(NOW, 3) == 1


def test_with_nothing_left_all_wait_until_there_is_room_and_then_one_goes_ahead() -> None:
    pace = Pace(5)
    (place,) = started(pace, 1)
    pace.told(place, left(0, reset_seconds=40), NOW)
    assert pace.room(NOW + 39, 0) == 0
    assert pace.room(NOW + 40, 0) == 1
    started(pace, 1)
    assert pace.room(NOW + 40, 1) == 0


def test_a_refusal_makes_all_wait_and_answers_to_older_ones_do_not_shorten_that() -> None:
    pace = Pace(5)
    places = started(pace, 5)
    pace.refused(places[3], 300.0, NOW)
    pace.told(places[0], left(7), NOW)
    assert pace.room(NOW + 299, 0) == 0
    assert pace.room(NOW + 300, 0) == 1


def test_without_a_limit_there_is_no_pace_to_keep() -> None:
    pace = Pace(5)
    (place,) = started(pace, 1)
    pace.told(place, None, NOW)
    assert pace.room(NOW, 1) > 1_000


def test_when_nobody_has_told_anything_one_goes_ahead_alone() -> None:
    pace = Pace(5)
    started(pace, 5)
    assert pace.room(NOW, 1) == 0
    assert pace.room(NOW, 0) == 1
