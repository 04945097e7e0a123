"""One try at one model: call its adapter and wait for the first content, or for as much as the commit window asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from lib.ai.collect import AnswerBuilder
from lib.ai.health import HealthBoard
from lib.ai.providers.base import Adapter, ProviderCall
from lib.ai.run import Run
from lib.answer import Attempt, Completion, Delta
from lib.catalog.pricing import PriceBook
from lib.catalog.rows import ModelRow, ProviderRow
from lib.catalog.rows import Protocol as Wire
from lib.clock import Clock
from lib.errors import ProviderError
from lib.messages import estimate_tokens
from lib.transport import Timeouts

ProviderEvents: TypeAlias = AsyncGenerator[Delta | Completion, None]

SETTLE_SECONDS: Final = 2.0
"""Kept free before the deadline, to end a stream cleanly and book it."""
SHORTEST_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds after which a try is given up and the next model is asked; reasoning models think longer.

    A stream is bounded by its first token and by silences; an answer in one piece gives no sign before it is whole.
    """

    connect: float = 5.0
    first_token: float = 30.0
    between: float = 20.0
    whole: float = 75.0
    reasoning_first_token: float = 90.0
    reasoning_between: float = 60.0
    reasoning_whole: float = 100.0

    def timeouts(self, model: ModelRow, *, stream: bool, left: float) -> Timeouts:
        """Bounds for one try, which has `left` seconds at most."""
        thinks = "reasoning" in model.capabilities
        if not stream:
            whole = min(self.reasoning_whole if thinks else self.whole, left)
            return Timeouts(min(self.connect, whole), whole, whole, whole)
        first = self.reasoning_first_token if thinks else self.first_token
        between = self.reasoning_between if thinks else self.between
        return Timeouts(min(self.connect, left), min(first, left), min(between, left), left)


@dataclass(frozen=True, slots=True)
class CommitWindow:
    """How much of a stream is held back, so that a failure within it falls back unseen.

    It closes with the first content (0 tokens), or once `tokens` are there or `seconds` have passed since the first.
    """

    tokens: int = 0
    seconds: float = 0.0

    def is_open(self, held: int, elapsed: float) -> bool:
        """Whether to hold back more: `held` tokens are there, the first came `elapsed` seconds ago."""
        return held < self.tokens and (not self.seconds or elapsed < self.seconds)


@dataclass(frozen=True, slots=True)
class Line:
    """How a provider is reached: its row with the base URL in force, and the key."""

    provider: ProviderRow
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Which providers can be called, and by what adapter. `rows` has those too that only callers have keys of."""

    lines: Mapping[str, Line]
    adapters: Mapping[Wire, Adapter]
    rows: Mapping[str, ProviderRow] = field(default_factory=dict[str, ProviderRow])

    def line(self, provider: str, own: Mapping[str, str]) -> Line:
        """How to reach a provider: with the caller's `own` keys where there are any, and then with no other one."""
        return Line(self.rows[provider], own[provider]) if own else self.lines[provider]


