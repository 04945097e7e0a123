"""From parsed JSON of unknown shape to the contract's `Json`: what passes here can be encoded again.

Parsers accept more than encoders take: NaN, infinities, integers of any length.
"""

from __future__ import annotations

import math
from typing import Final, cast

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest

DEEPEST: Final = 100
"""Levels of nesting; the JSON parser in front gives up at about 200, the encoder at 254."""
_INT64: Final = 1 << 63


def as_json(value: object, param: str) -> Json:
    """A value that a JSON parser gave, checked. Raises InvalidRequest naming `param`."""
    _check(value, param, 0)
    return cast("Json", value)


def as_object(value: object, param: str) -> JsonObject:
    """A JSON object, checked. Raises InvalidRequest naming `param`."""
    if not isinstance(value, dict):
        raise InvalidRequest("This must be an object.", param=param)
    as_json(cast("object", value), param)
    return cast("JsonObject", value)


def text_field(owner: JsonObject, name: str, param: str, *, empty: bool = False) -> str:
    """A field that must be there and a string; an empty one only where `empty` says so."""
    value = owner.get(name)
    if not isinstance(value, str):
        raise InvalidRequest("This must be a string.", param=f"{param}.{name}")
    if not value and not empty:
        raise InvalidRequest("This must not be empty.", param=f"{param}.{name}")
    return value


def object_field(owner: JsonObject, name: str, param: str) -> JsonObject:
    """A field that must be there and an object."""
    value = owner.get(name)
    if not isinstance(value, dict):
        raise InvalidRequest("This must be an object.", param=f"{param}.{name}")
    return value


def list_field(owner: JsonObject, name: str, param: str) -> list[Json]:
    """A field that must be there and a list with at least one item."""
    value = owner.get(name)
    if not isinstance(value, list) or not value:
        raise InvalidRequest("This must be a list with at least one item.", param=f"{param}.{name}")
    return value


def _check(value: object, param: str, depth: int) -> None:
    if isinstance(value, (dict, list)):
        if depth >= DEEPEST:
            raise InvalidRequest(f"The value is nested deeper than {DEEPEST} levels.", param=param)
        owner = cast("dict[str, object] | list[object]", value)
        for item in owner.values() if isinstance(owner, dict) else owner:
            _check(item, param, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRequest("Numbers must be finite.", param=param)
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InvalidRequest("A number is too large.", param=param)
