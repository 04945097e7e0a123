"""POST /api/ai/v2/batch: items run while the client waits, or are kept as a durable job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Protocol

import orjson

from lib.answer import Done
from lib.clock import Clock
from lib.contract import OWN_KEY, Caller, CallerKind, Job, JsonObject
from lib.errors import GatewayError, InvalidRequest, Overloaded, PermissionDenied, RateLimited, StoreError
from lib.kv.batch_job import FRESH, BatchHead, read_state
from lib.kv.batch_store import LIFETIME_SECONDS, BatchStore
from lib.kv.keys import Keys
from lib.web.access import Access
from lib.web.asgi import Call, ClientGone, Receive, Scope, Send
from lib.web.batch_body import MOST_AT_ONCE, Item, PostedBatch, check_ids, only_claim, parse_batch, parse_item
from lib.web.batch_lines import Lines, Tally, item_document, job_document
from lib.web.chat_route import ChatRules
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.errors import JSON_TYPE
from lib.web.hangup import WhileConnected
from lib.web.headers import header_value

PROGRESS_SECONDS: Final = 10.0
"""Between lines that tell of progress, also where there is none."""
AGAIN_SECONDS: Final = 3_600.0
"""After which one of a user's jobs may have expired."""
LAST_START_SECONDS: Final = 20.0
"""Before the end, within which an item has too little time to be begun."""
CUT_SECONDS: Final = 3.0
"""Before the end, within which an item that runs out of time has been cut by it."""
READ_AT_ONCE: Final = 50
"""Items checked before others on this instance have their turn."""
_ON_BEHALF: Final = frozenset({CallerKind.SERVICE, CallerKind.ADMIN})


class Inline(Protocol):
    """Runs items while their client waits."""

    def __call__(
        self, drafts: Sequence[Callable[[], Job]], *, at_once: int, waits: bool, until: float
    ) -> AsyncGenerator[tuple[int, Done | GatewayError]]:
        """Places and outcomes as they come."""
        ...


