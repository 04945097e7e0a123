"""Model health: what counts as degraded or down, when it recovers, what is told to the KV."""

from __future__ import annotations

from lib.ai.health import HealthBoard, Minute, ModelHealth, after, read_health
from lib.ai.retry import Breaker, BreakerPolicy, CircuitState
from lib.answer import Health
from lib.errors import StoreUnavailable
from lib.kv.keys import Keys
from tests.support.clock import START

POLICY = BreakerPolicy(failures=5, open_seconds=60.0)
KEYS = Keys("t", "secret")
MODEL = "openai/gpt-4o"


def health_after(*outcomes: bool, now: float = START) -> ModelHealth:
    health = ModelHealth()
    for ok in outcomes:
        health = after(health, ok=ok, milliseconds=100, now=now, policy=POLICY)
    return health


def status(health: ModelHealth, now: float = START) -> Health:
    return health.status(now, POLICY)[0]


def test_no_traffic_is_healthy() -> None:
    assert status(ModelHealth()) is Health.HEALTHY


def test_four_requests_are_too_few_to_judge() -> None:
    assert status(health_after(False, True, False, True)) is Health.HEALTHY


def test_one_failure_in_ten_degrades_and_half_of_them_is_down() -> None:
    assert status(health_after(*[True] * 18, False)) is Health.HEALTHY
    assert status(health_after(*[True] * 9, False)) is Health.DEGRADED
    assert status(health_after(*[True, False] * 5)) is Health.DOWN


def test_five_failures_in_a_row_are_down_then_half_open_then_forgotten_after_five_minutes() -> None:
    health = health_after(*[False] * 5)
    assert status(health) is Health.DOWN
    assert status(health, START + 60) is Health.DEGRADED
    recovered = after(health, ok=True, milliseconds=5, now=START + 61, policy=POLICY)
    assert status(recovered, START + 61) is Health.DOWN  # five of six in the window failed
    assert status(recovered, START + 361) is Health.HEALTHY


def test_an_unreadable_record_is_no_record() -> None:
    for text in ("", "x", "1,2", "1,2|a:b", "1,2|1:2:3:4:5", None, 7, StoreUnavailable("away")):
        assert read_health(text).minutes == ()


def test_a_record_reads_back() -> None:
    assert read_health("3,1500|7:1:2:300;8:0:1:0") == ModelHealth(
        Breaker(3, 1.5), (Minute(7, 1, 2, 300), Minute(8, 0, 1, 0))
    )


def test_a_failure_is_told_at_once_and_successes_of_a_healthy_model_now_and_then() -> None:
    board = HealthBoard(KEYS, POLICY)
    board.note(MODEL, ok=True, milliseconds=10, now=START)
    assert board.report_commands([MODEL], START) == []
    board.note(MODEL, ok=True, milliseconds=10, now=START + 16)
    assert len(board.report_commands([MODEL], START + 16)) == 1
    board.note(MODEL, ok=False, milliseconds=10, now=START + 17)
    assert len(board.report_commands([MODEL], START + 17)) == 1
    assert board.report_commands([MODEL], START + 90) == []


def test_a_success_after_failures_is_told_at_once() -> None:
    board = HealthBoard(KEYS, POLICY)
    board.note(MODEL, ok=False, milliseconds=10, now=START)
    board.report_commands([MODEL], START)
    board.note(MODEL, ok=True, milliseconds=10, now=START + 1)
    assert len(board.report_commands([MODEL], START + 1)) == 1


def test_what_was_read_is_trusted_for_two_seconds() -> None:
    board = HealthBoard(KEYS, POLICY)
    assert board.read_command([MODEL], START) == ("MGET", KEYS.health(MODEL))
    board.learn([MODEL], [f"5,{int(START * 1000)}|"], START)
    assert board.read_command([MODEL], START + 1.9) is None
    assert board.read_command([MODEL], START + 2.1) is not None
    assert board.circuit(MODEL, START + 1) is CircuitState.OPEN


def test_reading_keeps_what_this_instance_has_not_told_yet() -> None:
    board = HealthBoard(KEYS, POLICY)
    for _ in range(5):
        board.note(MODEL, ok=False, milliseconds=0, now=START)
    board.learn([MODEL], [None], START)
    assert board.circuit(MODEL, START) is CircuitState.OPEN


def test_an_unusable_reply_leaves_what_is_known() -> None:
    board = HealthBoard(KEYS, POLICY)
    board.learn([MODEL], [f"5,{int(START * 1000)}|"], START)
    board.learn([MODEL], StoreUnavailable("away"), START)
    assert board.statuses([MODEL], START) == {MODEL: Health.DOWN}
