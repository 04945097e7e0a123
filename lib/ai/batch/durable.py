"""A batch job in the KV as a source of items: what a worker is handed, and what it says about it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lib.ai.batch.runner import FOR_EVER, Ended, Taken, Turn
from lib.answer import CacheKind, Done
from lib.clock import Clock
from lib.contract import ChatRequest, Job
from lib.errors import GatewayError, RateLimited, StoreError
from lib.kv.batch_job import BatchHead, Lease, Report, TurnAsk, TurnReply
from lib.kv.batch_store import CHUNK, LONGEST_RESULT, BatchStore

MOST_LOST: Final = 10
"""An item that so many functions died over is given up."""
PAUSE_SECONDS: Final = (15.0, 60.0)
"""Before an item is tried again that has failed once, twice; after that it has failed."""
STORE_PAUSE_SECONDS: Final = 1.0
STORE_TRIES: Final = 5
CHUNKS_KEPT: Final = 4
PASSING: Final = frozenset({408, 409, 425, 429})
LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wording:
    """How items are read and results written: the web's business."""

    read: Callable[[str, str], ChatRequest]
    """An item as stored, and the Cache-Control it came with. Raises InvalidRequest."""
    write: Callable[[int, str, Done | GatewayError], str]
    """The result of the item at a place, as it will be handed out."""


@dataclass(frozen=True, slots=True)
class Making:
    """What an item's job is made of, beside its request. `ends` is when the function does."""

    ids: Callable[[], str]
    seconds: float
    """Longest for one item."""
    ends: float


class DurableSource:
    """One worker's hold on one job. `last` is how things stood after its latest turn, None before."""

    def __init__(self, head: BatchHead, store: BatchStore, clock: Clock, wording: Wording, making: Making) -> None:
        self.last: TurnReply | None = None
        self._head = head
        self._store = store
        self._clock = clock
        self._wording = wording
        self._making = making
        self._worker = making.ids()
        self._unsaid: list[Report] = []
        self._failed_turns = 0
        self._chunks: OrderedDict[int, list[str]] = OrderedDict()
        self._texts: dict[int, str] = {}
        """Of the items in hand."""

    def again_at(self, lease: Lease, error: GatewayError) -> float | None:
        """Limits are waited for; what may pass is tried again, a few times."""
        now, asked = self._clock.now(), error.retry_after or 0.0
        if isinstance(error, RateLimited):
            return now + asked if self._head.waits else None
        if error.status < 500 and error.status not in PASSING:
            return None
        if lease.failures >= len(PAUSE_SECONDS):
            return None
        return now + max(asked, PAUSE_SECONDS[lease.failures])

    async def turn(self, ended: Sequence[Ended], running: Sequence[Lease], want: int, pause_until: float) -> Turn:
        """One turn in the KV. While that does not answer, what runs goes on, and what has ended is said later.

        Raises StoreError when it has not answered for a while and nothing runs.
        """
        self._unsaid += [self._report(each) for each in ended]
        ask = TurnAsk(
            worker=self._worker,
            reports=tuple(self._unsaid),
            running=tuple(lease.index for lease in running),
            want=want,
            pause_until=pause_until,
        )
        try:
            reply = await self._store.turn(self._head, ask)
            await self._load(reply.leases)
        except StoreError as error:
            self._failed_turns += 1
            if self._failed_turns >= STORE_TRIES and not running:
                raise
            LOG.warning("batch %s: the store does not take a turn: %s", self._head.job, error)
            return Turn(more_at=self._clock.now() + STORE_PAUSE_SECONDS)
        self._failed_turns, self.last = 0, reply
        for report in self._unsaid:
            self._texts.pop(report.lease.index, None)
        self._unsaid.clear()
        more_at = FOR_EVER if reply.wait_seconds is None else self._clock.now() + reply.wait_seconds
        return Turn([Taken(lease, self._draft(lease)) for lease in reply.leases], more_at)

    async def _load(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            chunk, place = divmod(lease.index, CHUNK)
            if chunk not in self._chunks:
                self._chunks[chunk] = await self._store.requests(self._head, chunk)
            self._chunks.move_to_end(chunk)
            texts = self._chunks[chunk]
            self._texts[lease.index] = texts[place] if place < len(texts) else ""
            while len(self._chunks) > CHUNKS_KEPT:
                self._chunks.popitem(last=False)

    def _draft(self, lease: Lease) -> Callable[[], Job]:
        def draft() -> Job:
            if lease.lost >= MOST_LOST:
                raise GatewayError(f"{lease.lost} functions died over this item.", code="item_given_up")
            request = self._wording.read(self._texts[lease.index], self._head.cache_control)
            now = self._clock.now()
            return Job(
                request_id=self._making.ids(),
                # The key is what makes sure that an answer that was paid for and published is never bought again. A
                # blank stands in none that a caller can send.
                request=replace(
                    request,
                    stream=False,
                    idempotency_key=f"{self._head.job} {lease.index}",
                    # What a function that died has bought is looked for under the key, so that its cost is the job's.
                    read_cache=request.read_cache and not lease.lost,
                ),
                caller=self._head.caller,
                received_at=now,
                deadline=min(now + self._making.seconds, self._making.ends),
            )

        return draft

    def _report(self, ended: Ended) -> Report:
        lease, outcome = ended.lease, ended.outcome
        if ended.again_at is not None:
            again = lease if isinstance(outcome, RateLimited) else lease.failed_again()
            return Report(again, again_at=ended.again_at)
        text = self._wording.write(lease.index, self._texts.get(lease.index, ""), outcome)
        if len(text) > LONGEST_RESULT:
            outcome = GatewayError("The answer is too long to be kept.", code="answer_too_long")
            text = self._wording.write(lease.index, self._texts.get(lease.index, ""), outcome)
        cost = cost_of(ended.outcome) if isinstance(ended.outcome, Done) else 0
        return Report(lease, text, failed=not isinstance(outcome, Done), cost_micro_usd=cost)


def cost_of(done: Done) -> int:
    """Micro-dollars. A duplicate under an item's own key is that item's answer, bought by a function that died."""
    report = done.report
    return report.cost_micro_usd + (report.saved_micro_usd if report.cached is CacheKind.DUPLICATE else 0)
