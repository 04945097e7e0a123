"""A chat over HTTP, in any protocol: body to job, events to bytes, a hang-up to an end of all work.

The first event is awaited before the status line, so what fails before an answer begins is a proper HTTP error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from lib.answer import Done, Event, Opened
from lib.clock import Clock
from lib.contract import Caller, Job
from lib.errors import GatewayError
from lib.web.access import Access
from lib.web.asgi import BODY_LIMIT, Call, Receive, Scope, Send
from lib.web.body import AUTOMATIC
from lib.web.cors import Cors
from lib.web.encoders import INCOMPLETE, StreamEncoder, encode
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.errors import JSON_TYPE
from lib.web.hangup import WhileConnected
from lib.web.headers import report_headers
from lib.web.keep_alive import KeepAlive
from lib.web.own_keys import OwnKeyRules
from lib.web.surface import OwnSurface, Posted, Surface


class Pipeline(Protocol):
    """The orchestrator as the web sees it."""

    def run(self, job: Job) -> AsyncGenerator[Event, None]:
        """Opened, deltas, Done; or a GatewayError. Closing it ends the work and releases what was claimed."""
        ...

    async def settle(self, job: Job) -> None:
        """Finish what the answer did not wait for: once per run, after the last byte, whatever happened."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRules:
    """How the chat route behaves."""

    seconds: float = 290.0
    """A request's whole time; Vercel ends an invocation after 300 s unless configured otherwise."""
    time_limit: Callable[[], float | None] = field(default=lambda: None)
    """When the platform ends this invocation (seconds since the epoch), where it tells."""
    spare_seconds: float = 5.0
    """Left before the platform's end to close a stream and settle."""
    keep_alive_seconds: float | None = None
    """Silence in a stream after which a comment is sent, so that proxies do not cut it; None sends none."""
    default_model: str = AUTOMATIC
    """Serves requests that name none."""
    cors: Cors = field(default_factory=Cors)
    body_limit: int = BODY_LIMIT
    at_once: int | None = None
    """See EndpointRules."""
    surface: Surface = field(default_factory=OwnSurface)
    """The protocol."""

    own_keys: OwnKeyRules = field(default_factory=OwnKeyRules)
    """Who may bring provider keys."""

    def deadline(self, received_at: float) -> float:
        """When a request that came at `received_at` has to be done (seconds since the epoch)."""
        deadline = received_at + self.seconds
        limit = self.time_limit()
        return deadline if limit is None else min(deadline, limit - self.spare_seconds)


class ChatEndpoint:
    """The route as an ASGI app. `ids` gives a fresh request id."""

    def __init__(
        self,
        pipeline: Pipeline,
        access: Access,
        clock: Clock,
        ids: Callable[[], str],
        rules: ChatRules,
    ) -> None:
        self._pipeline = pipeline
        self._access = access
        self._clock = clock
        self._rules = rules
        self._endpoint = Endpoint(
            self._handle,
            ids,
            EndpointRules(
                methods=("POST",),
                cors=rules.cors,
                body_limit=rules.body_limit,
                at_once=rules.at_once,
                error_body=rules.surface.error,
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._endpoint(scope, receive, send)

    async def _handle(self, call: Call) -> None:
        received_at = self._clock.now()
        caller = await self._access.recognise(call.headers, peer=call.peer)
        posted = self._rules.surface.read(await call.body(), call.headers, self._rules.default_model)
        caller = await self._access.entitled(caller, posted.claim)
        await self.answer(call, posted, caller, received_at)

    async def answer(self, call: Call, posted: Posted, caller: Caller, received_at: float) -> None:
        """Answer a request that has been read, of a caller who is known."""
        own_keys = self._rules.own_keys.read(call.headers, caller)
        deadline = self._rules.deadline(received_at)
        job = Job(
            *(call.request_id, posted.request, caller, received_at, deadline, own_keys),
            resumption=posted.resumption,
            traceparent=call.headers.get("traceparent", ""),
        )
        call.afterwards.append(lambda: self._pipeline.settle(job))
        async with aclosing(self._pipeline.run(job)) as events:
            if posted.stream is None:
                await self._answer_whole(call, events, job)
            else:
                await self._answer_stream(call, events, posted.stream(job))
            async for _ in events:
                """Whatever the pipeline does after its last event is not cut short."""

    async def _answer_whole(self, call: Call, events: AsyncGenerator[Event, None], job: Job) -> None:
        done: Done | None = None
        async with WhileConnected(call.receive):
            async for event in events:
                if isinstance(event, Done):
                    done = event
                    break
        if done is None:
            raise GatewayError(INCOMPLETE)
        body = self._rules.surface.whole(done, job)
        await call.wire.whole(200, [JSON_TYPE, *report_headers(done.report, final=True)], body)

    async def _answer_stream(self, call: Call, events: AsyncGenerator[Event, None], encoder: StreamEncoder) -> None:
        async with WhileConnected(call.receive):
            first = await anext(events, None)
            if not isinstance(first, Opened):
                raise GatewayError(INCOMPLETE)
            headers = [*encoder.headers, *report_headers(first.report, final=False)]
            await call.wire.start(200, headers, encoder.failed)
            async with KeepAlive(call.wire, self._clock, self._rules.keep_alive_seconds, encoder.keep_alive) as wire:
                await wire.chunk(encoder.opened(first))
                async with aclosing(encode(events, encoder)) as pieces:
                    async for piece in pieces:
                        await wire.chunk(piece)
        await call.wire.end()
