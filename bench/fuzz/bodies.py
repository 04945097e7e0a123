"""Fuzz targets for what callers send: chat bodies as bytes, and messages of both shapes as values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import orjson

from bench.fuzz.finding import Broken, require
from bench.fuzz.grammar import CANARY, Source, written
from lib.ai.plan import RouteFacts
from lib.ai.providers import anthropic_request, openai_request
from lib.ai.providers.anthropic_messages import convert
from lib.ai.providers.base import ProviderCall
from lib.ai.providers.values import list_of, object_of
from lib.ai.router.planning import route
from lib.catalog import Catalog, ModelRow, PriceBook
from lib.contract import ChatRequest, Json, JsonObject
from lib.errors import GatewayError, InvalidRequest, ProviderError, RequestTooLarge
from lib.kv.cache import cache_key, dedup_key
from lib.transport import Timeouts
from lib.web.body import parse_chat
from lib.web.errors import error_body
from lib.web.message_check import check_message
from lib.web.ui_messages import from_ui

LONGEST_ERROR: Final = 4_096
LONGEST_PARAM: Final = 200
CATALOG: Final = Catalog.build()
PRICES: Final = PriceBook()
NOW: Final = 1_790_000_000.0
FACTS: Final = RouteFacts(frozenset({"openai", "anthropic"}), "free", NOW)
HEADERS: Final[tuple[Mapping[str, str], ...]] = (
    MappingProxyType({}),
    MappingProxyType({"accept": "text/event-stream", "cache-control": "no-cache"}),
    MappingProxyType({"x-ai-stream-protocol": "ui"}),
    MappingProxyType({"x-ai-stream-protocol": "openai", "idempotency-key": "k-1"}),
)
TOOL_TYPES: Final = ("tool-weather", "dynamic-tool", "step-start", "text")
STATES: Final = ("output-available", "output-error", "output-denied", "input-available")
OPENAI: Final = CATALOG.model("openai/gpt-4o")
ANTHROPIC: Final = next(row for row in CATALOG.models if row.provider == "anthropic")


def chat_body(data: bytes) -> None:
    """Any bytes are a chat request or an InvalidRequest; a chat request can be keyed, routed and sent on."""
    source = Source(data)
    headers = source.one_of(HEADERS)
    _check(source.take(source.left), headers)


def messages(data: bytes) -> None:
    """The same for bodies of generated JSON: UIMessages and OpenAI's, nearly right more often than not."""
    source = Source(data)
    headers = source.one_of(HEADERS)
    body: JsonObject = {"messages": [_message(source) for _ in range(1 + source.below(4))]}
    while source.left > 2:
        body[source.name()] = source.json()
    _check(written(body, source), headers)


def ui_messages(data: bytes) -> None:
    """A UIMessage becomes well-formed messages or an InvalidRequest; each tool call is followed by its result."""
    source = Source(data)
    role = source.one_of(("assistant", "assistant", "user", "system"))
    parts: list[Json] = []
    while source.left:
        parts.append(_part(source))
    try:
        said = from_ui({"id": CANARY, "role": role, "parts": parts}, "messages[0]")
    except InvalidRequest as error:
        _check_refusal(error)
        return
    waiting: list[Json] = []
    for message in said:
        check_message(message, "said")
        if message["role"] == "tool":
            require(bool(waiting) and waiting.pop(0) == message["tool_call_id"], "a result does not follow its call")
        else:
            require(not waiting, "a call has no result")
            waiting = [object_of(call)["id"] for call in list_of(message.get("tool_calls"))]
    require(not waiting, "a call has no result")
    convert(said)


def _message(source: Source) -> Json:
    kind = source.below(8)
    if kind == 0:
        return source.json()
    role = source.one_of(("user", "assistant", "system", "tool"))
    if kind > 4:
        return {"role": role, "content": source.json(), **source.fields()}
    parts: list[Json] = [_part(source) for _ in range(source.below(4))]
    return {"id": CANARY, "role": role, "parts": parts} if kind > 2 else {"role": role, "content": parts}


def _part(source: Source) -> Json:
    part = source.fields()
    if source.below(2):
        part |= {"type": source.one_of(TOOL_TYPES), "toolName": "weather", "toolCallId": source.text()}
        part |= {"state": source.one_of(STATES), "input": source.json(), "output": source.json()}
    part.setdefault("type", source.text())
    part.setdefault("text", source.text())
    return part


def _check(body: bytes, headers: Mapping[str, str]) -> None:
    try:
        parsed = parse_chat(body, headers)
    except (InvalidRequest, RequestTooLarge) as error:
        _check_refusal(error)
        return
    for at, message in enumerate(parsed.request.messages):
        check_message(dict(message), f"messages[{at}]")
    cache_key(parsed.request, tenant="t", model="m")
    dedup_key(parsed.request, user="u", model="m")
    _check_sending(parsed.request)
    try:
        route(parsed.request, FACTS, CATALOG, PRICES)
    except GatewayError as error:
        require(error.status < 500, f"routing ends in {error.status} {error.code}")
        _check_refusal(error)


def _check_refusal(error: GatewayError) -> None:
    require(len(error_body(error, "req")) <= LONGEST_ERROR, "the answer to a bad request is long")
    require(bool(error.message), "the answer to a bad request gives no reason")
    require(CANARY not in error.message, "the answer to a bad request repeats it")
    # The name of a field that does not exist may be repeated, so the canary may stand in there.
    require(error.param is None or (len(error.param) <= LONGEST_PARAM and error.param.isascii()), "a field's name")


def _check_sending(request: ChatRequest) -> None:
    orjson.dumps(openai_request.build(_call(OPENAI, request))[0])
    try:
        sent = anthropic_request.build(_call(ANTHROPIC, request))[0]
    except ProviderError as error:
        if error.kind != "unsupported":
            raise Broken(f"a request cannot be written for Anthropic: {error}") from error
        return
    orjson.dumps(sent)


def _call(row: ModelRow, request: ChatRequest) -> ProviderCall:
    return ProviderCall(row, CATALOG.provider(row.provider), "", request, Timeouts(), "req")
