"""The steps from texts to vectors: choose the model, enter, compute what is not cached, keep, account.

A caller who hangs up does not end the work: it is short, it will be paid for, and it is kept for the next time.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

from lib.ai.booking import Booking
from lib.ai.door import tenant_of
from lib.ai.embeddings.compute import Computing
from lib.ai.embeddings.entrance import TASK, Entrance
from lib.ai.embeddings.keys import vector_digests
from lib.ai.embeddings.offer import choose
from lib.ai.embeddings.work import Work
from lib.ai.run import Run, report_of
from lib.answer import Answer, CacheKind, Choice, Done, Report, Usage
from lib.clock import Clock
from lib.contract import ChatRequest, Job
from lib.embedding import Embedded, EmbeddingJob
from lib.errors import GatewayError, StoreError
from lib.kv.kept import kept
from lib.kv.store import Store

_NO_TEXT: Final = (Choice(),)


class Embedder:
    """Runs jobs. State about a request lives in its Work only."""

    def __init__(self, entrance: Entrance, computing: Computing, booking: Booking, store: Store, clock: Clock) -> None:
        self._entrance = entrance
        self._computing = computing
        self._booking = booking
        self._store = store
        self._clock = clock
        self._active: dict[str, Run] = {}
        self._working: dict[str, Work] = {}

    async def embed(self, job: EmbeddingJob) -> Embedded:
        """The vectors. Raises GatewayError; call `settle` in either case."""
        run = self._begin(job)
        try:
            work = self._working[job.request_id] = self._work(job, run)
            await self._entrance.enter(work)
            await self._computing.complete(work)
        except GatewayError as error:
            run.error, run.failure = error, error.code
            raise
        except Exception as error:
            run.failure = type(error).__name__
            raise
        return self._embedded(work)

    async def settle(self, job: EmbeddingJob) -> None:
        """Keep what was computed and book the request. Safe to call in any case, and twice."""
        run, work = self._active.pop(job.request_id, None), self._working.pop(job.request_id, None)
        if run is not None:
            # Sent in one batch, the vectors first: whoever waits for the claim's end finds them.
            await asyncio.gather(self._keep(work), self._booking.write_back(run))

    async def _keep(self, work: Work | None) -> None:
        if work is None or work.run.degraded or not (writes := self._entrance.cache.write_commands(work)):
            return
        with suppress(StoreError):
            await self._store.run(*kept(self._entrance.keys, work.run.person, self._clock.now(), writes))

    def _begin(self, job: EmbeddingJob) -> Run:
        """The request as limits and books know it: a chat without messages."""
        asked = job.request
        chat = ChatRequest(model=asked.model, messages=(), tags=asked.tags)
        stand_in = Job(job.request_id, chat, job.caller, job.received_at, job.deadline, job.provider_keys)
        run = Run(stand_in, self._entrance.keys.person(job.caller.user_id), self._clock.monotonic(), task=TASK)
        self._active[job.request_id] = run
        return run

    def _work(self, job: EmbeddingJob, run: Run) -> Work:
        callable_now = job.provider_keys or self._computing.attempts.access.lines
        chosen = choose(job.request, job.caller.grant, callable_now)
        run.serving, run.asked_model = chosen.chain[0], chosen.chain[0].id
        tenant = "" if self._entrance.cache.rules.shared and not run.own_keys else tenant_of(run)
        digests = vector_digests(job.request, tenant=tenant, model=chosen.name, dimensions=chosen.dimensions)
        return Work(job, run, chosen, digests, dict(zip(digests, job.request.inputs, strict=True)))

    def _embedded(self, work: Work) -> Embedded:
        run, model = work.run, work.run.serving or work.chosen.chain[0]
        cached = [digest for digest in work.texts if digest in work.cached]
        paid, cost = run.wasted or Usage(), run.wasted_micro_usd
        run.wasted, run.wasted_micro_usd = None, 0
        known = work.tokens(cached)
        run.answer = Answer(
            choices=_NO_TEXT,
            model=model.id,
            provider=model.provider,
            served_model=work.served_model or model.wire_name,
            usage=paid,
            cost_micro_usd=cost,
            price_known=work.price_known,
            created_at=self._clock.now(),
        )
        if len(cached) == len(work.texts):
            run.replayed = CacheKind.EXACT
            run.stored_cost_micro_usd = self._entrance.hold(work, cached)
        shown = replace(paid, input_tokens=paid.input_tokens + known, estimated=paid.estimated or known > 0)
        done = Done(replace(run.answer, usage=shown), self._report(work))
        return Embedded(tuple(work.vectors[digest] for digest in work.digests), done, len(cached))

    def _report(self, work: Work) -> Report:
        run, now = work.run, self._clock.now()
        model = run.answer.model if run.answer else work.chosen.name
        health = self._computing.attempts.health.statuses([model], now)[model].value
        report = report_of(run, round((self._clock.monotonic() - run.started) * 1000), health)
        reads = self._entrance.cache.read_command(work) is not None
        return replace(report, cache_status="MISS") if reads and not run.replayed else report
