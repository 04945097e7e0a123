"""JSON that other machines wrote, read so that it can be written again: the parser goes deeper than the encoder does.

orjson reads 1,024 levels and writes 254; what lies between would fail when it is sent on, far from where it came in.
"""

from __future__ import annotations

from typing import Final

import orjson

from lib.contract import Json

DEEPEST: Final = 150
"""Levels. Leaves room for the levels that our own frames add around a value."""


def parse(data: bytes | str) -> Json:
    """The value in `data`. Raises ValueError for what is no JSON, is not UTF-8 or is nested deeper than DEEPEST."""
    value: Json = orjson.loads(data)
    if brackets(data) > DEEPEST and nested_too_deep(value):
        raise ValueError("nested too deep")
    return value


def value_in(text: object) -> Json:
    """The value in a text that was kept, None where there is no text or no JSON in it; see `parse`."""
    try:
        return parse(text) if isinstance(text, (bytes, str)) else None
    except ValueError:
        return None


def brackets(data: bytes | str) -> int:
    """How many brackets open in a text: no fewer than its levels, and counted much faster than those."""
    if isinstance(data, str):
        return data.count("[") + data.count("{")
    return data.count(b"[") + data.count(b"{")


def nested_too_deep(value: Json) -> bool:
    """Whether a value has more than DEEPEST levels of lists and objects."""
    level: list[Json] = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _inside(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
