"""Retry decisions (pure) and the one runner: how long to wait, what can be afforded, when a circuit is open."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from lib.clock import Clock
from lib.errors import NextStep, ProviderError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits of `base_seconds` · 2ⁿ, at most `max_seconds`, each drawn anew from 0 to that (full jitter)."""

    attempts: int = 3
    """Tries at one model, the first included."""
    base_seconds: float = 1.0
    max_seconds: float = 30.0


def wait_before(retry: int, asked_for: float | None, policy: RetryPolicy, chance: random.Random) -> float | None:
    """Seconds to wait before the `retry`-th retry (from 1), or None when waiting so long is not worth it.

    Full jitter after Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015). A provider's
    Retry-After is never undercut; beyond `max_seconds` another model is the better answer.
    """
    ceiling = min(policy.max_seconds, policy.base_seconds * 2 ** (retry - 1))
    jittered = chance.uniform(0.0, ceiling)
    if asked_for is None:
        return jittered
    if asked_for > policy.max_seconds:
        return None
    return min(asked_for + jittered * 0.1, policy.max_seconds)


class RetryBudget:
    """Keeps retries a share of the requests, so that an outage does not multiply the load.

    A token bucket as in gRPC's retry throttling (gRFC A6): each request earns `percent`/100 of a retry,
    up to `reserve`.
    """

    def __init__(self, percent: int = 20, reserve: float = 10.0) -> None:
        self._earned = percent / 100
        self._reserve = reserve
        self._tokens = reserve

    def earn(self) -> None:
        """Call once per request."""
        self._tokens = min(self._reserve, self._tokens + self._earned)

    def spend(self) -> bool:
        """Whether a retry can be afforded; takes it if so."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class CircuitState(StrEnum):
    """Whether a model may be asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One trial request decides."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit opens and for how long."""

    failures: int = 5
    open_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker's memory: failures in a row, and since when it is open (0 while it is closed)."""

    failures: int = 0
    opened_at: float = 0.0

    def state(self, now: float, policy: BreakerPolicy) -> CircuitState:
        """Closed, open, or half-open once `open_seconds` have passed."""
        if not self.opened_at:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self.opened_at + policy.open_seconds else CircuitState.HALF_OPEN

    def after_failure(self, now: float, policy: BreakerPolicy) -> Breaker:
        """One more failure in a row; the last one allowed, or a failed trial, opens the circuit from now."""
        failures = self.failures + 1
        return replace(self, failures=failures, opened_at=now if failures >= policy.failures else 0.0)

    def after_success(self) -> Breaker:
        """A success closes the circuit and forgets the failures."""
        return Breaker()


@dataclass(frozen=True, slots=True)
class Retrier:
    """Runs one try after another at one model."""

    policy: RetryPolicy
    budget: RetryBudget
    clock: Clock
    chance: random.Random

    async def retry_with_backoff(self, attempt: Callable[[], Awaitable[Result]], deadline: float) -> Result:
        """The result of the first try that succeeds.

        Raises the last ProviderError when trying again is useless, unaffordable, or would end after `deadline`
        (seconds since the epoch).
        """
        retry = 0
        while True:
            try:
                return await attempt()
            except ProviderError as error:
                retry += 1
                wait = self._wait(retry, error)
                if wait is None or self.clock.now() + wait >= deadline or not self.budget.spend():
                    raise
                await self.clock.sleep(wait)

    def _wait(self, retry: int, error: ProviderError) -> float | None:
        if error.next_step is not NextStep.RETRY or retry >= self.policy.attempts:
            return None
        return wait_before(retry, error.retry_after, self.policy, self.chance)