class Tap:
    """A provider's events, of which one may be awaited for a while only: what does not come in time is not lost."""

    def __init__(self, events: ProviderEvents) -> None:
        self._events = events
        self._coming: asyncio.Future[Delta | Completion] | None = None

    async def next(self) -> Delta | Completion:
        """The next event. Raises ProviderError."""
        coming, self._coming = self._coming, None
        return await (coming or anext(self._events))

    async def next_within(self, seconds: float) -> Delta | Completion | None:
        """The next event, or None when it has not come after `seconds`; it then is what `next` waits for."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._events))
        done, _ = await asyncio.wait({self._coming}, timeout=seconds)
        return await self.next() if done else None

    async def aclose(self) -> None:
        """End the exchange."""
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, ProviderError, StopAsyncIteration):
                await coming
        await self._events.aclose()


@dataclass(frozen=True, slots=True)
class Live:
    """A try that answers: what has come so far, and the rest. `first_ms` is since the request arrived."""

    model: ModelRow
    held: tuple[Delta | Completion, ...]
    rest: Tap
    started: float
    first_ms: int
    dropped_params: tuple[str, ...]

    async def events(self) -> AsyncGenerator[Delta | Completion, None]:
        """The whole answer, the Completion last. Raises ProviderError when it breaks off."""
        for event in self.held:
            yield event
        last = self.held[-1]
        while isinstance(last, Delta):
            last = await self.rest.next()
            yield last


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes tries and keeps their books."""

    access: Access
    health: HealthBoard
    prices: PriceBook
    clock: Clock
    waits: Waits
    window: CommitWindow

    async def begin(self, run: Run, model: ModelRow) -> Live:
        """One try, until it may be shown. Raises ProviderError, after which nothing of it is left open."""
        line = self.access.line(model.provider, run.job.provider_keys)
        adapter = self.access.adapters[line.provider.protocol]
        left = max(SHORTEST_SECONDS, last_start(run) - self.clock.now())
        timeouts = self.waits.timeouts(model, stream=run.job.request.stream, left=left)
        call = ProviderCall(model, line.provider, line.key, run.job.request, timeouts, run.job.request_id)
        tap, started, held = Tap(adapter.call(call)), self.clock.monotonic(), list[Delta | Completion]()
        try:
            held.append(await tap.next())
            first_ms = round((self.clock.monotonic() - run.started) * 1000)
            await self._hold(tap, held)
        except ProviderError as error:
            await tap.aclose()
            self.failed(run, Live(model, tuple(held), tap, started, 0, ()), error, written_in(held))
            raise
        except BaseException:
            await tap.aclose()
            raise
        return Live(model, tuple(held), tap, started, first_ms, adapter.dropped_params(call))

    async def _hold(self, tap: Tap, held: list[Delta | Completion]) -> None:
        opened, tokens = self.clock.monotonic(), 0
        while isinstance(last := held[-1], Delta):
            tokens += estimate_tokens(last.text + last.reasoning)
            elapsed = self.clock.monotonic() - opened
            if not self.window.is_open(tokens, elapsed):
                return
            if not self.window.seconds:
                held.append(await tap.next())
                continue
            event = await tap.next_within(self.window.seconds - elapsed)
            if event is None:
                return
            held.append(event)

    def failed(self, run: Run, live: Live, error: ProviderError, written: AnswerBuilder) -> None:
        """Book a failed try: its outcome, the model's health, and what its provider bills for what it had written."""
        cost = 0 if written.empty else self._wasted(run, live.model, written)
        milliseconds = self.milliseconds_since(live.started)
        run.attempts.append(Attempt(live.model.id, error.kind, error.status, milliseconds, cost))
        if error.counts_against_health and not run.own_keys:
            self.health.note(live.model.id, ok=False, milliseconds=milliseconds, now=self.clock.now())

    def _wasted(self, run: Run, model: ModelRow, written: AnswerBuilder) -> int:
        usage = written.estimated_usage(run.input_tokens)
        cost = self.prices.cost(model, model.wire_name, usage, self.clock.now()).micro_usd
        run.wasted, run.wasted_micro_usd = usage, run.wasted_micro_usd + cost
        return cost

    def hung_up(self, run: Run, live: Live) -> None:
        """Book a try whose caller left while it answered."""
        self._given_up(run, live.model, "hangup", live.started, run.builder)

    def outrun(self, run: Run, model: ModelRow, started: float) -> None:
        """Book a try that another one was faster than."""
        self._given_up(run, model, "hedged", started, AnswerBuilder())

    def _given_up(self, run: Run, model: ModelRow, outcome: str, started: float, written: AnswerBuilder) -> None:
        """Of what is cancelled while its model is at it, the provider bills the input at least."""
        cost = self._wasted(run, model, written)
        run.attempts.append(Attempt(model.id, outcome, None, self.milliseconds_since(started), cost))

    def milliseconds_since(self, started: float) -> int:
        """Milliseconds on the monotonic clock."""
        return round((self.clock.monotonic() - started) * 1000)


def written_in(events: Iterable[Delta | Completion]) -> AnswerBuilder:
    """What these events have written."""
    written = AnswerBuilder()
    for event in events:
        if isinstance(event, Delta):
            written.add(event)
    return written


def last_start(run: Run) -> float:
    """When the last try may begin or end (seconds since the epoch)."""
    return run.job.deadline - SETTLE_SECONDS
