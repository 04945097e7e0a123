"""Reading providers' JSON without trusting its shape: each reader gives the asked type or a harmless nothing."""

from __future__ import annotations

from lib.contract import Json, JsonObject
from lib.errors import ProviderError
from lib.json_text import parse


def parse_object(data: bytes) -> JsonObject:
    """The JSON object in `data`. Raises ProviderError `malformed` for anything else, also if nested absurdly deep."""
    try:
        value = parse(data)
    except ValueError:
        raise ProviderError("malformed", "the provider's answer is not valid JSON") from None
    if not isinstance(value, dict):
        raise ProviderError("malformed", "the provider's answer is not a JSON object")
    return value


def is_json_object(text: str) -> bool:
    """Whether a text is one JSON object, as the arguments of a tool call must be."""
    try:
        return isinstance(parse(text), dict)
    except ValueError:
        return False


def object_of(value: Json) -> JsonObject:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Json) -> list[Json]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Json) -> str:
    """The string, or the empty one."""
    return value if isinstance(value, str) else ""


def count_of(value: Json) -> int | None:
    """The whole number, or None; a truth value is not a number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