@dataclass(frozen=True, slots=True)
class BatchParts:
    """What the route hands on to."""

    inline: Inline
    store: BatchStore
    begin: Callable[[Call, str], Awaitable[None]]
    """Sees to it that a new job is worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules:
    """How batches are answered. `chat` holds for each of their items."""

    chat: ChatRules
    ends: Callable[[float], float]
    """When a function that began then has to be done (seconds since the epoch)."""
    ids: Callable[[], str]


class BatchEndpoint:
    """The route as an ASGI app."""

    def __init__(self, access: Access, parts: BatchParts, keys: Keys, clock: Clock, rules: BatchRules) -> None:
        self._access = access
        self._parts = parts
        self._keys = keys
        self._clock = clock
        self._rules = rules
        at_once = max(1, (rules.chat.at_once or MOST_AT_ONCE) // MOST_AT_ONCE)
        endpoint_rules = EndpointRules(methods=("POST",), cors=rules.chat.cors, at_once=at_once)
        self._endpoint = Endpoint(self._handle, rules.ids, endpoint_rules)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._endpoint(scope, receive, send)

    async def _handle(self, call: Call) -> None:
        received_at = self._clock.now()
        caller = await self._access.recognise(call.headers, peer=call.peer)
        posted = parse_batch(await call.body(), call.headers, call.query())
        items = await self._items(posted)
        if caller.kind in _ON_BEHALF:
            posted = replace(posted, claim=only_claim(posted, items))
        caller = await self._access.entitled(caller, posted.claim)
        if posted.durable:
            await self._keep(call, posted, items, caller)
        else:
            await self._run(call, posted, items, self._drafts(call, posted, items, caller, received_at))

    async def _items(self, posted: PostedBatch) -> list[Item]:
        items: list[Item] = []
        for index, document in enumerate(posted.documents):
            default = self._rules.chat.default_model
            items.append(parse_item(document, f"requests[{index}]", posted.cache_control, default))
            if index % READ_AT_ONCE == READ_AT_ONCE - 1:
                await self._clock.sleep(0)
        check_ids(items)
        return items

    async def _keep(self, call: Call, posted: PostedBatch, items: Sequence[Item], caller: Caller) -> None:
        if any(name.startswith(OWN_KEY) for name in call.headers):
            raise PermissionDenied("Provider keys are never stored: use mode inline.", code="own_keys_not_allowed")
        now, person = self._clock.now(), self._keys.person(caller.user_id)
        key = posted.idempotency_key
        name = self._keys.person(f"batch {person} {key}") if key else self._rules.ids().removeprefix("req_")
        head = BatchHead(
            job=f"batch_{name}",
            person=person,
            caller=replace(caller, address=None),
            digest=posted.digest,
            total=len(items),
            concurrency=posted.concurrency,
            waits=posted.waits,
            cache_control=posted.cache_control,
            created_at=now,
            expires_at=now + LIFETIME_SECONDS,
        )
        try:
            await self._answer_kept(call, head, await self._create(head, items))
        except StoreError as error:
            raise store_away(error) from error

    async def _create(self, head: BatchHead, items: Sequence[Item]) -> BatchHead:
        made = await self._parts.store.create(head, [item.text for item in items])
        if made.head is None:
            raise RateLimited(
                "This user has as many durable batches as there may be; they expire a day after they were made.",
                limit_name="batches",
                limit=self._parts.store.rules.jobs_per_user,
                window_seconds=LIFETIME_SECONDS,
                retry_after=AGAIN_SECONDS,
            )
        if made.head.digest != head.digest:
            raise InvalidRequest(
                "this Idempotency-Key was used with another request body",
                param="Idempotency-Key",
                code="idempotency_key_reused",
            )
        return made.head

    async def _answer_kept(self, call: Call, head: BatchHead, made: BatchHead) -> None:
        state = read_state(FRESH)
        if made is not head and (found := await self._parts.store.find(made.job)):
            state = found[1]
        if state is None:
            raise GatewayError("The job cannot be read.")
        await self._parts.begin(call, made.job)
        body = orjson.dumps(job_document(made, state))
        place = header_value(f"/api/ai/v2/batch/{made.job}")
        await call.wire.whole(202, [JSON_TYPE, *self._headers(call), (b"location", place)], body)

    def _drafts(
        self, call: Call, posted: PostedBatch, items: Sequence[Item], caller: Caller, received_at: float
    ) -> list[Callable[[], Job]]:
        own_keys = self._rules.chat.own_keys.read(call.headers, caller)
        ends = self._rules.ends(received_at)

        def drafted(index: int, item: Item) -> Callable[[], Job]:
            key = f"{posted.idempotency_key} {index}" if posted.idempotency_key else None
            request = replace(item.request, idempotency_key=key)

            def draft() -> Job:
                now = self._clock.now()
                deadline = min(now + self._rules.chat.seconds, ends)
                return Job(self._rules.ids(), request, caller, now, deadline, own_keys)

            return draft

        return [drafted(index, item) for index, item in enumerate(items)]

    async def _run(
        self, call: Call, posted: PostedBatch, items: Sequence[Item], drafts: Sequence[Callable[[], Job]]
    ) -> None:
        ends = self._rules.ends(self._clock.now())
        run = _InlineRun(call, items, posted.answer, self._clock, ends)
        outcomes = self._parts.inline(
            drafts, at_once=posted.concurrency, waits=posted.waits, until=ends - LAST_START_SECONDS
        )
        headers = self._headers(call)
        if posted.answer == "application/json":
            await run.whole(outcomes, headers)
        else:
            await run.stream(outcomes, headers)

    @staticmethod
    def _headers(call: Call) -> list[tuple[bytes, bytes]]:
        return [(b"x-request-id", header_value(call.request_id))]


class _InlineRun:
    """One inline batch being answered."""

    def __init__(self, call: Call, items: Sequence[Item], answer: str, clock: Clock, ends: float) -> None:
        self._call = call
        self._ends = ends
        self._items = items
        self._clock = clock
        self._lines = Lines(answer)
        self._tally = Tally(len(items))
        self._ended: set[int] = set()

    async def whole(
        self, outcomes: AsyncGenerator[tuple[int, Done | GatewayError]], headers: list[tuple[bytes, bytes]]
    ) -> None:
        """All results in one document, in order."""
        results: dict[int, JsonObject] = {}
        async with WhileConnected(self._call.receive), aclosing(outcomes):
            async for index, outcome in outcomes:
                if not self._is_cut(outcome):
                    results[index] = self._document(index, outcome)
        documents = [results.get(index) or self._document(index, None) for index in range(len(self._items))]
        body = orjson.dumps({"results": documents, **self._tally.summary()})
        # Not announced in length: the platform bounds whole responses, not those that are streamed.
        await self._call.wire.start(200, [JSON_TYPE, (b"cache-control", b"no-store"), *headers])
        await self._call.wire.end(body)

    async def stream(
        self, outcomes: AsyncGenerator[tuple[int, Done | GatewayError]], headers: list[tuple[bytes, bytes]]
    ) -> None:
        """Each result as it comes, progress meanwhile, and what never had its turn at the end."""
        wire, lines, tally = self._call.wire, self._lines, self._tally
        async with WhileConnected(self._call.receive), aclosing(outcomes):
            await wire.start(200, [*lines.headers, *headers], lines.failed)
            ticker = asyncio.create_task(self._tell_progress())
            try:
                async for index, outcome in outcomes:
                    if not self._is_cut(outcome):
                        self._ended.add(index)
                        document = self._document(index, outcome)
                        await wire.chunk(lines.line(tally.progress("item", document)))
            finally:
                ticker.cancel()
            for index in range(len(self._items)):
                if index not in self._ended:
                    await wire.chunk(lines.line(tally.progress("item", self._document(index, None))))
        await wire.end(lines.line({"type": "done", **tally.summary()}) + lines.end())

    def _is_cut(self, outcome: Done | GatewayError) -> bool:
        """Whether an item did not get the time that it should have had: it has not failed, and may be posted again."""
        late = self._clock.now() >= self._ends - CUT_SECONDS
        return late and isinstance(outcome, GatewayError) and outcome.status == 504

    def _document(self, index: int, outcome: Done | GatewayError | None) -> JsonObject:
        if outcome is not None:
            self._tally.count(outcome)
        return item_document(index, self._items[index].id, outcome)

    async def _tell_progress(self) -> None:
        while True:
            try:
                await self._call.wire.chunk(self._lines.line(self._tally.progress("progress", {})))
            except ClientGone:
                return
            await self._clock.sleep(PROGRESS_SECONDS)


def store_away(error: StoreError) -> Overloaded:
    """Durable jobs are nothing without the store."""
    message = "durable batches need the store, which does not answer; try again soon"
    return Overloaded(message, code="store_unavailable", retry_after=5.0, detail=str(error))
