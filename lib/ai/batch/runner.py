"""The loop that works a batch off: so many at once, at the user's pace, until there is no more or time is up.

Where items come from and where results go is the source's business: a list in memory or a job in the KV.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from lib.ai.answering import Pipeline, answer_of
from lib.ai.batch.pace import Pace
from lib.answer import Done
from lib.clock import Clock
from lib.contract import Job
from lib.errors import GatewayError, RateLimited
from lib.kv.batch_job import Lease

LOG: Final = logging.getLogger(__name__)
FOR_EVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Taken:
    """An item to be run. `draft` makes its job, a fresh one for every try; it may raise GatewayError."""

    lease: Lease
    draft: Callable[[], Job]


@dataclass(frozen=True, slots=True)
class Ended:
    """An item's outcome. `again_at`, where there is one: it is tried again then, and this was not the last word."""

    lease: Lease
    outcome: Done | GatewayError
    again_at: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Items handed out, and when there may be more: at once (0), at some time, never (FOR_EVER)."""

    taken: Sequence[Taken] = ()
    more_at: float = FOR_EVER


class Source(Protocol):
    """Hands items out and takes outcomes in."""

    def again_at(self, lease: Lease, error: GatewayError) -> float | None:
        """When to try an item again that has failed so; None for never."""
        ...

    async def turn(self, ended: Sequence[Ended], running: Sequence[Lease], want: int, pause_until: float) -> Turn:
        """Take in what has ended; hand out at most `want` items."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRules:
    """How long and how much. Times are seconds since the epoch, `beat_seconds` and `stay_seconds` durations."""

    at_once: int
    starts_until: float
    """Nothing is started after."""
    patient: bool = True
    """Keeps below limits and waits; otherwise runs into them."""
    stay_seconds: float = FOR_EVER
    """With nothing to do, longer than this is not waited."""
    beat_seconds: float = FOR_EVER
    """The source is told at least so often what still runs."""


@dataclass(slots=True)
class _Run:
    """One run's own state."""

    pace: Pace
    running: dict[asyncio.Task[Done], tuple[Lease, int]] = field(
        default_factory=dict[asyncio.Task[Done], tuple[Lease, int]]
    )

    def leases(self) -> list[Lease]:
        return [lease for lease, _ in self.running.values()]


class Runner:
    """Runs batches. Leaving a run early ends what is running, and settles it."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._pipeline = pipeline
        self._clock = clock

    async def run(self, source: Source, rules: RunRules) -> AsyncGenerator[Ended]:
        """Outcomes as they come, those of items that will be tried again left out. Raises what the source raises."""
        run = _Run(Pace(rules.at_once))
        ended: list[Ended] = []
        try:
            while True:
                turn = await source.turn(ended, run.leases(), self._room(run, rules), run.pace.until)
                for each in ended:
                    if each.again_at is None:
                        yield each
                for item in turn.taken:
                    task = asyncio.create_task(self._answer(item.draft))
                    run.running[task] = item.lease, run.pace.start()
                if not run.running and not self._stays(run, turn, rules):
                    return
                await self._until_something_happens(run, turn, rules)
                ended = self._take_ended(run, source, rules)
        finally:
            for task in run.running:
                task.cancel()
            await asyncio.gather(*run.running, return_exceptions=True)

    async def _answer(self, draft: Callable[[], Job]) -> Done:
        return await answer_of(self._pipeline, draft())

    def _room(self, run: _Run, rules: RunRules) -> int:
        now, running = self._clock.now(), len(run.running)
        if now >= rules.starts_until:
            return 0
        free = rules.at_once - running
        return min(free, run.pace.room(now, running)) if rules.patient else free

    def _stays(self, run: _Run, turn: Turn, rules: RunRules) -> bool:
        """Whether it is worth waiting for more with nothing to do."""
        now = self._clock.now()
        more_at = max(turn.more_at, run.pace.until)
        return more_at < rules.starts_until and more_at - now <= rules.stay_seconds

    async def _until_something_happens(self, run: _Run, turn: Turn, rules: RunRules) -> None:
        """An item ends, more may be had, or it is time to be heard of."""
        now = self._clock.now()
        more_at = max(turn.more_at, run.pace.until)
        full = len(run.running) >= rules.at_once or now >= rules.starts_until or more_at <= now
        until = min(now + rules.beat_seconds, FOR_EVER if full and run.running else more_at)
        waiting: set[asyncio.Task[Done] | asyncio.Task[None]] = {*run.running}
        if until < FOR_EVER:
            waiting.add(asyncio.create_task(self._clock.sleep(max(0.0, until - now))))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting - run.running.keys():
                task.cancel()

    def _take_ended(self, run: _Run, source: Source, rules: RunRules) -> list[Ended]:
        ended: list[Ended] = []
        now = self._clock.now()
        for task in [task for task in run.running if task.done()]:
            lease, place = run.running.pop(task)
            outcome = outcome_of(task)
            again_at = None if isinstance(outcome, Done) else source.again_at(lease, outcome)
            ended.append(Ended(lease, outcome, again_at))
            if not rules.patient:
                continue
            if isinstance(outcome, Done):
                run.pace.told(place, outcome.report.limit, now)
            elif isinstance(outcome, RateLimited):
                run.pace.refused(place, outcome.retry_after or 0.0, now)
        return ended


def outcome_of(task: asyncio.Task[Done]) -> Done | GatewayError:
    """A finished task's answer or error. What was not foreseen costs one item, not the batch."""
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, GatewayError):
        return error
    LOG.error("an item of a batch failed unexpectedly", exc_info=error)
    return GatewayError("Something went wrong on our side.")
