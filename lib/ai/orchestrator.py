"""The pipeline: eight steps from a job to its answer, as one stream of events.

`run` yields Opened, then deltas, then exactly one Done, or raises a GatewayError. JSON answers collect the events,
streams forward them, the cache and duplicates replay them. `settle` sends the write-back and is called when the
response is complete, however it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Final

from lib.ai.booking import Booking
from lib.ai.door import Door
from lib.ai.fallback import Fallback, Restart
from lib.ai.following import Following, check_restart
from lib.ai.health import HealthBoard
from lib.ai.kept_stream import STOPPED, Failure, Kept
from lib.ai.lessons import Lessons
from lib.ai.plan import Plan, RouteFacts, ShadowPolicy
from lib.ai.pump import Pump
from lib.ai.recorder import Recorder, Writing
from lib.ai.router import Router, adjusted
from lib.ai.run import Run, report_of
from lib.ai.shown import OtherAnswer, Shown, deltas_of
from lib.answer import Answer, CacheKind, Done, Event, Opened, Report, Restarted
from lib.clock import Clock
from lib.contract import Caller, Job
from lib.errors import BudgetExceeded, GatewayError, Stopped, StoreError
from lib.kv.admission import MONEY, InFlight
from lib.kv.cache import Entry
from lib.kv.deduplication import Deduplication
from lib.kv.keys import Keys
from lib.kv.stream_buffer import StreamBuffer, StreamName

LEASE_SHARE: Final = 3
"""A claim is lengthened three times per lease."""
DOWNGRADE: Final = "downgrade"
DOWNGRADES: Final = 2
"""Of one request: a cheaper model that fits one budget may not fit another."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The collaborators, in the order of the pipeline."""

    router: Router
    door: Door
    health: HealthBoard
    fallback: Fallback
    booking: Booking
    dedup: Deduplication
    following: Following
    buffer: StreamBuffer | None = None
    """None where streams are not kept."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for every request of this deployment."""

    providers: frozenset[str]
    lease_ms: int = 10_000
    baseline: str = "openai/gpt-4o"
    max_usd_per_million: float | None = None
    lessons: Mapping[str, Lessons] | None = None
    """What votes have taught, as it is read; None where nothing is learned."""
    exploration: float = 0.0
    """Share of requests that may try another model."""
    shadow: ShadowPolicy | None = None
    top_tier: str = ""
    """The tier whose users nothing is tried on."""
    downgrade_tiers: frozenset[str] = frozenset()
    """Whose requests take a cheaper model near the end of a budget without asking for it."""


