"""Computing what is not cached: one provider of the model after another, each asked as chat models are.

The same retries, circuits, health and keys hold. What was computed before a failure is paid for, and kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from lib.ai.attempt import SHORTEST_SECONDS, Attempts, last_start
from lib.ai.embeddings.batches import batches
from lib.ai.embeddings.price import cost_of
from lib.ai.embeddings.wire import Computed, VectorCall, VectorWire
from lib.ai.embeddings.work import Work
from lib.ai.fallback import Fallback, callers_fault, exhausted, key_refused
from lib.answer import Attempt, Usage
from lib.catalog.rows import ModelRow
from lib.embedding import Input, tokens_in
from lib.errors import GatewayError, InvalidRequest, NextStep, ProviderError


@dataclass(frozen=True, slots=True)
class Computing:
    """Turns missing vectors into calls."""

    fallback: Fallback
    wire: VectorWire

    @property
    def attempts(self) -> Attempts:
        """How providers are reached, and what they are remembered by."""
        return self.fallback.attempts

    async def complete(self, work: Work) -> None:
        """Compute all that is missing. Raises GatewayError; what it cost so far is in the run, as wasted."""
        failures: list[ProviderError] = []
        self.fallback.retrier.budget.earn()
        for model in work.chosen.chain:
            if not work.missing:
                return
            work.run.serving = model
            try:
                await self._ask(work, model)
            except ProviderError as error:
                if error.next_step is NextStep.GIVE_UP:
                    raise callers_fault(error) from error
                failures.append(error)
        if work.missing:
            raise _no_vectors(failures, work) from failures[-1]

    async def _ask(self, work: Work, model: ModelRow) -> None:
        """All that is missing from one provider, in as many calls as it takes. Raises ProviderError."""
        missing = work.missing
        numbered = [(number, work.texts[digest]) for number, digest in enumerate(missing)]
        for batch in batches(numbered, work.chosen.row, work.chosen.dimensions):
            await self.fallback.ask_circuit(work.run, model)
            attempt = partial(self._try, work, model, [text for _, text in batch])
            computed = await self.fallback.retrier.retry_with_backoff(attempt, last_start(work.run))
            for (number, _), vector in zip(batch, computed.vectors, strict=True):
                work.vectors[missing[number]] = vector

    async def _try(self, work: Work, model: ModelRow, inputs: Sequence[Input]) -> Computed:
        started = self.attempts.clock.monotonic()
        try:
            computed = await self.wire.compute(self._call(work, model, inputs))
        except ProviderError as error:
            self._note(work, Attempt(model.id, error.kind, error.status, self._since(started)), error)
            raise
        except asyncio.CancelledError:
            # What is cancelled while it is computed is billed all the same.
            given = Computed((), Usage(input_tokens=sum(map(tokens_in, inputs)), estimated=True), model.wire_name)
            work.run.attempts.append(
                Attempt(model.id, "hangup", None, self._since(started), self._pay(work, given, model))
            )
            raise
        cost = self._pay(work, computed, model)
        self._note(work, Attempt(model.id, "ok", 200, self._since(started), cost))
        return computed

    def _call(self, work: Work, model: ModelRow, inputs: Sequence[Input]) -> VectorCall:
        line = self.attempts.access.line(model.provider, work.job.provider_keys)
        left = max(SHORTEST_SECONDS, last_start(work.run) - self.attempts.clock.now())
        return VectorCall(
            row=work.chosen.row,
            model=model,
            provider=line.provider,
            key=line.key,
            request=work.job.request,
            dimensions=work.chosen.dimensions,
            inputs=inputs,
            timeouts=self.attempts.waits.timeouts(model, stream=False, left=left),
            request_id=work.job.request_id,
        )

    def _pay(self, work: Work, computed: Computed, model: ModelRow) -> int:
        now = self.attempts.clock.now()
        cost = cost_of(self.attempts.prices, model, computed.usage, now, computed.served_model)
        run, before = work.run, work.run.wasted or Usage()
        run.wasted = replace(
            before,
            input_tokens=before.input_tokens + computed.usage.input_tokens,
            estimated=before.estimated or computed.usage.estimated,
        )
        run.wasted_micro_usd += cost.micro_usd
        work.price_known = work.price_known and cost.known
        work.served_model = computed.served_model
        return cost.micro_usd

    def _note(self, work: Work, attempt: Attempt, error: ProviderError | None = None) -> None:
        work.run.attempts.append(attempt)
        if not work.run.own_keys and (error is None or error.counts_against_health):
            now, ok = self.attempts.clock.now(), error is None
            self.attempts.health.note(attempt.model, ok=ok, milliseconds=attempt.milliseconds, now=now)

    def _since(self, started: float) -> int:
        return self.attempts.milliseconds_since(started)


def _no_vectors(failures: Sequence[ProviderError], work: Work) -> GatewayError:
    if all(failure.kind == "context_length" for failure in failures):
        message = f"an input is longer than {work.chosen.row.id} takes"
        return InvalidRequest(message, param="input", code="context_length_exceeded")
    refusal = key_refused(failures, work.run.attempts) if work.run.own_keys else None
    return refusal or exhausted(failures, work.run.attempts)
