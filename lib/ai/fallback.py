"""Steps 5 and 6: one model after another until one answers, each tried with backoff behind its circuit breaker.

Nothing is shown before the commit window closes, so whatever fails until then falls back unseen. After that a failure
is an error, or, for callers who asked for it, a restart that says so: two models' texts are never joined.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from lib.ai.attempt import Attempts, Live, last_start
from lib.ai.collect import AnswerBuilder
from lib.ai.hedge import FirstTokens, HedgeBudget
from lib.ai.plan import Plan
from lib.ai.retry import CircuitState, Retrier
from lib.ai.run import Run
from lib.answer import Answer, Attempt, Completion, Delta
from lib.catalog.rows import ModelRow
from lib.contract import OWN_KEY
from lib.errors import GatewayError, InvalidRequest, NextStep, ProviderError, StoreError, UpstreamFailed
from lib.kv.store import Store

LONGEST_ADVICE: Final = 86_400.0
"""Seconds. Quotas renew within a day: a provider that says longer is mistaken, and callers are not told."""
KEY_REFUSED: Final = frozenset({"auth", "permission", "quota"})
"""Failures that say something of the key and nothing of the model."""


@dataclass(frozen=True, slots=True)
class Restart:
    """What was yielded so far is void: another model, named in `run.serving`, begins anew."""


Piece: TypeAlias = Delta | Restart


@dataclass(slots=True)
class _Chain:
    """The models that are still to be asked, and how those asked have failed."""

    left: list[ModelRow]
    failures: list[ProviderError] = field(default_factory=list[ProviderError])


@dataclass(frozen=True, slots=True)
class Fallback:
    """Turns a plan into an answer, or says why none could be had."""

    attempts: Attempts
    retrier: Retrier
    store: Store
    hedges: HedgeBudget = field(default_factory=lambda: HedgeBudget(0))
    first_tokens: FirstTokens = field(default_factory=FirstTokens)

    async def answer(self, run: Run, plan: Plan) -> AsyncGenerator[Piece, None]:
        """Yield the answer's deltas; when it ends, `run.answer` is whole. Raises GatewayError.

        `run.serving` is set before the first delta.
        """
        self.retrier.budget.earn()
        self.hedges.earn()
        chain, restarting = _Chain(list(plan.chain)), False
        while True:
            live = await self._first_to_answer(run, chain)
            if restarting:
                yield Restart()
            try:
                async with aclosing(self._deltas(run, live)) as deltas:
                    async for delta in deltas:
                        yield delta
            except ProviderError as error:
                self._broke_off(run, live, error, chain)
                run.builder, restarting = AnswerBuilder(), True
            else:
                return

    async def _deltas(self, run: Run, live: Live) -> AsyncGenerator[Delta, None]:
        """The deltas of one model's answer. Raises ProviderError when it breaks off."""
        try:
            async with aclosing(live.events()) as events:
                async for event in events:
                    if isinstance(event, Completion):
                        self._complete(run, live, event)
                        return
                    run.builder.add(event)
                    yield event
        except ProviderError:
            raise
        except BaseException:
            self.attempts.hung_up(run, live)
            raise
        finally:
            await live.rest.aclose()

    def _broke_off(self, run: Run, live: Live, error: ProviderError, chain: _Chain) -> None:
        """Book the break. Raises UpstreamFailed unless the caller takes a restart and a model is left for it."""
        self.attempts.failed(run, live, error, run.builder)
        chain.failures.append(error)
        if run.job.request.restart and chain.left and self.retrier.clock.now() < last_start(run):
            return
        message = f"{live.model.id} broke off in the middle of its answer ({error.kind}); what was sent is incomplete"
        raise UpstreamFailed(message, detail=error.message) from error

    async def _first_to_answer(self, run: Run, chain: _Chain) -> Live:
        """Take models off the chain until one answers."""
        while chain.left:
            model = chain.left.pop(0)
            try:
                live = await self._ask_or_hedge(run, model, chain)
            except ProviderError as error:
                if error.next_step is NextStep.GIVE_UP:
                    raise callers_fault(error) from error
                chain.failures.append(error)
                if self.retrier.clock.now() >= last_start(run):
                    break
            else:
                run.serving, run.dropped_params, run.first_token_ms = live.model, live.dropped_params, live.first_ms
                return live
        if run.own_keys and (refusal := key_refused(chain.failures, run.attempts)):
            raise refusal from chain.failures[-1]
        raise exhausted(chain.failures, run.attempts) from chain.failures[-1]

    async def _ask_or_hedge(self, run: Run, model: ModelRow, chain: _Chain) -> Live:
        hedges = self.hedges.enabled and chain.left and not run.own_keys
        usual = self.first_tokens.p95(model.id) if hedges else None
        if usual is None:
            return await self._ask(run, model)
        first = asyncio.create_task(self._ask(run, model))
        try:
            await asyncio.wait({first}, timeout=usual)
            if first.done() or not self.hedges.spend():
                return await first
            return await self._race(run, first, model, chain.left.pop(0))
        finally:
            first.cancel()

    async def _race(self, run: Run, first: asyncio.Task[Live], model: ModelRow, other: ModelRow) -> Live:
        """Whichever of the two answers first; the loser is cancelled and its cost accounted."""
        second, started = asyncio.create_task(self._ask(run, other)), self.retrier.clock.monotonic()
        running = {first: model, second: other}
        try:
            while True:
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda t: t is second):
                    running.pop(task)
                    if task.exception() is None or not running:
                        return await task
        finally:
            for task, loser in running.items():
                task.cancel()
                self.attempts.outrun(run, loser, started)
            await asyncio.gather(*running, return_exceptions=True)

    async def _ask(self, run: Run, model: ModelRow) -> Live:
        await self.ask_circuit(run, model)
        began = self.retrier.clock.monotonic()
        live = await self.retrier.retry_with_backoff(partial(self.attempts.begin, run, model), last_start(run))
        if self.hedges.enabled:
            self.first_tokens.note(model.id, self.retrier.clock.monotonic() - began)
        return live

    async def ask_circuit(self, run: Run, model: ModelRow) -> None:
        """Raises ProviderError `circuit_open` unless the model may be asked; of many, one wins a half-open trial."""
        if run.own_keys:
            return
        state = self.attempts.health.circuit(model.id, self.retrier.clock.now())
        if state is CircuitState.HALF_OPEN and await self._wins_trial(run, model):
            return
        if state is not CircuitState.CLOSED:
            run.attempts.append(Attempt(model.id, "circuit_open", None, 0))
            message = f"{model.id} has failed repeatedly and is left alone for a while"
            raise ProviderError("circuit_open", message, next_step=NextStep.NEXT_MODEL)

    async def _wins_trial(self, run: Run, model: ModelRow) -> bool:
        command = self.attempts.health.probe_command(model.id, run.job.request_id)
        try:
            return await self.store.run(*command) == "OK"
        except StoreError:
            return True

    def _complete(self, run: Run, live: Live, completion: Completion) -> None:
        now, model = self.retrier.clock.now(), live.model
        usage = completion.usage or run.builder.estimated_usage(run.input_tokens)
        cost = self.attempts.prices.cost(model, completion.served_model, usage, now)
        milliseconds = self.attempts.milliseconds_since(live.started)
        run.attempts.append(Attempt(model.id, "ok", 200, milliseconds, cost.micro_usd))
        if not run.own_keys:
            self.attempts.health.note(model.id, ok=True, milliseconds=milliseconds, now=now)
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


def callers_fault(error: ProviderError) -> GatewayError:
    """The provider's own complaint about the request, passed on: no other model is asked to hide it."""
    return InvalidRequest(error.message, param=error.param, code=error.kind)


def key_refused(failures: Sequence[ProviderError], attempts: Sequence[Attempt]) -> GatewayError | None:
    """The error when a caller's own keys were refused by every provider that was asked with them."""
    if not {failure.kind for failure in failures} <= KEY_REFUSED:
        return None
    provider = attempts[0].model.partition("/")[0]
    said = ", ".join(dict.fromkeys(f"{a.model} ({a.outcome})" for a in attempts))
    message = f"the provider key you sent was refused: {said}"
    return InvalidRequest(message, param=f"{OWN_KEY}{provider}", code="provider_key_refused")


def exhausted(failures: Sequence[ProviderError], attempts: Sequence[Attempt]) -> GatewayError:
    """The error when no model of the chain answered."""
    if all(f.kind == "context_length" for f in failures):
        message = "the conversation is longer than any model of the chain can take"
        return InvalidRequest(message, param="messages", code="context_length_exceeded")
    waits = [f.retry_after for f in failures if f.retry_after is not None and f.retry_after <= LONGEST_ADVICE]
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
