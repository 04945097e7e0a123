"""One job through the pipeline to its answer, for whoever needs it whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from lib.answer import Done, Event
from lib.contract import Job


class Pipeline(Protocol):
    """The orchestrator, as those see it who run jobs."""

    def run(self, job: Job) -> AsyncGenerator[Event, None]:
        """Opened, deltas, Done; or a GatewayError."""
        ...

    async def settle(self, job: Job) -> None:
        """Once per run, whatever happened."""
        ...


async def answer_of(pipeline: Pipeline, job: Job) -> Done:
    """The answer, once it is booked and published. Raises GatewayError."""
    try:
        async with aclosing(pipeline.run(job)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return event
    finally:
        await pipeline.settle(job)
    raise AssertionError("the pipeline ended without an answer or an error")
