"""Working a durable job off, a slice per function call, and seeing to it that there is a next one."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from lib.ai.batch.durable import DurableSource, Making, Wording
from lib.ai.batch.queue import Queue
from lib.ai.batch.runner import Runner, RunRules
from lib.clock import Clock
from lib.errors import SideCallFailed
from lib.kv.batch_job import OPEN, BatchHead, BatchState, TurnReply
from lib.kv.batch_store import BatchStore

STAY_SECONDS: Final = 15.0
"""A shorter pause is waited out in the function; a longer one is left to the queue."""
STALLED_SECONDS: Final = 60.0
"""After which a job that nobody has touched is no longer left to the queue."""
BEATS: Final = 3
"""A worker is heard of so often per lease."""
JOBS_AT_ONCE: Final = 5
"""That one call of the cron job works on."""
LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerRules:
    """Seconds: of a lease, of a slice, of one item at most."""

    lease_seconds: float
    slice_seconds: float
    item_seconds: float

    def starts_until(self, now: float, ends: float) -> float:
        """When a function that ends then begins its last item: with time for a whole one, if it has any to spare."""
        return min(now + self.slice_seconds, max(now + (ends - now) / 2, ends - self.item_seconds))


class BatchWorker:
    """Any number of them, in any number of functions, may work on the same job."""

    def __init__(
        self, store: BatchStore, runner: Runner, clock: Clock, rules: WorkerRules, queue: Queue | None = None
    ) -> None:
        self._store = store
        self._runner = runner
        self._clock = clock
        self._rules = rules
        self._queue = queue

    async def work(self, job: str, wording: Wording, making: Making) -> None:
        """One slice of a job, which may be there or not. Raises StoreError."""
        found = await self._store.find(job)
        if found is None or found[1].status != OPEN:
            await self._store.close(job)
            return
        source = DurableSource(found[0], self._store, self._clock, wording, making)
        rules = RunRules(
            at_once=found[0].concurrency,
            starts_until=self._rules.starts_until(self._clock.now(), making.ends),
            patient=found[0].waits,
            stay_seconds=STAY_SECONDS,
            beat_seconds=self._rules.lease_seconds / BEATS,
        )
        async with aclosing(self._runner.run(source, rules)) as ended:
            async for _ in ended:
                """Each is in the store by now."""
        if source.last is not None:
            await self._hand_over(job, source.last)

    async def work_on_some(self, wording: Wording, making: Making) -> int:
        """A slice of some jobs that are not done; how many. Raises the first StoreError once all have ended."""
        jobs = await self._store.open_jobs(JOBS_AT_ONCE)
        ended = await asyncio.gather(*(self.work(job, wording, making) for job in jobs), return_exceptions=True)
        for each in ended:
            if each is not None:
                raise each
        return len(jobs)

    async def begin(self, job: str) -> bool:
        """Have a new job worked on by the queue; False when there is none that takes it."""
        return self._queue is not None and await self._push(self._queue, job, 0, job)

    def helps(self, head: BatchHead, state: BatchState) -> bool:
        """Whether somebody who asks after a job does well to work on it: nobody else is at it, or will be."""
        now = self._clock.now()
        idle = now - state.touched_at
        if state.status != OPEN or state.paused_until > now:
            return False
        if self._queue is not None:
            return idle > max(STALLED_SECONDS, self._rules.lease_seconds) and now - head.created_at > STALLED_SECONDS
        return state.leased < head.concurrency or idle > self._rules.lease_seconds

    async def _hand_over(self, job: str, last: TurnReply) -> None:
        if last.status != OPEN:
            await self._store.close(job)
        elif self._queue is not None and last.wait_seconds is not None and not last.alive:
            wait = int(last.wait_seconds) + 1
            due = int(self._clock.now() + wait) // 10
            await self._push(self._queue, job, wait, f"{job}-{last.done + last.failed}-{last.taken}-{due}")

    async def _push(self, queue: Queue, job: str, delay_seconds: int, once: str) -> bool:
        try:
            await queue.push(job, delay_seconds=delay_seconds, once=once)
        except SideCallFailed as error:
            LOG.warning("batch %s was not queued: %s", job, error)
            return False
        return True
