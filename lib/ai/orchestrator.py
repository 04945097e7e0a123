"""The pipeline: eight steps from a job to its answer, as one stream of events.

`run` yields Opened, then deltas, then exactly one Done, or raises a GatewayError. JSON answers collect the events,
streams forward them, the cache and duplicates replay them. `settle` sends the write-back and is called when the
response is complete, however it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

from lib.ai.booking import Booking
from lib.ai.door import Door
from lib.ai.fallback import Fallback, Piece, Restart
from lib.ai.health import HealthBoard
from lib.ai.plan import Plan, RouteFacts
from lib.ai.pump import Pump
from lib.ai.router import Router, adjusted
from lib.ai.run import Run, report_of
from lib.clock import Clock
from lib.contract import Answer, Delta, Done, Event, Job, Opened, Report, Restarted, ToolCallDelta
from lib.errors import GatewayError, StoreError
from lib.kv.cache import Entry
from lib.kv.deduplication import Deduplication
from lib.kv.keys import Keys

LEASE_SHARE: Final = 3
"""A claim is lengthened three times per lease."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The collaborators, in the order of the pipeline."""

    router: Router
    door: Door
    health: HealthBoard
    fallback: Fallback
    booking: Booking
    dedup: Deduplication


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for every request of this deployment."""

    providers: frozenset[str]
    lease_ms: int = 10_000
    baseline: str = "openai/gpt-4o"
    max_usd_per_million: float | None = None


@dataclass(slots=True)
class _Active:
    """A run under way, with the tasks that belong to it."""

    run: Run
    pump: Pump[Piece] | None = None
    lease: asyncio.Task[None] | None = None


class Orchestrator:
    """Runs jobs. One per process; state about a request lives in its Run only."""

    def __init__(self, steps: Steps, keys: Keys, clock: Clock, setting: Setting) -> None:
        self._steps = steps
        self._keys = keys
        self._clock = clock
        self._setting = setting
        self._active: dict[str, _Active] = {}

    async def run(self, job: Job) -> AsyncGenerator[Event, None]:
        """The events of one request. Close the generator to hang up; call `settle` in either case."""
        active = self._begin(job)
        run = active.run
        try:
            # 4 (first half) routing: limits and cache keys depend on the model
            run.plan = plan = self._steps.router.route(job.request, self._facts(job))
            # 1 rate limits · 2 de-duplication · 3 cache, in one round trip
            entry = await self._steps.door.enter(run, plan)
            if entry is not None:
                for event in self._replay(run, entry):
                    yield event
                return
            # 4 (second half) routing, adjusted to health
            statuses = self._steps.health.statuses([m.id for m in plan.chain], self._clock.now())
            run.plan = plan = adjusted(plan, statuses)
            # 5 retry · 6 fallback
            async with aclosing(self._answer(active, plan)) as events:
                async for event in events:
                    yield event
            # 7 cache · 8 usage: prepared with the last event, written by `settle`
        except GatewayError as error:
            run.error, run.failure = error, error.code
            raise
        except Exception as error:
            run.failure = type(error).__name__
            raise

    async def settle(self, job: Job) -> None:
        """Steps 7 and 8: write the run's results back. Safe to call in any case, and twice.

        An answer whose caller hung up is read to its end if a duplicate waits for it, and cancelled otherwise.
        """
        active = self._active.pop(job.request_id, None)
        if active is None:
            return
        try:
            if active.pump is not None:
                await self._end(active.run, active.pump)
        finally:
            if active.lease is not None:
                active.lease.cancel()
        if active.run.unheard is not None:
            await active.run.unheard()
        await self._steps.booking.write_back(active.run)

    async def _end(self, run: Run, pump: Pump[Piece]) -> None:
        if pump.running and run.claim and await self._steps.dedup.is_awaited(run.duplicate_digest):
            await pump.finish()
            if run.answer is not None:
                self._steps.booking.prepare(run, run.answer)
        await pump.stop()

    def _begin(self, job: Job) -> _Active:
        run = Run(job, self._keys.person(job.caller.user_id), self._clock.monotonic())
        active = self._active[job.request_id] = _Active(run)
        return active

    def _facts(self, job: Job) -> RouteFacts:
        setting = self._setting
        return RouteFacts(
            setting.providers, job.caller.tier, self._clock.now(), setting.baseline, setting.max_usd_per_million
        )

    async def _answer(self, active: _Active, plan: Plan) -> AsyncGenerator[Event, None]:
        run, opened = active.run, False
        async with aclosing(self._pieces(active, plan)) as pieces:
            async for piece in pieces:
                if not opened:
                    yield Opened(self._report(run))
                    opened = True
                yield Restarted(self._report(run)) if isinstance(piece, Restart) else piece
        if run.answer is not None:
            self._steps.booking.prepare(run, run.answer)
            if not opened:
                yield Opened(self._report(run))
            yield Done(run.answer, self._report(run))

    async def _pieces(self, active: _Active, plan: Plan) -> AsyncGenerator[Piece, None]:
        """The answer's pieces; read in a task of their own where a duplicate may come to wait for them."""
        source = self._steps.fallback.answer(active.run, plan)
        if not active.run.claim:
            async with aclosing(source):
                async for piece in source:
                    yield piece
            return
        active.lease = asyncio.create_task(self._keep_lease(active.run))
        active.pump = Pump(source)
        async for piece in active.pump:
            yield piece

    async def _keep_lease(self, run: Run) -> None:
        lease_ms = self._setting.lease_ms
        while run.claim:
            await self._clock.sleep(lease_ms / LEASE_SHARE / 1000)
            with suppress(StoreError):  # the next third of the lease is another chance
                if not await self._steps.dedup.lengthen(run.duplicate_digest, run.claim, lease_ms):
                    run.claim = ""

    def _replay(self, run: Run, entry: Entry) -> Iterator[Event]:
        answer = run.answer = entry.answer
        run.stored_cost_micro_usd = answer.cost_micro_usd
        run.age_seconds = entry.age(self._clock.now())
        run.ttl_class = entry.meta.kind
        report = self._report(run)
        yield Opened(report)
        yield from deltas_of(answer)
        yield Done(answer, report)

    def _report(self, run: Run) -> Report:
        model = run.answer.model if run.answer else run.serving.id if run.serving else ""
        now = self._clock.now()
        health = self._steps.health.statuses([model], now)[model].value if model else "healthy"
        return report_of(run, round((self._clock.monotonic() - run.started) * 1000), health)


def deltas_of(answer: Answer) -> Iterator[Delta]:
    """A whole answer as the deltas that would have made it."""
    for index, choice in enumerate(answer.choices):
        if choice.reasoning:
            yield Delta(reasoning=choice.reasoning, choice=index)
        if choice.text or choice.logprobs is not None:
            yield Delta(text=choice.text, logprobs=choice.logprobs, choice=index)
        if choice.refusal:
            yield Delta(refusal=choice.refusal, choice=index)
        for at, call in enumerate(choice.tool_calls):
            yield Delta(tool_call=ToolCallDelta(at, call.id, call.name, call.arguments), choice=index)
