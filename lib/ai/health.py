"""Model health from real traffic: a rolling window of outcomes and the circuit, shared through the KV.

A record is read beside the admission script and written only when it has something to say: at once on a failure or
on a success after failures, otherwise a few times a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lib.ai.retry import Breaker, BreakerPolicy, CircuitState
from lib.answer import Health
from lib.contract import Json
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply

WINDOW_SECONDS: Final = 300.0
"""A failure is forgotten after this: a model that recovers is healthy again five minutes later."""
FRESH_SECONDS: Final = 2.0
"""How long an instance trusts what it last read."""
REPORT_SECONDS: Final = 15.0
"""How long an instance may keep successes of a healthy model to itself."""
LIFETIME_MS: Final = 900_000
NEVER: Final = float("-inf")
ENOUGH: Final = 5
"""Requests in the window below which a rate says nothing."""
DEGRADED_RATE: Final = 0.10
DOWN_RATE: Final = 0.50


@dataclass(frozen=True, slots=True)
class Minute:
    """Outcomes within one minute since the epoch; `milliseconds` is the sum over the successes."""

    minute: int
    successes: int = 0
    failures: int = 0
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """What is known of one model."""

    breaker: Breaker = field(default_factory=Breaker)
    minutes: tuple[Minute, ...] = ()

    def recent(self, now: float) -> tuple[int, int, int]:
        """Successes, failures and summed milliseconds within the window."""
        successes = failures = milliseconds = 0
        for minute in self.minutes:
            if minute.minute * 60 + 60 > now - WINDOW_SECONDS:
                successes += minute.successes
                failures += minute.failures
                milliseconds += minute.milliseconds
        return successes, failures, milliseconds

    def status(self, now: float, policy: BreakerPolicy) -> tuple[Health, str]:
        """Healthy, degraded or down, and the reason in words."""
        circuit = self.breaker.state(now, policy)
        if circuit is CircuitState.OPEN:
            return Health.DOWN, f"circuit open after {self.breaker.failures} failures in a row"
        if circuit is CircuitState.HALF_OPEN:
            return Health.DEGRADED, "circuit half-open: one trial request decides"
        successes, failures, _ = self.recent(now)
        total = successes + failures
        if total >= ENOUGH and failures >= DEGRADED_RATE * total:
            down = failures >= DOWN_RATE * total
            return (Health.DOWN if down else Health.DEGRADED), f"{failures} of {total} requests failed in 5 minutes"
        return Health.HEALTHY, f"{total} requests in 5 minutes, {failures} failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A model's status, why, and the requests of the window that it rests on."""

    status: Health
    reason: str
    successes: int
    failures: int


def read_health(text: Reply | StoreError) -> ModelHealth:
    """A stored record; anything unreadable counts as no record."""
    if not isinstance(text, str):
        return ModelHealth()
    head, _, rest = text.partition("|")
    try:
        failures, opened = (int(n) for n in head.split(","))
        minutes = tuple(Minute(*(int(n) for n in piece.split(":"))) for piece in rest.split(";") if piece)
    except (ValueError, TypeError):
        return ModelHealth()
    return ModelHealth(Breaker(failures, opened / 1000), minutes)


@dataclass(slots=True)
class _Unsent:
    """Outcomes this instance has not told the KV yet."""

    successes: int = 0
    failures: int = 0
    milliseconds: int = 0
    ended_well: bool = True
    recovered: bool = False
    """A success came after failures that the KV still counts."""


@dataclass(slots=True)
class _Known:
    health: ModelHealth = field(default_factory=ModelHealth)
    read_at: float = NEVER
    sent_at: float = NEVER
    unsent: _Unsent = field(default_factory=_Unsent)


