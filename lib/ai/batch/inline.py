"""A batch whose client waits: items in memory, outcomes as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from lib.ai.answering import Pipeline
from lib.ai.batch.runner import FOR_EVER, Ended, Runner, RunRules, Taken, Turn
from lib.answer import Done
from lib.clock import Clock
from lib.contract import Job
from lib.errors import GatewayError, RateLimited
from lib.kv.batch_job import Lease


class InlineBatches:
    """Runs batches of jobs that are made when their turn comes."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._runner = Runner(pipeline, clock)

    async def run(
        self, drafts: Sequence[Callable[[], Job]], *, at_once: int = 5, waits: bool = False, until: float = FOR_EVER
    ) -> AsyncGenerator[tuple[int, Done | GatewayError]]:
        """Places and outcomes, as they come; a place that never comes did not get its turn.

        `waits`: below the user's limit, instead of into it. After `until` (seconds since the epoch) none is begun.
        """
        rules = RunRules(at_once=at_once, starts_until=until, patient=waits)
        async with aclosing(self._runner.run(_InMemory(drafts, waits=waits), rules)) as ended:
            async for each in ended:
                yield each.lease.index, each.outcome


class _InMemory:
    """The items that have not had their turn, in order; one that has to wait for a limit comes first again."""

    def __init__(self, drafts: Sequence[Callable[[], Job]], *, waits: bool) -> None:
        self._drafts = drafts
        self._waits = waits
        self._left = deque(Lease(index) for index in range(len(drafts)))

    def again_at(self, lease: Lease, error: GatewayError) -> float | None:
        """As soon as the pace allows."""
        del lease
        return 0.0 if self._waits and isinstance(error, RateLimited) else None

    async def turn(self, ended: Sequence[Ended], running: Sequence[Lease], want: int, pause_until: float) -> Turn:
        """At once: nothing is asked of anyone."""
        del running, pause_until
        self._left.extendleft(each.lease for each in reversed(ended) if each.again_at is not None)
        taken = [self._left.popleft() for _ in range(min(want, len(self._left)))]
        return Turn(
            [Taken(lease, self._drafts[lease.index]) for lease in taken],
            more_at=0.0 if self._left else FOR_EVER,
        )
