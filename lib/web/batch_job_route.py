"""GET and DELETE /api/ai/v2/batch/{id}, and GET /api/ai/v2/batch/{id}/results: a durable job, for its owner."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from lib.contract import CallerKind
from lib.errors import InvalidRequest, NotFound, StoreError
from lib.kv.batch_job import BatchHead, BatchState
from lib.kv.batch_store import BatchStore
from lib.web.access import Access
from lib.web.asgi import Call, Receive, Scope, Send
from lib.web.batch_lines import JSON_LINES, job_document
from lib.web.batch_route import store_away
from lib.web.cors import Cors
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.errors import JSON_TYPE
from lib.web.headers import header_value

PATH: Final = "/api/ai/v2/batch"
PIECE_BYTES: Final = 65_536
_LONGEST_ID: Final = 64
Found: TypeAlias = tuple[BatchHead, BatchState]


@dataclass(frozen=True, slots=True)
class JobParts:
    """What the route asks. `help_on` may have the job worked on once the response is out."""

    store: BatchStore
    person: Callable[[str], str]
    help_on: Callable[[Call, BatchHead, BatchState], None]


class BatchJobEndpoint:
    """The routes as one ASGI app. Whoever is not the owner, or the operator, is told that there is nothing."""

    def __init__(self, access: Access, parts: JobParts, ids: Callable[[], str], cors: Cors) -> None:
        self._access = access
        self._parts = parts
        self._of_jobs = Endpoint(self._handle, ids, EndpointRules(methods=("GET", "DELETE"), cors=cors))
        self._of_results = Endpoint(self._handle, ids, EndpointRules(cors=cors))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        results = str(scope.get("path", "")).rstrip("/").endswith("/results")
        await (self._of_results if results else self._of_jobs)(scope, receive, send)

    async def _handle(self, call: Call) -> None:
        job, _, below = call.path.rstrip("/").removeprefix(f"{PATH}/").partition("/")
        wants_results = below == "results" and call.method != "DELETE"
        try:
            head, state = await self._find(call, job if wants_results or not below else "")
            if wants_results:
                await self._results(call, head, state)
                return
            if call.method == "DELETE":
                await self._parts.store.cancel(head)
                head, state = await self._parts.store.find(job) or (head, state)
            else:
                self._parts.help_on(call, head, state)
        except StoreError as error:
            raise store_away(error) from error
        headers = [JSON_TYPE, (b"cache-control", b"no-store"), (b"x-request-id", header_value(call.request_id))]
        await call.wire.whole(200, headers, orjson.dumps(job_document(head, state)))

    async def _find(self, call: Call, job: str) -> Found:
        caller = await self._access.identify(call.headers, peer=call.peer)
        known = 0 < len(job) <= _LONGEST_ID and job.isascii() and job.removeprefix("batch_").isalnum()
        found = await self._parts.store.find(job) if known else None
        if found and (caller.kind is CallerKind.ADMIN or found[0].person == self._parts.person(caller.user_id)):
            return found
        raise NotFound("There is no such batch, or no more.")

    async def _results(self, call: Call, head: BatchHead, state: BatchState) -> None:
        begin = _after(call) + 1
        headers = [
            *JSON_LINES.headers,
            (b"x-request-id", header_value(call.request_id)),
            (b"x-batch-first-unfinished", b"%d" % state.first_open),
        ]
        self._parts.help_on(call, head, state)
        await call.wire.start(200, headers, JSON_LINES.failed)
        async with aclosing(self._parts.store.results(head, begin, state.taken)) as results:
            piece = bytearray()
            async for result in results:
                piece += result.encode() + b"\n"
                if len(piece) >= PIECE_BYTES:
                    await call.wire.chunk(bytes(piece))
                    piece.clear()
        await call.wire.end(bytes(piece))


def _after(call: Call) -> int:
    text = call.query().get("after", "-1")
    if text == "-1":
        return -1
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise InvalidRequest("This must be the index of an item.", param="after")
    return int(text)
