"""Auto-pipelining: commands issued in the same turn of the event loop share one POST to the store's REST API.

Nothing is ever sent twice. A circuit stops waiting for a store that keeps failing; whether it answers again is found
out by a PING of the client's own, for which no caller waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

import orjson

from lib.clock import Clock
from lib.errors import StoreError, StoreUnavailable, UnknownOutcome
from lib.kv.circuit import Circuit
from lib.kv.endpoint import KvEndpoint
from lib.kv.replies import Answer, Command, Reply, read_answer
from lib.transport import HttpRequest, Timeouts, Transport, TransportError

Cells: TypeAlias = "list[Reply | StoreError]"
SYNC_TOKEN: Final = "Upstash-Sync-Token"  # noqa: S105 - the name of a header
PROBE: Final = b'["PING"]'
STALLED: Final = 2
"""A call that took so many times its time limit was overtaken by a standstill of this process, as functions are frozen
between requests; that says nothing about the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KvLimits:
    """How long the store is waited for, and how much goes into one request."""

    connect_seconds: float = 1.0
    total_seconds: float = 1.5
    """Of one POST, from its start to the last byte of the answer."""
    max_batch: int = 500
    """Commands in one POST; a `run_many` of more goes alone."""
    max_request_bytes: int = 10_000_000
    """Upstash takes 10 MiB."""
    max_answer_bytes: int = 16 * 1024 * 1024
    circuit_failures: int = 3
    circuit_open_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class KvState:
    """How the store has been answering, for health reports."""

    available: bool
    """False while the circuit is open: calls then fail at once."""
    since: float | None
    """Seconds since the epoch when it became unavailable; None while available."""
    last_error: str
    calls: int
    """POSTs made."""
    failures: int
    """Those that brought no usable answer or were refused as a whole."""


@dataclass(slots=True)
class _Group:
    """Commands of one caller, encoded, and what the caller waits for."""

    commands: list[bytes]
    size: int
    waiting: asyncio.Future[Cells]


@dataclass(slots=True)
class _Queue:
    """What one event loop has pending and underway."""

    groups: list[_Group] = field(default_factory=list[_Group])
    commands: int = 0
    size: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def add(self, group: _Group) -> None:
        self.groups.append(group)
        self.commands += len(group.commands)
        self.size += group.size

    def end_all_but(self, current: asyncio.Task[None] | None) -> None:
        """End the calls underway: whoever waits for them has waited long enough."""
        for task in self.tasks:
            if task is not current:
                task.cancel()

    def take(self) -> list[_Group]:
        """All pending groups but those whose caller has gone."""
        groups = [group for group in self.groups if not group.waiting.done()]
        self.groups, self.commands, self.size = [], 0, 0
        return groups