class HealthBoard:
    """This instance's view of every model's health. Makes commands; others send them."""

    def __init__(self, keys: Keys, policy: BreakerPolicy) -> None:
        self._keys = keys
        self._policy = policy
        self._known: dict[str, _Known] = {}
        self._report = script("health")

    def _of(self, model: str) -> _Known:
        known = self._known.get(model)
        if known is None:
            known = self._known[model] = _Known()
        return known

    def read_command(self, models: Sequence[str], now: float) -> Command | None:
        """The read that refreshes these models, or None while what is known is fresh."""
        if all(self._of(m).read_at > now - FRESH_SECONDS for m in models):
            return None
        return ("MGET", *(self._keys.health(m) for m in models))

    def learn(self, models: Sequence[str], reply: Reply | StoreError, now: float) -> None:
        """Take in the reply to `read_command`; an error leaves what is known."""
        if not isinstance(reply, list) or len(reply) != len(models):
            return
        for model, text in zip(models, reply, strict=True):
            known = self._of(model)
            known.health, known.read_at = self._with_unsent(read_health(text), known.unsent, now), now

    def _with_unsent(self, health: ModelHealth, unsent: _Unsent, now: float) -> ModelHealth:
        for _ in range(unsent.failures):
            health = after(health, ok=False, milliseconds=0, now=now, policy=self._policy)
        if unsent.successes:  # many, where a busy instance keeps them for a while
            health = after(health, ok=unsent.successes, milliseconds=0, now=now, policy=self._policy)
        return health

    def circuit(self, model: str, now: float) -> CircuitState:
        """Whether the model may be asked."""
        return self._of(model).health.breaker.state(now, self._policy)

    def opened_at(self, model: str) -> float:
        """Since when its circuit is open; 0 while closed."""
        return self._of(model).health.breaker.opened_at

    def statuses(self, models: Iterable[str], now: float) -> Mapping[str, Health]:
        """By model."""
        return {m: self._of(m).health.status(now, self._policy)[0] for m in models}

    def verdict(self, model: str, now: float) -> Verdict:
        """What there is to say of one model."""
        health = self._of(model).health
        successes, failures, _ = health.recent(now)
        return Verdict(*health.status(now, self._policy), successes, failures)

    def probe_command(self, model: str, token: str) -> Command:
        """The write by which one instance wins the trial request of a half-open circuit; replies OK to one only."""
        return ("SET", self._keys.probe(model), token, "NX", "PX", int(self._policy.open_seconds * 500))

    def note(self, model: str, *, ok: bool, milliseconds: int, now: float) -> None:
        """Count one outcome: in this instance at once, in the KV with the next report."""
        known = self._of(model)
        if known.sent_at == NEVER:
            known.sent_at = now
        known.unsent.recovered |= ok and known.health.breaker.failures > 0
        known.health = after(known.health, ok=ok, milliseconds=milliseconds, now=now, policy=self._policy)
        known.unsent.ended_well = ok
        if ok:
            known.unsent.successes += 1
            known.unsent.milliseconds += milliseconds
        else:
            known.unsent.failures += 1

    def report_commands(self, models: Iterable[str], now: float) -> list[Command]:
        """The writes that tell the KV what is worth telling now. What they carry is no longer unsent."""
        commands: list[Command] = []
        for model in dict.fromkeys(models):
            known = self._of(model)
            unsent = known.unsent
            news = unsent.failures or unsent.recovered or known.sent_at < now - REPORT_SECONDS
            if not (unsent.failures or unsent.successes) or not news:
                continue
            known.unsent, known.sent_at = _Unsent(), now
            commands.append(self._report_command(model, unsent, now))
        return commands

    def _report_command(self, model: str, unsent: _Unsent, now: float) -> Command:
        counts = (unsent.successes, unsent.failures, unsent.milliseconds, int(unsent.ended_well))
        limits = (self._policy.failures, int(WINDOW_SECONDS * 1000), LIFETIME_MS)
        return ("EVAL", self._report, 1, self._keys.health(model), int(now * 1000), *counts, *limits)

    def describe(self, models: Iterable[str], now: float) -> dict[str, Json]:
        """What `/api/ai/health` shows of each model."""
        return {model: self._describe(self._of(model).health, now) for model in models}

    def _describe(self, health: ModelHealth, now: float) -> Json:
        status, reason = health.status(now, self._policy)
        successes, failures, milliseconds = health.recent(now)
        return {
            "status": status.value,
            "reason": reason,
            "circuit": health.breaker.state(now, self._policy).value,
            "requests": successes + failures,
            "errorRate": round(failures / (successes + failures), 4) if successes + failures else 0.0,
            "averageLatencyMs": milliseconds // successes if successes else None,
        }


def after(health: ModelHealth, *, ok: int, milliseconds: int, now: float, policy: BreakerPolicy) -> ModelHealth:
    """The record after so many more successes, or after one more failure where `ok` is none."""
    breaker = health.breaker.after_success() if ok else health.breaker.after_failure(now, policy)
    this = int(now // 60)
    minutes = [m for m in health.minutes if m.minute != this and m.minute * 60 + 60 > now - WINDOW_SECONDS]
    current = next((m for m in health.minutes if m.minute == this), Minute(this))
    if ok:
        current = replace(current, successes=current.successes + ok, milliseconds=current.milliseconds + milliseconds)
    else:
        current = replace(current, failures=current.failures + 1)
    return ModelHealth(breaker, (*minutes, current))
