"""POST /api/ai/v1/embeddings in OpenAI's shape. Long answers are streamed: the platform bounds those sent whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import orjson

from lib.clock import Clock
from lib.contract import JsonObject
from lib.embedding import BYTES_PER_NUMBER, Embedded, EmbeddingJob, as_base64, numbers_of
from lib.web.access import Access
from lib.web.asgi import Call, Receive, Scope, Send
from lib.web.chat_route import ChatRules
from lib.web.encode_openai import gateway_fields
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.errors import JSON_TYPE
from lib.web.headers import report_headers
from lib.web.openai_embeddings_body import read_embeddings

SENT_WHOLE: Final = 1 << 20
"""Bytes beyond which an answer is sent in pieces of about this size; the platform takes 4.5 MB in one."""


class Embeddings(Protocol):
    """The pipeline as the web sees it."""

    async def embed(self, job: EmbeddingJob) -> Embedded:
        """The vectors. Raises GatewayError."""
        ...

    async def settle(self, job: EmbeddingJob) -> None:
        """Finish what the answer did not wait for: once per job, after the last byte, whatever happened."""
        ...


class EmbeddingsEndpoint:
    """The route as an ASGI app. `ids` gives a fresh request id."""

    def __init__(
        self, pipeline: Embeddings, access: Access, clock: Clock, ids: Callable[[], str], rules: ChatRules
    ) -> None:
        self._pipeline = pipeline
        self._access = access
        self._clock = clock
        self._rules = rules
        reached = EndpointRules(methods=("POST",), cors=rules.cors, body_limit=rules.body_limit, at_once=rules.at_once)
        self._endpoint = Endpoint(self._handle, ids, reached)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._endpoint(scope, receive, send)

    async def _handle(self, call: Call) -> None:
        received_at = self._clock.now()
        caller = await self._access.recognise(call.headers, peer=call.peer)
        posted = read_embeddings(await call.body(), call.headers)
        caller = await self._access.entitled(caller, posted.claim)
        own_keys, deadline = self._rules.own_keys.read(call.headers, caller), self._rules.deadline(received_at)
        job = EmbeddingJob(call.request_id, posted.request, caller, received_at, deadline, own_keys)
        call.afterwards.append(lambda: self._pipeline.settle(job))
        await _send(call, await self._pipeline.embed(job), base64=posted.as_base64)


async def _send(call: Call, embedded: Embedded, *, base64: bool) -> None:
    headers = [JSON_TYPE, *report_headers(embedded.done.report, final=True)]
    pieces = gathered(document(embedded, base64=base64))
    first, second = next(pieces), next(pieces, None)
    if second is None:
        await call.wire.whole(200, headers, first)
        return
    await call.wire.start(200, headers)
    await call.wire.chunk(first)
    await call.wire.chunk(second)
    for piece in pieces:
        await call.wire.chunk(piece)
    await call.wire.end()


def document(embedded: Embedded, *, base64: bool) -> Iterator[bytes]:
    """The answer's text: one piece per vector, then the rest. `model` is the catalogue's name of who computed."""
    done = embedded.done
    yield b'{"object":"list","data":['
    for index, vector in enumerate(embedded.vectors):
        shown = as_base64(vector) if base64 else numbers_of(vector)
        comma = b"," if index else b""
        yield comma + orjson.dumps({"object": "embedding", "index": index, "embedding": shown})
    tokens = done.answer.usage.input_tokens
    rest: JsonObject = {
        "model": done.answer.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "gateway": {
            **gateway_fields(done),
            "cachedInputs": embedded.cached_inputs,
            "dimensions": len(embedded.vectors[0]) // BYTES_PER_NUMBER,
        },
    }
    yield b"]," + orjson.dumps(rest)[1:]


def gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about SENT_WHOLE, the last one excepted."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= SENT_WHOLE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