class AutoPipeline:
    """Runs commands over REST. Usable from any number of event loops; the transport stays its giver's to close."""

    def __init__(self, endpoint: KvEndpoint, *, transport: Transport, clock: Clock, limits: KvLimits) -> None:
        self._url = endpoint.url
        self._headers = {"Authorization": f"Bearer {endpoint.token}", "Content-Type": "application/json"}
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._timeouts = Timeouts(
            connect=limits.connect_seconds,
            first_byte=limits.total_seconds,
            between_bytes=limits.total_seconds,
            total=limits.total_seconds,
        )
        self._circuit = Circuit(limits.circuit_failures, limits.circuit_open_seconds)
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()
        self._calls = self._failures = 0
        self._unavailable_since: float | None = None
        self._last_error = ""

    @property
    def state(self) -> KvState:
        """How the store has been answering."""
        open_ = self._circuit.is_open
        since = self._unavailable_since if open_ else None
        return KvState(not open_, since, self._last_error, self._calls, self._failures)

    async def run(self, *command: str | int) -> Reply:
        """Run one command. Raises StoreError when it is refused; StoreUnavailable or UnknownOutcome unanswered."""
        reply = (await self._submit((command,)))[0]
        if isinstance(reply, StoreError):
            raise reply
        return reply

    async def run_many(self, commands: Sequence[Command]) -> Cells:
        """Run commands in one POST, in order but not atomically; each one's error stands in its place.

        Raises StoreUnavailable or UnknownOutcome when there is no usable answer, StoreError when they cannot be sent.
        """
        return await self._submit(commands) if commands else []

    async def run_as_transaction(self, commands: Sequence[Command]) -> Cells:
        """Run commands atomically (MULTI/EXEC) in a POST of their own. Raises like `run_many`."""
        if not commands:
            return []
        group = self._group(commands)
        self._start(self._queue(), [group], "/multi-exec")
        return await group.waiting

    async def drain(self) -> None:
        """Wait until what this event loop has sent is answered."""
        queue = self._queue()
        self._flush(queue)
        while queue.tasks:
            await asyncio.wait(queue.tasks)

    async def _submit(self, commands: Sequence[Command]) -> Cells:
        queue = self._queue()
        if self._circuit.is_open:  # before anything is encoded: what is owed to the store may be a megabyte
            self._probe(queue)
            raise self._left_alone()
        group = self._group(commands)
        limits = self._limits
        if queue.commands + len(commands) > limits.max_batch or queue.size + group.size > limits.max_request_bytes:
            self._flush(queue)
        if not queue.groups:
            asyncio.get_running_loop().call_soon(self._flush, queue)
        queue.add(group)
        return await group.waiting

    def _group(self, commands: Sequence[Command]) -> _Group:
        # Encoded here, so that a command that cannot be is its caller's trouble alone.
        try:
            encoded = [orjson.dumps(command) for command in commands]
        except orjson.JSONEncodeError as error:
            raise StoreError(f"a command cannot be written as JSON: {error}") from error
        size = sum(map(len, encoded)) + len(encoded)
        if size > self._limits.max_request_bytes:
            raise StoreError(f"a request of {size} bytes is more than the store takes")
        return _Group(encoded, size, asyncio.get_running_loop().create_future())

    def _queue(self) -> _Queue:
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = _Queue()
        return queue

    def _flush(self, queue: _Queue) -> None:
        groups = queue.take()
        if groups:
            self._start(queue, groups, "/pipeline")

    def _start(self, queue: _Queue, groups: list[_Group], path: str) -> None:
        if self._circuit.is_open:
            _fail(groups, StoreUnavailable, str(self._left_alone()))
            self._probe(queue)
        else:
            self._begin(queue, groups, path)

    def _left_alone(self) -> StoreUnavailable:
        return StoreUnavailable(f"the store is left alone for a while: {self._last_error}")

    def _probe(self, queue: _Queue) -> None:
        now = self._clock.monotonic()
        if self._circuit.probe_due(now):
            self._circuit = self._circuit.probing(now)
            self._begin(queue, [], "/pipeline")

    def _begin(self, queue: _Queue, groups: list[_Group], path: str) -> None:
        # A task of its own, so that a caller that is cancelled does not take the others' answer along.
        task = asyncio.get_running_loop().create_task(self._call(queue, groups, path))
        queue.tasks.add(task)
        task.add_done_callback(queue.tasks.discard)
        task.add_done_callback(lambda _: _fail(groups, StoreUnavailable, "the call was ended before it was made"))

    async def _call(self, queue: _Queue, groups: list[_Group], path: str) -> None:
        commands = [command for group in groups for command in group.commands] or [PROBE]
        began = self._clock.monotonic()
        try:
            answer = await self._post(commands, path)
        except TransportError as error:
            self._note(queue, began, str(error), timed_out=error.kind == "timeout")
            _fail(groups, UnknownOutcome if error.sent else StoreUnavailable, str(error))
        except UnknownOutcome as error:
            self._note(queue, began, str(error))
            _fail(groups, UnknownOutcome, str(error))
        else:
            self._note(queue, began, answer.refused)
            _deliver(groups, answer.cells)
        finally:
            _fail(groups, UnknownOutcome, "the call was ended before its answer came")  # those still waiting, if any

    async def _post(self, commands: list[bytes], path: str) -> Answer:
        single = len(commands) == 1 and path == "/pipeline"
        url = self._url if single else self._url + path
        body = commands[0] if single else b"[" + b",".join(commands) + b"]"
        request = HttpRequest("POST", url, self._headers, body, self._timeouts)
        self._calls += 1
        async with self._transport.send(request) as response:
            content = await response.read(self._limits.max_answer_bytes)
            answer = read_answer(response.status, content, len(commands), single=single)
            token = response.headers.get("upstash-sync-token")
        if token:
            # Read your writes: the store answers from a state not older than the token's.
            self._headers = {**self._headers, SYNC_TOKEN: token}
        return answer

    def _note(self, queue: _Queue, began: float, error: str, *, timed_out: bool = False) -> None:
        """Count a call by what went wrong with all of it; the empty string when nothing did."""
        if not error:
            self._circuit = self._circuit.after_success(began)
            return
        now, was_open = self._clock.monotonic(), self._circuit.is_open
        self._failures += 1
        self._last_error = error
        if now - began > STALLED * self._limits.total_seconds:
            return
        # A connection that could not be had in time cost its caller no less than a silent store.
        timed_out = timed_out or now - began >= self._limits.connect_seconds
        self._circuit = self._circuit.after_failure(began, now, timed_out=timed_out)
        if self._circuit.is_open and not was_open:
            self._unavailable_since = self._clock.now()
            if timed_out:
                queue.end_all_but(asyncio.current_task())


def _fail(groups: Iterable[_Group], kind: type[StoreError], message: str) -> None:
    for group in groups:
        if not group.waiting.done():
            group.waiting.set_exception(kind(message))  # one each: a traceback belongs to one task


def _deliver(groups: Iterable[_Group], cells: Cells) -> None:
    start = 0
    for group in groups:
        end = start + len(group.commands)
        if not group.waiting.done():
            group.waiting.set_result(cells[start:end])
        start = end