@dataclass(slots=True)
class _Active:
    """A run under way, with the tasks that belong to it."""

    run: Run
    pump: Pump[Event] | None = None
    lease: asyncio.Task[None] | None = None
    recorder: Recorder | None = None
    heard: bool = False
    """The caller has had the end of it, be it an error."""

    def stop(self) -> None:
        """End the answer, since its user asks for that."""
        stopped = Stopped(STOPPED)
        if self.recorder is not None:
            self.recorder.add(Failure(stopped))
        if self.pump is not None:
            self.pump.break_off(stopped)


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
            run.plan = plan = self._steps.router.route(job.request, self.facts(job.caller, job.provider_keys))
            # 1 rate limits · 2 de-duplication · 3 cache, in one round trip
            async with aclosing(self._stored(run, plan)) as events:
                async for event in events:
                    yield event
            if run.answer is not None:
                active.heard = True
                return
            plan = run.plan  # perhaps a cheaper one
            # 4 (second half) routing, adjusted to health
            if not run.own_keys:
                statuses = self._steps.health.statuses([m.id for m in plan.chain], self._clock.now())
                run.plan = plan = adjusted(plan, statuses)
            # 5 retry · 6 fallback
            async with aclosing(self._answer(active, plan)) as events:
                async for event in events:
                    yield event
            # 7 cache · 8 usage: prepared with the last event, written by `settle`
            active.heard = True
        except Stopped:
            active.heard = True  # and booked as if the caller had hung up
            raise
        except GatewayError as error:
            run.error, run.failure, active.heard = error, error.code, True
            raise
        except Exception as error:
            run.failure = type(error).__name__
            raise

    async def settle(self, job: Job) -> None:
        """Steps 7 and 8: write the run's results back. Safe to call in any case, and twice.

        An answer whose caller hung up is read to its end if they can come back to it or a duplicate waits for it, and
        cancelled otherwise.
        """
        active = self._active.pop(job.request_id, None)
        if active is None:
            return
        try:
            if active.pump is not None:
                await self._end(active, active.pump)
        finally:
            if active.lease is not None:
                active.lease.cancel()
        if active.run.unheard is not None:
            await active.run.unheard()
        write_back = self._steps.booking.write_back(active.run)
        if active.recorder is None:
            await write_back
        else:  # both at once share a round trip
            await asyncio.gather(write_back, active.recorder.close(seen=active.heard))

    async def _end(self, active: _Active, pump: Pump[Event]) -> None:
        run, recorder = active.run, active.recorder
        if pump.running and recorder is not None and await recorder.left():
            await _first_of(pump.finish(), recorder.over.wait())
        if pump.running and run.claim and await self._steps.dedup.is_awaited(run.duplicate_digest):
            await pump.finish()
        await pump.stop()

    def _begin(self, job: Job) -> _Active:
        run = Run(job, self._keys.person(job.caller.user_id), self._clock.monotonic())
        active = self._active[job.request_id] = _Active(run)
        return active

    def facts(self, caller: Caller, own_keys: Collection[str] = ()) -> RouteFacts:
        """What holds for a plan made now for this caller; `own_keys` names the providers whose keys they bring."""
        setting = self._setting
        return RouteFacts(
            frozenset(own_keys) or setting.providers,
            caller.tier,
            self._clock.now(),
            setting.baseline,
            setting.max_usd_per_million,
            own_keys=bool(own_keys),
            models=caller.grant.models,
            lessons=setting.lessons,
            shadow=setting.shadow,
            exploration=0.0 if own_keys or caller.tier == setting.top_tier else setting.exploration,
        )

    async def _enter(self, run: Run, plan: Plan) -> Entry | InFlight | None:
        """Through the door: with a cheaper model where a budget is too small for the planned one, and one may serve."""
        tries = DOWNGRADES
        while True:
            try:
                return await self._steps.door.enter(run, plan)
            except BudgetExceeded as error:
                cheaper = self._cheaper(run, plan, error) if tries else None
                if cheaper is None:
                    raise
                run.plan, plan, tries = cheaper, cheaper, tries - 1

    def _cheaper(self, run: Run, plan: Plan, error: BudgetExceeded) -> Plan | None:
        job, budget = run.job, error.budget
        wish = job.request.on_budget or (DOWNGRADE if job.caller.tier in self._setting.downgrade_tiers else "")
        if run.admitted or wish != DOWNGRADE or budget is None or budget.unit != MONEY or budget.left <= 0:
            return None
        return self._steps.router.within(plan, job.request, self.facts(job.caller, job.provider_keys), budget.left)

    async def _stored(self, run: Run, plan: Plan) -> AsyncGenerator[Event, None]:
        """An answer that is stored or comes of an identical request in flight; nothing where a model is to be asked."""
        while isinstance(entry := await self._enter(run, run.plan or plan), InFlight):
            async with aclosing(self._steps.following.events(run, entry)) as events:
                async for event in events:
                    yield self._as_duplicate(run, event)
            if run.stored is not None:
                entry = run.stored
                break
        if entry is not None:
            for event in self._replay(run, entry):
                yield event

    async def _answer(self, active: _Active, plan: Plan) -> AsyncGenerator[Event, None]:
        """A model's answer; read in a task of its own where others may wait for it, or its caller come back to it."""
        run, wanted, buffer = active.run, active.run.job.resumption, self._steps.buffer
        if run.claim:
            active.lease = asyncio.create_task(self._keep_lease(run))
        if wanted is not None and buffer is not None and run.seal is not None and not run.degraded:
            name = StreamName(run.person, run.job.request_id)
            active.recorder = Recorder(buffer, self._clock, Writing(name, wanted, run.seal), active.stop)
        source = self._recorded(active, plan)
        if not run.claim and active.recorder is None:
            async with aclosing(source):
                async for event in source:
                    yield event
            return
        active.pump = Pump(source)
        async for event in active.pump:
            yield event

    async def _recorded(self, active: _Active, plan: Plan) -> AsyncGenerator[Event, None]:
        record = active.recorder.add if active.recorder else _no_record
        try:
            async with aclosing(self._events(active.run, plan)) as events:
                async for event in events:
                    record(event)
                    yield event
        except GatewayError as error:
            record(Failure(error))
            raise

    async def _events(self, run: Run, plan: Plan) -> AsyncGenerator[Event, None]:
        opened = False
        async with aclosing(self._steps.fallback.answer(run, plan)) as pieces:
            async for piece in pieces:
                if not opened:
                    yield self._opening(run)
                    opened = True
                yield Restarted(self._report(run)) if isinstance(piece, Restart) else piece
        if run.answer is not None:
            self._steps.booking.prepare(run, run.answer)
            if not opened:
                yield self._opening(run)
            yield Done(run.answer, self._report(run))

    def _opening(self, run: Run) -> Event:
        """How an answer begins; a duplicate that has been shown another one's text restarts with it."""
        return Opened(self._report(run)) if run.shown is None else Restarted(self._report(run))

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
        if run.shown is None:
            yield Opened(report)
            yield from deltas_of(answer)
        else:
            yield from self._rest(run, run.shown, answer)
        yield Done(answer, report)

    def _rest(self, run: Run, shown: Shown, answer: Answer) -> Iterator[Event]:
        """What a duplicate was not shown yet; everything anew where the answer has become another one since."""
        try:
            rest = list(shown.rest(deltas_of(answer)))
        except OtherAnswer:
            check_restart(run)
            yield Restarted(self._report(run))
            rest = list(deltas_of(answer))
        yield from rest

    def _as_duplicate(self, run: Run, event: Event) -> Event:
        """The event of an identical request as this one's caller is told it."""
        if not isinstance(event, Opened | Restarted):
            return event
        report = replace(
            self._report(run),
            model_used=event.report.model_used,
            provider=event.report.provider,
            cached=CacheKind.DUPLICATE,
            cache_status="HIT (duplicate)",
        )
        return replace(event, report=report)

    def _report(self, run: Run) -> Report:
        model = run.model_used
        now = self._clock.now()
        health = self._steps.health.statuses([model], now)[model].value if model else "healthy"
        return report_of(run, round((self._clock.monotonic() - run.started) * 1000), health)


async def _first_of(*work: Coroutine[object, object, object]) -> None:
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _no_record(_: Kept) -> None:
    """Of an answer that nobody can come back to."""
