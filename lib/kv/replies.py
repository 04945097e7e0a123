"""What a store's HTTP answer means: one reply or error per command, or no usable answer at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from lib.contract import Json
from lib.errors import StoreError, UnknownOutcome

Reply: TypeAlias = "int | str | list[Reply] | None"
"""What Redis answers over REST."""
Command: TypeAlias = Sequence[str | int]
"""A command's name and its arguments."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One cell per command, in their order. `refused` when the store as a whole said no (quota, token)."""

    cells: list[Reply | StoreError]
    refused: str = ""


def read_answer(status: int, body: bytes, count: int, *, single: bool) -> Answer:
    """Read the response to `count` commands; `single` for one command sent on its own.

    Raises UnknownOutcome for whatever the protocol does not allow: another status than 200 with results, a 5xx,
    no JSON, a wrong number of cells, a cell that is neither a result nor an error, a value Redis cannot answer.
    """
    value = _json(status, body)
    error = _error_in(value)
    if error is not None and status < 500:
        whole = not single or status in (401, 403, 429) or _is_refusal(error)
        return Answer([StoreError(error) for _ in range(count)], error if whole else "")
    return _results(value, status, count, single=single)


def _results(value: Json, status: int, count: int, *, single: bool) -> Answer:
    if status != 200:
        raise UnknownOutcome(f"the store answered HTTP {status}")
    cells = [value] if single else value
    if not isinstance(cells, list) or len(cells) != count:
        raise UnknownOutcome(f"the store's answer has not the shape of {count} results")
    read = [_cell(cell) for cell in cells]
    return Answer(read, str(read[0]) if all(map(_refuses, read)) else "")


def _refuses(cell: Reply | StoreError) -> bool:
    return isinstance(cell, StoreError) and _is_refusal(str(cell))


def _json(status: int, body: bytes) -> Json:
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnknownOutcome(f"the store answered HTTP {status} without JSON") from None
    return value


def _cell(cell: Json) -> Reply | StoreError:
    error = _error_in(cell)
    if error is not None:
        return StoreError(error)
    if not isinstance(cell, dict) or len(cell) != 1 or "result" not in cell:
        raise UnknownOutcome("the store's answer has a cell that is neither a result nor an error")
    return _reply(cell["result"])


def _reply(value: Json) -> Reply:
    # Redis answers neither booleans nor floats, and JSON's true is an int to isinstance.
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_reply(one) for one in value]
    raise UnknownOutcome(f"the store's answer holds a {type(value).__name__}")


def _error_in(value: Json) -> str | None:
    if isinstance(value, dict) and len(value) == 1:
        error = value.get("error")
        if isinstance(error, str):
            return error
    return None


REFUSALS: Final = ("limit exceeded", "unauthorized", "wrongpass", "noauth")
"""What Upstash says when it takes no command at all: a used-up quota comes as text with status 400."""


def _is_refusal(message: str) -> bool:
    lowered = message.lower()
    return any(words in lowered for words in REFUSALS)
