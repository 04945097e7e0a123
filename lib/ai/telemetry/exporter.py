"""Sends finished requests to an OTLP/HTTP receiver, after their answers and never in their way.

What finishes while a delivery is under way goes with the next one. A receiver that is down costs a bounded memory and
nothing else; what is dropped is counted and told in the log.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.ai.observability.record import UsageRecord
from lib.ai.run import Run
from lib.ai.telemetry.otlp import Finished, Trace, metrics, parent_of, resource_of, traces
from lib.clock import Clock
from lib.contract import JsonObject
from lib.errors import SideCallFailed
from lib.side_calls import SideCalls

KEPT: Final = 512
"""Finished requests that wait for delivery; beyond it the oldest are dropped."""
SECONDS: Final = 3.0
PAUSE_SECONDS: Final = 30.0
"""After a failed delivery none is tried for so long: a receiver that is down must not hold every invocation open."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to, and as whom. `endpoint` is the base address, without `/v1/…`."""

    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    resource: Mapping[str, str] = field(default_factory=dict[str, str])


class OtlpExporter:
    """Told of each finished request; `dropped` counts those that were never delivered."""

    def __init__(self, side_calls: SideCalls, receiver: Receiver, clock: Clock, chance: random.Random) -> None:
        self._side_calls = side_calls
        self._receiver = receiver
        self._clock = clock
        self._chance = chance
        self._waiting: deque[Finished] = deque()
        self._sending = False
        self._since = clock.now()
        self._resume_at = 0.0
        self.dropped = 0

    async def finished(self, run: Run, record: UsageRecord) -> None:
        """Deliver what waits, unless somebody is at it. Never raises for trouble with the receiver."""
        self._waiting.append(self._told(run, record))
        while len(self._waiting) > KEPT:
            self._waiting.popleft()
            self.dropped += 1
        if self._sending or self._clock.now() < self._resume_at:
            return
        self._sending = True
        try:
            while self._waiting and self._clock.now() >= self._resume_at:
                await self._deliver()
        finally:
            self._sending = False

    async def _deliver(self) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        since, self._since = self._since, self._clock.now()
        resource = resource_of(self._receiver.resource)
        sent = await asyncio.gather(
            self._post("/v1/traces", traces(batch, resource)),
            self._post("/v1/metrics", metrics(batch, resource, since, self._since)),
        )
        if not all(sent):
            self._resume_at = self._clock.now() + PAUSE_SECONDS
            self.dropped += len(batch)
            logging.getLogger(__name__).warning("telemetry: %d requests in all were not delivered", self.dropped)

    async def _post(self, path: str, document: JsonObject) -> bool:
        headers = {"content-type": "application/json", **self._receiver.headers}
        url, content = self._receiver.endpoint.rstrip("/") + path, orjson.dumps(document)
        try:
            answer = await self._side_calls.send("POST", url, headers=headers, content=content, seconds=SECONDS)
        except SideCallFailed as error:
            logging.getLogger(__name__).warning("telemetry: %s", error)
            return False
        return answer.status < 400

    def _told(self, run: Run, record: UsageRecord) -> Finished:
        parent = parent_of(run.job.traceparent)
        trace_id, parent_id = parent or (self._hex(128), "")
        trace = Trace(trace_id, self._hex(64), parent_id)
        return Finished(record, tuple(run.attempts), trace, tuple(self._hex(64) for _ in run.attempts))

    def _hex(self, bits: int) -> str:
        return f"{self._chance.getrandbits(bits) or 1:0{bits // 4}x}"
