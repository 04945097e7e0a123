"""Keys: which requests may share an answer, which are the same request, and the digests of idempotency keys.

A key is the hash of everything that can change the answer. What only says how an answer is delivered or which model
is tried next is left out of the cache key; de-duplication also compares that, since a request in flight may fall back.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import orjson

from lib.contract import ChatRequest, Json, JsonObject, Message
from lib.kv.cache.canonical import CANONICAL_VERSION, canonical
from lib.kv.cache.entry import ENTRY_VERSION

KEY_VERSION: Final = f"1.{CANONICAL_VERSION}.{ENTRY_VERSION}"
"""Part of every cache key: another way of keying never meets the entries of this one."""
DIGEST_BYTES: Final = 20
"""160 bits: a collision among 10^12 entries has a chance below 10^-24."""
DELIVERY_FIELDS: Final = frozenset({"stream_options"})
"""Passed-through fields that change how an answer is sent, not the answer."""
INSTRUCTIONS: Final = frozenset({"system", "developer"})


def cache_key(request: ChatRequest, *, tenant: str, model: str) -> str:
    """The key under which an answer to `request` is stored, as 40 hex digits.

    One user message beside instructions is compared by its canonical text, anything longer exactly.

    Args:
        request: the chat.
        tenant: the user's hash, or '' where a rule says that all users share.
        model: the model as routed, never an alias or `auto`.
    """
    scope = _scope_facts(request, tenant, model)
    question = lone_question(request.messages)
    if question is None:
        return _digest(b"exact", [scope, _messages(request.messages)])
    return _digest(b"canonical", [scope, _messages(request.messages[:-1]), canonical(question)])


def scope_fingerprint(request: ChatRequest, *, tenant: str, model: str) -> str:
    """The hash of all that must be equal before two questions are compared: everything but the conversation's turns."""
    instructions = tuple(m for m in request.messages if m.get("role") in INSTRUCTIONS)
    return _digest(b"scope", [_scope_facts(request, tenant, model), _messages(instructions)])


def dedup_key(request: ChatRequest, *, user: str, model: str) -> str:
    """The key of one distinct request of one user (hash), as 40 hex digits.

    Whether it is streamed, tagged or may be read from the cache makes no difference.
    """
    return _digest(b"duplicate", [user, model, _whole(request)])


def idempotency_digest(user: str, key: str) -> str:
    """The de-duplication key of a request with an Idempotency-Key. Keys of different users never meet."""
    return _digest(b"idempotency", [user, key])


def body_digest(request: ChatRequest) -> str:
    """What was asked, as sent (the model before routing): tells another body under a used Idempotency-Key."""
    return _digest(b"body", _whole(request))


def _digest(purpose: bytes, facts: Json) -> str:
    text = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=DIGEST_BYTES, person=purpose).hexdigest()


def _scope_facts(request: ChatRequest, tenant: str, model: str) -> list[Json]:
    return [KEY_VERSION, tenant, model, request.locale, _parameters(request)]


def _parameters(request: ChatRequest) -> list[Json]:
    """A list, not an object: positions cannot be confused with names of passed-through fields."""
    return [
        list(request.tools),
        request.tool_choice,
        request.response_format,
        request.temperature,
        request.top_p,
        request.max_tokens,
        request.seed,
        list(request.stop),
        request.n,
        {name: value for name, value in request.extra.items() if name not in DELIVERY_FIELDS},
        *([request.anthropic] if request.anthropic else []),
    ]


def _whole(request: ChatRequest) -> list[Json]:
    wish = request.routing
    routing: JsonObject = {
        "models": list(wish.models),
        "only": list(wish.only),
        "order": list(wish.order),
        "sort": wish.sort,
        "has": list(wish.has),
        "max_usd_per_million": wish.max_usd_per_million,
        "prioritize_speed": wish.prioritize_speed,
        "use_fallback": request.use_fallback,
        "same_provider": request.same_provider,
    }
    return [request.model, request.locale, _parameters(request), routing, _messages(request.messages)]


def _messages(messages: tuple[Message, ...]) -> list[Json]:
    return [dict(message) for message in messages]


def lone_question(messages: tuple[Message, ...]) -> str | None:
    """The text of the only turn, when nothing but instructions stands before it and nothing but text is in it."""
    if not messages or any(m.get("role") not in INSTRUCTIONS for m in messages[:-1]):
        return None
    last = messages[-1]
    if last.get("role") != "user" or set(last) != {"role", "content"}:
        return None
    return _plain_text(last.get("content"))


def _plain_text(content: Json) -> str | None:
    match content:
        case str():
            return content
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return None
