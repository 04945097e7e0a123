"""POST /api/ai/v2/chat: bytes to a `ChatRequest`, whichever of the two message shapes and protocols they use.

What the body claims about its sender (`userId`, `tier`) is kept apart: only `access` decides what it is worth.
Errors name the field and never repeat what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from lib.contract import ChatRequest, JsonObject, Message, RoutingWish
from lib.errors import InvalidRequest, RequestTooLarge
from lib.web.access import Claim
from lib.web.asgi import BODY_LIMIT, Headers
from lib.web.cache_options import cache_use
from lib.web.encoders import Encoding, choose
from lib.web.json_values import as_object
from lib.web.message_check import check_message
from lib.web.parameters import (
    idempotency_key_of,
    response_format_of,
    stop_sequences,
    tool_choice_of,
    tools_of,
    unknown_of,
)
from lib.web.ui_messages import from_ui, is_ui_message
from lib.web.validation import invalid
from lib.web.wire_model import MAX_MESSAGES, ChatBody, GatewayWish

AUTOMATIC: Final = "auto"
"""The model of a request that names none."""
REGENERATE: Final = "regenerate-message"
"""AI SDK's trigger of a request for another answer: neither the stored one nor the one in flight will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A chat request and what the web layer itself needs to know of the body."""

    request: ChatRequest
    claim: Claim
    encoding: Encoding
    ui: bool
    """The messages were AI SDK UIMessages."""
    include_usage: bool = False
    """OpenAI's stream_options.include_usage."""
    chat_id: str | None = None
    resume: bool = True
    """May the caller come back to a stream whose connection is lost?"""
    trigger: str | None = None
    restart: str | None = None
    """How a restart is told: `reset-step`, `data`, or None where none is wanted."""
    answer_id: str | None = None
    """Of the assistant's UIMessage that the answer goes on with, when it is the last message."""


def parse_chat(body: bytes, headers: Headers, default_model: str = AUTOMATIC) -> Parsed:
    """Read a chat request.

    Raises:
        InvalidRequest: anything wrong with the body or a header; `param` names the first field that is.
        RequestTooLarge: more than 4.5 MB.
    """
    posted = _read(body)
    raw = [as_object(message, f"messages[{index}]") for index, message in enumerate(posted.messages)]
    ui = any(is_ui_message(message) for message in raw)
    encoding = choose(ui=ui, stream=posted.stream, headers=headers)
    wish = posted.wish
    request = _request(posted, _ui_messages(raw) if ui else _messages(raw), headers)
    request = replace(request, model=request.model or default_model)
    _check_choices(posted.choices, encoding)
    return Parsed(
        request=replace(
            request,
            stream=encoding is not Encoding.JSON,
            routing=routing_of(wish),
            restart=wish.restart is not None,
            on_budget=wish.on_budget or "",
            prompt_caching=wish.caching is not None,
        ),
        claim=Claim(posted.user_id or wish.user or posted.openai_user, posted.tier),
        encoding=encoding,
        ui=ui,
        include_usage=posted.include_usage,
        chat_id=posted.chat_id,
        resume=posted.resume is not False,
        trigger=posted.trigger,
        restart=wish.restart,
        answer_id=_answer_id(raw[-1], ui=ui),
    )


def _read(body: bytes) -> ChatBody:
    if len(body) > BODY_LIMIT:
        raise RequestTooLarge(f"The request body is larger than {BODY_LIMIT:,} bytes.")
    try:
        return ChatBody.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


def _messages(raw: list[JsonObject]) -> tuple[Message, ...]:
    for index, message in enumerate(raw):
        check_message(message, f"messages[{index}]")
    return tuple(raw)


def _ui_messages(raw: list[JsonObject]) -> tuple[Message, ...]:
    converted = tuple(said for index, message in enumerate(raw) for said in from_ui(message, f"messages[{index}]"))
    if not 0 < len(converted) <= MAX_MESSAGES:
        raise InvalidRequest(f"There must be 1 to {MAX_MESSAGES:,} messages with content.", param="messages")
    return converted


def _request(posted: ChatBody, messages: tuple[Message, ...], headers: Headers) -> ChatRequest:
    cache = cache_use(headers, enabled=posted.enable_cache, options=posted.wish.cache)
    anew = posted.trigger == REGENERATE
    return ChatRequest(
        model=posted.model or "",
        messages=messages,
        max_tokens=posted.max_tokens,
        temperature=posted.temperature,
        top_p=posted.top_p,
        stop=stop_sequences(posted.stop),
        seed=posted.seed,
        n=posted.choices,
        tools=tools_of(posted.tools),
        tool_choice=tool_choice_of(posted.tool_choice),
        response_format=response_format_of(posted.response_format),
        extra=unknown_of(posted.unknown_fields()),
        read_cache=cache.read and not anew,
        write_cache=cache.write,
        cache=cache.wish,
        use_dedup=posted.enable_dedup is not False and not anew,
        use_fallback=posted.enable_fallback is not False,
        same_provider=posted.same_provider is True,
        idempotency_key=idempotency_key_of(headers),
        locale=posted.locale or "",
        tags=tuple(posted.tags or posted.wish.tags),
    )


def routing_of(wish: GatewayWish) -> RoutingWish:
    """What is asked of the router."""
    return RoutingWish(
        models=tuple(wish.models),
        only=tuple(wish.only),
        order=tuple(wish.order),
        sort=wish.sort,
        has=tuple(wish.has),
        max_usd_per_million=wish.max_usd_per_million,
        prioritize_speed=wish.prioritize_speed,
    )


def _check_choices(choices: int, encoding: Encoding) -> None:
    if choices > 1 and encoding is Encoding.UI:
        raise InvalidRequest("A UI message stream carries one choice: n must be 1.", param="n")


def _answer_id(last: JsonObject, *, ui: bool) -> str | None:
    """An assistant's UIMessage at the end is being gone on with: the answer takes its id."""
    message_id = last.get("id") if ui and last.get("role") == "assistant" else None
    return message_id if isinstance(message_id, str) and message_id else None
