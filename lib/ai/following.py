"""Waits for an identical request in flight, and shows its answer while it is being written where that is kept.

There is one provider call all the same: whoever follows only reads. If the original dies before anything was shown, the
follower asks for admission again and takes over; after that it ends in an error, or restarts where that was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from lib.ai.replay import Replay
from lib.ai.run import Run
from lib.ai.shown import Shown
from lib.ai.verdicts import followed
from lib.answer import Delta, Event, Opened, Restarted
from lib.errors import StoreError, UpstreamFailed
from lib.kv.admission import InFlight
from lib.kv.deduplication import Deduplication, Freed, Outcome, Published
from lib.kv.seal import PLAIN
from lib.kv.stream_buffer import StreamName

BROKE_OFF: Final = "the identical request in flight broke off; what was sent is incomplete"


class Following:
    """`replay` is None where streams are not kept."""

    def __init__(self, dedup: Deduplication, replay: Replay | None) -> None:
        self._dedup = dedup
        self._replay = replay

    async def events(self, run: Run, flight: InFlight) -> AsyncGenerator[Event, None]:
        """Beginning and deltas as they come, if they do; then `run.stored` is the whole answer, or None: ask again.

        Reports are the original's. Raises the original's error, or UpstreamFailed.
        """
        outcome = asyncio.ensure_future(self._dedup.follow(run.duplicate_digest, flight.claim, run.job.deadline))
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            if self._replay is not None and run.seal is not None and is_shown_early(run):
                name = StreamName(run.person, flight.claim.partition("\n")[2])
                async with aclosing(_shown(run, self._replay, name, outcome)) as events:
                    async for event in events:
                        yield event
            run.stored = followed(run, self._readable(run, await outcome))
        except StoreError:
            run.stored = None  # admission is asked again, and says what to do without the KV
        finally:
            outcome.cancel()
        if run.stored is None:
            check_restart(run)

    def _readable(self, run: Run, outcome: Outcome) -> Outcome:
        """The same, its answer opened; one that cannot be read is as good as none."""
        if not isinstance(outcome, Published):
            return outcome
        name = self._dedup.key_of(run.duplicate_digest)
        entry = run.seal.open_rest(name, outcome.entry) if run.seal else None
        return Freed() if entry is None else Published(entry)


def is_shown_early(run: Run) -> bool:
    """Whether this caller wants text before the answer is whole, all of which is in kept streams."""
    return run.job.request.stream and "logprobs" not in run.job.request.extra


async def _shown(
    run: Run, replay: Replay, name: StreamName, outcome: asyncio.Future[Outcome]
) -> AsyncGenerator[Event, None]:
    """What can be shown before the answer is whole."""
    opened: Opened | None = None
    async with aclosing(replay.along(name, run.seal or PLAIN, outcome)) as events:
        async for event in events:
            if isinstance(event, Delta) and opened is not None:
                if run.shown is None:
                    run.shown = Shown()
                    yield opened
                run.shown.add(event)
                yield event
            elif isinstance(event, Opened):
                opened = event
            elif isinstance(event, Restarted):
                opened = Opened(event.report)
                if run.shown is not None:
                    check_restart(run)
                    run.shown = Shown()
                    yield event


def check_restart(run: Run) -> None:
    """Raises UpstreamFailed where what was shown would have to be taken back and the caller did not allow for that."""
    if run.shown is not None and not run.job.request.restart:
        raise UpstreamFailed(BROKE_OFF)
