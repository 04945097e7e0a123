"""Steps 5 and 6: one model after another until one answers, each tried with backoff behind its circuit breaker.

Nothing is shown before the first real content, so whatever fails until then falls back unseen. After that a failure
is an error: two models' texts are never joined.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from lib.ai.health import HealthBoard
from lib.ai.plan import Plan
from lib.ai.providers.base import Adapter, ProviderCall
from lib.ai.retry import CircuitState, Retrier
from lib.ai.run import Run
from lib.catalog.pricing import PriceBook
from lib.catalog.rows import ModelRow, ProviderRow
from lib.catalog.rows import Protocol as Wire
from lib.contract import Answer, Attempt, Completion, Delta
from lib.errors import GatewayError, InvalidRequest, NextStep, ProviderError, StoreError, UpstreamFailed
from lib.kv.store import Store
from lib.transport import Timeouts

ProviderEvents: TypeAlias = AsyncGenerator[Delta | Completion, None]

SETTLE_SECONDS: Final = 2.0
"""Kept free before the deadline, to end a stream cleanly and book it."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds without a byte after which a try is given up; reasoning models think longer."""

    connect: float = 5.0
    first_token: float = 30.0
    between: float = 20.0
    reasoning_first_token: float = 120.0
    reasoning_between: float = 60.0

    def timeouts(self, model: ModelRow, *, stream: bool, left: float) -> Timeouts:
        """Bounds for one try. An answer in one piece comes when it is complete: only `left` bounds it."""
        thinks = "reasoning" in model.capabilities
        first = (self.reasoning_first_token if thinks else self.first_token) if stream else left
        between = (self.reasoning_between if thinks else self.between) if stream else left
        return Timeouts(min(self.connect, left), min(first, left), min(between, left), left)


@dataclass(frozen=True, slots=True)
class Line:
    """How a provider is reached: its row with the base URL in force, and the key."""

    provider: ProviderRow
    key: str


@dataclass(frozen=True, slots=True)
class Access:
    """Which providers can be called, and by what adapter."""

    lines: Mapping[str, Line]
    adapters: Mapping[Wire, Adapter]


@dataclass(frozen=True, slots=True)
class _Live:
    """A try that has begun to answer."""

    model: ModelRow
    first: Delta | Completion
    rest: ProviderEvents
    started: float


