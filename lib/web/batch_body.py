"""POST /api/ai/v2/batch: bytes to items, each checked as the chat it is before any of them runs.

A body is one JSON object, or JSON Lines of items. An item is a body of /api/ai/v2/chat, or a line of OpenAI's batch
files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Annotated, Final, Literal

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from lib.contract import ChatRequest, JsonObject
from lib.errors import InvalidRequest
from lib.web.access import NOBODY, Claim
from lib.web.asgi import Headers
from lib.web.body import parse_chat
from lib.web.json_values import as_object
from lib.web.parameters import idempotency_key_of
from lib.web.validation import invalid

MOST_INLINE: Final = 100
MOST_DURABLE: Final = 10_000
MOST_AT_ONCE: Final = 20
JSON_LINES: Final = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
NDJSON: Final = JSON_LINES[0]
EVENTS: Final = "text/event-stream"
_IDS: Final = ("custom_id", "customId", "id", "chatId", "chat_id")
_ID: Final = 256


class BatchBody(BaseModel):
    """The object, in camelCase or snake_case. An option that is not known is refused."""

    model_config = ConfigDict(
        strict=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    requests: Annotated[list[object], Field(min_length=1, max_length=MOST_DURABLE)]
    concurrency: int = Field(default=5, ge=1, le=MOST_AT_ONCE)
    mode: Literal["inline", "durable"] | None = None
    on_limit: Literal["wait", "fail"] = "wait"
    stream: bool | None = None
    user_id: str | None = Field(
        default=None, min_length=1, max_length=256, validation_alias=AliasChoices("userId", "user_id")
    )
    tier: str | None = Field(default=None, max_length=32)


@dataclass(frozen=True, slots=True)
class Item:
    """One chat of a batch: as it is stored, the caller's own id for it, and what it asks."""

    text: str
    id: str | None
    request: ChatRequest
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedBatch:
    """A batch as read; `documents` are items that have not been looked at."""

    documents: Sequence[object]
    concurrency: int
    durable: bool
    waits: bool
    answer: str
    """The media type of an inline answer."""
    claim: Claim
    cache_control: str
    idempotency_key: str | None
    digest: str


def parse_batch(body: bytes, headers: Headers, query: dict[str, str]) -> PostedBatch:
    """Everything but the items. Raises InvalidRequest naming the field."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        posted = _from_lines(body, query) if kind in JSON_LINES else BatchBody.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None
    cache_control = headers.get("cache-control", "")[:_ID]
    durable = posted.mode == "durable" or (posted.mode is None and len(posted.requests) > MOST_INLINE)
    if not durable and len(posted.requests) > MOST_INLINE:
        raise InvalidRequest(f"An inline batch has at most {MOST_INLINE} requests; use mode durable.", param="requests")
    return PostedBatch(
        documents=posted.requests,
        concurrency=posted.concurrency,
        durable=durable,
        waits=posted.on_limit == "wait",
        answer=answer_type(headers, stream=posted.stream),
        claim=Claim(posted.user_id, posted.tier),
        cache_control=cache_control,
        idempotency_key=idempotency_key_of(headers),
        digest=blake2b(repr((kind, sorted(query.items()), cache_control)).encode() + body, digest_size=16).hexdigest(),
    )


def answer_type(headers: Headers, *, stream: bool | None) -> str:
    """Progress as lines or events where it is asked for, by Accept or by `stream`; else one JSON document."""
    accepted = [kind.partition(";")[0].strip() for kind in headers.get("accept", "").lower().split(",")]
    if stream is not False:
        if EVENTS in accepted:
            return EVENTS
        if stream or any(kind in accepted for kind in JSON_LINES):
            return NDJSON
    return "application/json"


def parse_item(document: object, param: str, cache_control: str, default_model: str) -> Item:
    """One item. Raises InvalidRequest naming the field below `param`."""
    given = _as_chat(as_object(document, param))
    text = orjson.dumps(given)
    try:
        parsed = parse_chat(text, {"cache-control": cache_control}, default_model)
    except InvalidRequest as error:
        error.param = f"{param}.{error.param}" if error.param else param
        raise
    return Item(text.decode(), parsed.chat_id, replace(parsed.request, stream=False), parsed.claim)


def read_item(default_model: str) -> Callable[[str, str], ChatRequest]:
    """Reads items as they are stored, with the Cache-Control they came with. It raises InvalidRequest."""

    def read(text: str, cache_control: str) -> ChatRequest:
        return parse_item(orjson.loads(text) if text else None, "request", cache_control, default_model).request

    return read


def id_of(text: str) -> str | None:
    """The caller's id of an item as it is stored."""
    document: object = orjson.loads(text) if text else None
    match document:
        case {"id": str(given)}:
            return given
        case _:
            return None


def only_claim(posted: PostedBatch, items: Sequence[Item]) -> Claim:
    """Whom the batch speaks for: a batch is one user's. Raises InvalidRequest for an item that names another."""
    claim = posted.claim
    for index, item in enumerate(items):
        if item.claim == NOBODY:
            continue
        if claim == NOBODY:
            claim = item.claim
        elif (item.claim.user_id or claim.user_id, item.claim.tier or claim.tier) != (claim.user_id, claim.tier):
            raise InvalidRequest("All requests of a batch are of one user.", param=f"requests[{index}].userId")
    return claim


def check_ids(items: Sequence[Item]) -> None:
    """Raises InvalidRequest for the second item of an id."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        if item.id in seen:
            raise InvalidRequest("Another request has the same id.", param=f"requests[{index}].id")
        if item.id is not None:
            seen.add(item.id)


def _from_lines(body: bytes, query: dict[str, str]) -> BatchBody:
    documents: list[object] = []
    for line in body.split(b"\n"):
        if line.strip() and len(documents) <= MOST_DURABLE:
            try:
                documents.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                message = "This line is not valid JSON in UTF-8."
                raise InvalidRequest(message, param=f"requests[{len(documents)}]", code="invalid_json") from None
    options: dict[str, object] = {**query, "mode": query.get("mode", "durable"), "requests": documents}
    at_once = query.get("concurrency", "")
    if at_once.isascii() and at_once.isdecimal() and len(at_once) < 9:
        options["concurrency"] = int(at_once)
    return BatchBody.model_validate(options)


def _as_chat(document: JsonObject) -> JsonObject:
    """An item as a body of /api/ai/v2/chat; its own id, whatever it was called, as `id`."""
    inner = document.get("body")
    given = dict(inner) if isinstance(inner, dict) and "messages" not in document else dict(document)
    own = next((document[name] for name in _IDS if document.get(name) is not None), None)
    chat = {name: value for name, value in given.items() if name not in _IDS}
    return chat if own is None else {"id": own, **chat}
