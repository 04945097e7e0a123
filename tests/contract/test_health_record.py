"""Model health in the store: the script adds outcomes up as one instance does in its own memory, for all of them."""

from __future__ import annotations

import random
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.ai.health import HealthBoard, read_health
from lib.ai.retry import BreakerPolicy, CircuitState
from lib.kv.keys import Keys
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore, at_once

KEYS: Final = Keys("t", "secret")
POLICY: Final = BreakerPolicy(failures=5, open_seconds=60.0)
MODEL: Final = "openai/gpt-4o"


class Site:
    """A store and instances that report to it at once."""

    def __init__(self) -> None:
        self.clock = HandTurnedClock()
        self.store = FakeStore(MemoryStore(self.clock.now))

    def board(self) -> HealthBoard:
        return HealthBoard(KEYS, POLICY)

    def note(self, board: HealthBoard, *outcomes: bool) -> None:
        for ok in outcomes:
            board.note(MODEL, ok=ok, milliseconds=120, now=self.clock.now())

    def report(self, board: HealthBoard) -> None:
        for command in board.report_commands([MODEL], self.clock.now()):
            at_once(self.store.run(*command))

    def learn(self, board: HealthBoard) -> None:
        command = board.read_command([MODEL], self.clock.now())
        assert command is not None
        board.learn([MODEL], at_once(self.store.run(*command)), self.clock.now())


@pytest.mark.parametrize("seed", range(6))
def test_outcomes_told_one_by_one_make_the_record_that_the_instance_has_itself(seed: int) -> None:
    site, chance = Site(), random.Random(seed)
    board = site.board()
    site.note(board, True)  # the first success is kept back for a while; from the second on each is told alone
    site.clock.turn(16)
    site.note(board, True)
    site.report(board)
    for _ in range(120):
        site.clock.turn(chance.choice([16, 20, 61, 200]))
        site.note(board, chance.random() < 0.5)
        site.report(board)
        known = board.describe([MODEL], site.clock.now())
        other = site.board()
        site.learn(other)
        assert other.describe([MODEL], site.clock.now()) == known
        assert other.opened_at(MODEL) == board.opened_at(MODEL)


def test_failures_of_several_instances_together_open_the_circuit_for_all_and_one_success_closes_it() -> None:
    site = Site()
    boards = [site.board() for _ in range(3)]
    for board, failures in zip(boards, (2, 2, 1), strict=True):
        site.note(board, *[False] * failures)
        assert board.circuit(MODEL, site.clock.now()) is CircuitState.CLOSED
        site.report(board)
    for board in boards:
        site.learn(board)
        assert board.circuit(MODEL, site.clock.now()) is CircuitState.OPEN
    site.clock.turn(60)
    assert boards[0].circuit(MODEL, site.clock.now()) is CircuitState.HALF_OPEN
    site.note(boards[0], True)
    site.report(boards[0])
    site.learn(boards[1])
    assert boards[1].circuit(MODEL, site.clock.now()) is CircuitState.CLOSED


def test_a_failed_trial_opens_the_circuit_anew_for_everybody() -> None:
    site = Site()
    board, other = site.board(), site.board()
    site.note(board, *[False] * 5)
    site.report(board)
    site.clock.turn(61)
    site.learn(other)
    site.note(other, False)
    site.report(other)
    site.clock.turn(3)
    site.learn(board)
    assert board.opened_at(MODEL) == site.clock.now() - 3


def test_one_instance_alone_may_try_a_half_open_model() -> None:
    site = Site()
    replies = [at_once(site.store.run(*site.board().probe_command(MODEL, token))) for token in ("a", "b")]
    assert replies == ["OK", None]
    site.clock.turn(31)
    assert at_once(site.store.run(*site.board().probe_command(MODEL, "b"))) == "OK"


def test_minutes_outside_the_window_are_dropped_and_the_record_ends_when_nobody_asks() -> None:
    site = Site()
    board = site.board()
    for _ in range(12):
        site.note(board, False)
        site.report(board)
        site.clock.turn(60)
    text = at_once(site.store.run("GET", KEYS.health(MODEL)))
    assert len(read_health(text).minutes) == 6
    site.clock.turn(900)
    assert at_once(site.store.run("DBSIZE")) == 0


def test_failures_that_a_success_followed_before_they_were_told_do_not_open_the_circuit() -> None:
    site = Site()
    board, other = site.board(), site.board()
    site.note(board, *[False] * 6, True)
    site.report(board)
    site.learn(other)
    assert other.circuit(MODEL, site.clock.now()) is CircuitState.CLOSED
    site.note(other, *[False] * 4)
    site.report(other)
    site.clock.turn(3)
    site.learn(board)
    assert board.circuit(MODEL, site.clock.now()) is CircuitState.CLOSED