@dataclass(frozen=True, slots=True)
class Fallback:
    """Turns a plan into an answer, or says why none could be had."""

    access: Access
    health: HealthBoard
    retrier: Retrier
    prices: PriceBook
    store: Store
    waits: Waits = Waits()

    async def answer(self, run: Run, plan: Plan) -> AsyncGenerator[Delta, None]:
        """Yield the answer's deltas; when it ends, `run.answer` is whole. Raises GatewayError.

        `run.serving` is set before the first delta.
        """
        live = await self._first_to_answer(run, plan)
        async with aclosing(live.rest):
            event: Delta | Completion = live.first
            while isinstance(event, Delta):
                run.builder.add(event)
                yield event
                event = await self._next(run, live)
        self._complete(run, live, event)

    async def _first_to_answer(self, run: Run, plan: Plan) -> _Live:
        self.retrier.budget.earn()
        failures: list[ProviderError] = []
        for model in plan.chain:
            try:
                await self._ask_circuit(run, model)
                live = await self.retrier.retry_with_backoff(partial(self._begin, run, model), self._last_start(run))
            except ProviderError as error:
                if error.next_step is NextStep.GIVE_UP:
                    raise callers_fault(error) from error
                failures.append(error)
                if self.retrier.clock.now() >= self._last_start(run):
                    break
            else:
                run.serving = model
                return live
        raise exhausted(failures, run.attempts) from failures[-1]

    def _last_start(self, run: Run) -> float:
        return run.job.deadline - SETTLE_SECONDS

    async def _ask_circuit(self, run: Run, model: ModelRow) -> None:
        """Raises ProviderError `circuit_open` unless the model may be asked; of many, one wins a half-open trial."""
        now = self.retrier.clock.now()
        state = self.health.circuit(model.id, now)
        if state is CircuitState.HALF_OPEN and await self._wins_trial(run, model):
            return
        if state is not CircuitState.CLOSED:
            run.attempts.append(Attempt(model.id, "circuit_open", None, 0))
            message = f"{model.id} has failed repeatedly and is left alone for a while"
            raise ProviderError("circuit_open", message, next_step=NextStep.NEXT_MODEL)

    async def _wins_trial(self, run: Run, model: ModelRow) -> bool:
        try:
            return await self.store.run(*self.health.probe_command(model.id, run.job.request_id)) == "OK"
        except StoreError:
            return True

    async def _begin(self, run: Run, model: ModelRow) -> _Live:
        """One try, up to its first event. Raises ProviderError."""
        clock = self.retrier.clock
        line = self.access.lines[model.provider]
        adapter = self.access.adapters[line.provider.protocol]
        left = max(0.05, self._last_start(run) - clock.now())
        timeouts = self.waits.timeouts(model, stream=run.job.request.stream, left=left)
        call = ProviderCall(model, line.provider, line.key, run.job.request, timeouts, run.job.request_id)
        started = clock.monotonic()
        events = adapter.call(call)
        try:
            first = await anext(events)
        except ProviderError as error:
            await events.aclose()
            self._failed(run, model, error, started)
            raise
        except BaseException:
            await events.aclose()
            raise
        run.dropped_params = adapter.dropped_params(call)
        if isinstance(first, Delta):
            run.first_token_ms = round((clock.monotonic() - run.started) * 1000)
        return _Live(model, first, events, started)

    async def _next(self, run: Run, live: _Live) -> Delta | Completion:
        try:
            return await anext(live.rest)
        except ProviderError as error:
            self._failed(run, live.model, error, live.started)
            self.waste(run)
            message = (
                f"{live.model.id} broke off in the middle of its answer ({error.kind}); what was sent is incomplete"
            )
            raise UpstreamFailed(message, detail=error.message) from error

    def _failed(self, run: Run, model: ModelRow, error: ProviderError, started: float) -> None:
        milliseconds = self._milliseconds_since(started)
        run.attempts.append(Attempt(model.id, error.kind, error.status, milliseconds))
        if error.counts_against_health:
            self.health.note(model.id, ok=False, milliseconds=milliseconds, now=self.retrier.clock.now())

    def waste(self, run: Run) -> None:
        """Account for a cut answer: its provider bills the input and what it had written."""
        if run.serving is None or run.builder.empty:
            return
        run.wasted = run.builder.estimated_usage(run.input_tokens)
        model = run.serving
        run.wasted_micro_usd = self.prices.cost(model, model.wire_name, run.wasted, self.retrier.clock.now()).micro_usd

    def _complete(self, run: Run, live: _Live, completion: Completion) -> None:
        now, model = self.retrier.clock.now(), live.model
        usage = completion.usage or run.builder.estimated_usage(run.input_tokens)
        cost = self.prices.cost(model, completion.served_model, usage, now)
        milliseconds = self._milliseconds_since(live.started)
        run.attempts.append(Attempt(model.id, "ok", 200, milliseconds, cost.micro_usd))
        self.health.note(model.id, ok=True, milliseconds=milliseconds, now=now)
        run.answer = Answer(
            choices=run.builder.choices(completion),
            model=model.id,
            provider=model.provider,
            served_model=completion.served_model,
            usage=usage,
            cost_micro_usd=cost.micro_usd,
            price_known=cost.known,
            created_at=now,
        )

    def _milliseconds_since(self, started: float) -> int:
        return round((self.retrier.clock.monotonic() - started) * 1000)


def callers_fault(error: ProviderError) -> GatewayError:
    """The provider's own complaint about the request, passed on: no other model is asked to hide it."""
    return InvalidRequest(error.message, param=error.param, code=error.kind)


def exhausted(failures: Sequence[ProviderError], attempts: Sequence[Attempt]) -> GatewayError:
    """The error when no model of the chain answered."""
    if all(f.kind == "context_length" for f in failures):
        message = "the conversation is longer than any model of the chain can take"
        return InvalidRequest(message, param="messages", code="context_length_exceeded")
    waits = [f.retry_after for f in failures if f.retry_after is not None]
    tried = ", ".join(dict.fromkeys(f"{a.model} ({a.outcome})" for a in attempts))
    detail = "; ".join(str(f) for f in failures)
    return UpstreamFailed(
        f"no model of the chain answered: {tried}",
        status=_status_for({f.kind for f in failures}),
        retry_after=min(waits) if waits else None,
        detail=detail,
    )


def _status_for(kinds: set[str]) -> int:
    if kinds == {"rate_limited"}:
        return 429
    if kinds <= {"timeout", "connect"} and "timeout" in kinds:
        return 504
    return 503 if kinds <= {"circuit_open", "rate_limited", "overloaded", "connect"} else 502
