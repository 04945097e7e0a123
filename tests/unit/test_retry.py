"""How long to wait, when a retry can be afforded, when a circuit opens."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.retry import Breaker, BreakerPolicy, CircuitState, Retrier, RetryBudget, RetryPolicy, wait_before
from lib.errors import NextStep, ProviderError
from tests.support.clock import START, HandTurnedClock

POLICY = RetryPolicy(attempts=6, base_seconds=1.0, max_seconds=30.0)
BREAKER = BreakerPolicy(failures=5, open_seconds=60.0)


class Highest(random.Random):
    """Chance that always draws the upper bound, so that the ceiling itself is seen."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_waits_double_from_one_second_up_to_thirty() -> None:
    waits = [wait_before(n, None, POLICY, Highest()) for n in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]


@given(retry=st.integers(1, 40), seed=st.integers())
def test_jitter_draws_from_zero_to_the_ceiling(retry: int, seed: int) -> None:
    wait = wait_before(retry, None, POLICY, random.Random(seed))
    assert wait is not None
    assert 0 <= wait <= min(30, 2 ** (retry - 1))


def test_a_retry_after_is_never_undercut_and_a_long_one_is_not_waited_for() -> None:
    wait = wait_before(1, 7.0, POLICY, random.Random(0))
    assert wait is not None
    assert 7.0 <= wait <= 8.0
    assert wait_before(1, 3600.0, POLICY, random.Random(0)) is None


def test_retries_are_a_share_of_requests_once_the_reserve_is_spent() -> None:
    budget = RetryBudget(percent=20, reserve=2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(5):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


def test_the_circuit_opens_after_five_failures_in_a_row_and_half_opens_after_a_minute() -> None:
    breaker, now = Breaker(), START
    for _ in range(4):
        breaker = breaker.after_failure(now, BREAKER)
    assert breaker.state(now, BREAKER) is CircuitState.CLOSED
    breaker = breaker.after_failure(now, BREAKER)
    assert breaker.state(now + 59.9, BREAKER) is CircuitState.OPEN
    assert breaker.state(now + 60, BREAKER) is CircuitState.HALF_OPEN
    assert breaker.after_failure(now + 61, BREAKER).state(now + 62, BREAKER) is CircuitState.OPEN
    assert breaker.after_success().state(now + 62, BREAKER) is CircuitState.CLOSED


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker = breaker.after_failure(START, BREAKER)
    for _ in range(4):
        breaker = breaker.after_success().after_failure(START, BREAKER)
    assert breaker.state(START, BREAKER) is CircuitState.CLOSED


class Script:
    """Fails with the given errors, then succeeds."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def retrier(clock: HandTurnedClock, policy: RetryPolicy = POLICY, reserve: float = 10) -> Retrier:
    return Retrier(policy, RetryBudget(reserve=reserve), clock, Highest())


async def test_a_passing_fault_is_retried_after_the_backoff() -> None:
    clock, attempt = HandTurnedClock(turns=60), Script(*[ProviderError("server_error", "x", status=503)] * 2)
    assert await retrier(clock).retry_with_backoff(attempt, START + 100) == "answer"
    assert clock.slept == [1, 2]


async def test_no_more_tries_than_the_policy_allows() -> None:
    attempt = Script(*[ProviderError("timeout", "x")] * 9)
    with pytest.raises(ProviderError, match="timeout"):
        await retrier(HandTurnedClock(turns=60), RetryPolicy(attempts=3)).retry_with_backoff(attempt, START + 100)
    assert attempt.calls == 3


@pytest.mark.parametrize("step", [NextStep.NEXT_MODEL, NextStep.GIVE_UP])
async def test_what_cannot_succeed_is_not_retried(step: NextStep) -> None:
    attempt = Script(ProviderError("auth", "x", status=401, next_step=step))
    with pytest.raises(ProviderError):
        await retrier(HandTurnedClock()).retry_with_backoff(attempt, START + 100)
    assert attempt.calls == 1


async def test_a_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    clock, attempt = HandTurnedClock(turns=60), Script(*[ProviderError("timeout", "x")] * 9)
    with pytest.raises(ProviderError):
        await retrier(clock).retry_with_backoff(attempt, START + 2.5)
    assert clock.slept == [1]


async def test_an_empty_retry_budget_ends_retrying() -> None:
    clock, attempt = HandTurnedClock(turns=60), Script(*[ProviderError("timeout", "x")] * 9)
    with pytest.raises(ProviderError):
        await retrier(clock, reserve=1).retry_with_backoff(attempt, START + 100)
    assert attempt.calls == 2
