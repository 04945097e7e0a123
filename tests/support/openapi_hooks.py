"""What a schema cannot say of a valid request, for the tool that makes them up from the description.

Loaded by schemathesis itself. Only requests that are meant to be valid are mended: names of models and users that there
are, times that lie ahead, no key that another body has used.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Protocol, cast

import schemathesis
from schemathesis.generation import GenerationMode

from lib.ai.providers.values import list_of, object_of
from lib.contract import Json, JsonObject

HOOK = cast("Callable[[Callable[..., object]], object]", schemathesis.hook)  # pyright: ignore[reportUnknownMemberType]
HUGE = 1 << 63
DEEPEST = 60
UNKNOWABLE = ("gateway", "providerOptions", "tier", "userId", "user_id", "expiresAt", "models", "dimensions", "tags")
"""Fields whose values have to fit what the deployment knows."""
USER: JsonObject = {"role": "user", "content": "Hi"}
UI_USER: JsonObject = {"role": "user", "parts": [{"type": "text", "text": "Hi"}]}
"""End conversations in which an assistant alone may have spoken, and said nothing."""


class Generation(Protocol):
    """How a request was made up."""

    mode: GenerationMode


class Meta(Protocol):
    """What is known about a request that was made up."""

    generation: Generation


class MadeUp(Protocol):
    """Such a request."""

    meta: Meta | None
    headers: MutableMapping[str, str]
    query: MutableMapping[str, str]
    path: str
    body: Json


def carried(value: Json, depth: int = 0) -> bool:
    """Whether a value is within the bounds on numbers and nesting that hold everywhere."""
    if depth > DEEPEST:
        return False
    if isinstance(value, dict):
        return all(carried(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return all(carried(item, depth + 1) for item in value)
    return not isinstance(value, int) or -HUGE <= value < HUGE


def with_whole_numbers(value: Json) -> Json:
    """JSON Schema takes 5.0 for a whole number, the product does not."""
    if isinstance(value, dict):
        return {name: with_whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < HUGE else value


def mend(body: JsonObject, path: str) -> None:
    """Make a body one that this deployment can answer."""
    for name in UNKNOWABLE:
        body.pop(name, None)
    for name in ("modelId", "model"):
        if name in body:
            body[name] = "demo/embedding" if path.endswith("/embeddings") else "demo/echo"
    if "n" in body:
        body["n"] = 1
    for position, item in enumerate(map(object_of, list_of(body.get("requests")))):
        mend(item, path)
        item["id"] = str(position)
    messages = list_of(body.get("messages"))
    if messages and ("parts" in object_of(messages[0]) or "/messages" in path):
        messages[-1] = USER if "/messages" in path else UI_USER
    if path.endswith("/keys"):
        body["userId"] = "u1"


@HOOK
def filter_body(context: object, body: Json) -> bool:
    """Leave out what no client sends."""
    del context
    return carried(body)


@HOOK
def before_call(context: object, case: MadeUp, kwargs: dict[str, object]) -> None:
    """Mend what is meant to be valid."""
    del context, kwargs
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    case.headers.pop("Idempotency-Key", None)
    for name in list(case.query)[1:]:  # not all go together
        del case.query[name]
    if isinstance(case.body, dict):
        body = with_whole_numbers(case.body)
        if isinstance(body, dict):
            mend(body, case.path)
            case.body = body
