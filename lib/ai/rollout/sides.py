"""The sides of the rollout as pipelines and as books: each request is counted for the side that answered it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from lib.ai.observability.log import UsageLog
from lib.ai.observability.record import LEGACY_MODEL, UsageRecord
from lib.ai.rollout.board import RolloutBoard
from lib.ai.rollout.rules import Rollout, is_fault
from lib.answer import Done, Event
from lib.clock import Clock
from lib.contract import Arm, ChatRequest, Job, RoutingWish
from lib.forwarding import Forwarded
from lib.kv.keys import Keys


class Inner(Protocol):
    """The pipeline behind a side."""

    def run(self, job: Job) -> AsyncGenerator[Event, None]:
        """See `Orchestrator.run`."""
        ...

    async def settle(self, job: Job) -> None:
        """See `Orchestrator.settle`."""
        ...


@dataclass(slots=True)
class _Tally:
    """A request under way, and how it ended: None while it has not, and for what does not count."""

    rollout: Rollout
    job: Job
    failed: bool | None = None


def unchanged(request: ChatRequest) -> ChatRequest:
    """For the new side."""
    return request


def direct(model: str) -> Callable[[ChatRequest], ChatRequest]:
    """For the old side where nothing else stands for it: one model, the asked one if `model` is empty, and no more."""

    def of(request: ChatRequest) -> ChatRequest:
        return replace(
            request,
            model=model or request.model,
            read_cache=False,
            write_cache=False,
            use_dedup=False,
            use_fallback=False,
            restart=False,
            routing=RoutingWish(),
        )

    return of


class Side:
    """A pipeline whose requests are those of one side. `shape` makes of a request what that side answers."""

    def __init__(
        self, inner: Inner, board: RolloutBoard, arm: Arm, shape: Callable[[ChatRequest], ChatRequest]
    ) -> None:
        self._inner = inner
        self._board = board
        self._arm = arm
        self._shape = shape
        self._under_way: dict[str, _Tally] = {}

    async def run(self, job: Job) -> AsyncGenerator[Event, None]:
        """The events of one request; call `settle` afterwards."""
        job = replace(job, arm=self._arm, request=self._shape(job.request))
        tally = self._under_way[job.request_id] = _Tally(self._board.latest, job)
        try:
            async with aclosing(self._inner.run(job)) as events:
                async for event in events:
                    if isinstance(event, Done):
                        tally.failed = False
                    yield event
        except Exception as error:
            tally.failed = True if is_fault(error) else None
            raise

    async def settle(self, job: Job) -> None:
        """Write back what there is, then count."""
        tally = self._under_way.pop(job.request_id, None)
        if tally is None:
            return
        await self._inner.settle(tally.job)
        if tally.failed is not None:
            await self._board.count(tally.rollout, self._arm, failed=tally.failed)


class LegacyBooks:
    """Accounts for what the old implementation was asked."""

    def __init__(self, log: UsageLog, keys: Keys, clock: Clock, board: RolloutBoard) -> None:
        self._log = log
        self._keys = keys
        self._clock = clock
        self._board = board

    async def book(self, outcome: Forwarded) -> None:
        """One usage record, and a count of the side. Raises nothing."""
        rollout, kind = self._board.latest, kind_of(outcome)
        await self._log.book(self._record(outcome, kind))
        if kind in ("call", "error"):
            await self._board.count(rollout, Arm.OLD, failed=kind == "error")

    def _record(self, outcome: Forwarded, kind: str) -> UsageRecord:
        cost = outcome.cost_micro_usd
        return UsageRecord(
            request_id=outcome.request_id,
            person=self._keys.person(outcome.caller.user_id),
            tier=outcome.caller.tier,
            at=self._clock.now(),
            kind=kind,
            model=LEGACY_MODEL,
            requested=outcome.requested,
            cost_micro_usd=cost or 0,
            price_known=cost is not None or kind in ("error", "refused"),
            latency_ms=outcome.latency_ms,
            first_token_ms=outcome.first_byte_ms,
            attempts=1,
            error=outcome.error,
            tags=outcome.caller.grant.tags,
            key_id=outcome.caller.grant.key_id,
            arm=Arm.OLD,
            status=outcome.status if outcome.status >= 400 else 0,
        )


def kind_of(outcome: Forwarded) -> str:
    """The kind of its record: what the old implementation refuses (4xx) is its caller's affair."""
    if outcome.hung_up:
        return "hangup"
    if outcome.status >= 500 or not outcome.complete:
        return "error"
    return "refused" if outcome.status >= 400 else "call"
