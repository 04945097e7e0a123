"""The shape of a row of `operations`: one method of one path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from pydantic import BaseModel

from lib.web.openapi.answered import Error

Schema: TypeAlias = type[BaseModel] | str | None
"""A pydantic model; a text for a body whose form stands in its media type alone; None for no body."""

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
LINES: Final = "application/x-ndjson"
CALLER: Final = ("bearer", "apiKey")
ADMIN: Final = ("admin",)


@dataclass(frozen=True, slots=True)
class Media:
    """A body in one media type."""

    schema: Schema
    type: str = JSON


@dataclass(frozen=True, slots=True)
class Answer:
    """What a status means, and its body in each media type it may have."""

    says: str
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One in the path, the query or the headers."""

    name: str
    place: str
    says: str
    pattern: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    """With `{name}` for what varies; it may hold slashes where `below` is set in the route."""
    says: str
    """One line."""
    tag: str
    security: tuple[str, ...] = CALLER
    """Names of schemes, any of which is enough; empty for none."""
    parameters: tuple[Parameter, ...] = ()
    body: tuple[Media, ...] = ()
    body_required: bool = True
    answers: tuple[tuple[int, Answer], ...]
    """Successes; what goes wrong is told by `errors`."""
    errors: tuple[int, ...]
    error: Schema = Error
    """The body of all of them."""


CHAT_ERRORS: Final = (400, 401, 402, 403, 413, 429, 500, 502, 503, 504)
SMALL_ERRORS: Final = (400, 401, 403, 413, 429, 500, 503)
READ_ERRORS: Final = (400, 401, 403, 404, 500, 503)
STREAMED: Final = "Streamed where it is asked for; an error in its midst is an event of its own."
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Asked again under the same key, the same answer comes back for a day.",
    pattern=r"^[!-~]{1,255}$",
)
CACHE_CONTROL: Final = Parameter(
    "Cache-Control", "header", "`no-cache` reads no stored answer, `no-store` stores none either."
)
CHAT_HEADERS: Final = (IDEMPOTENCY_KEY, CACHE_CONTROL)


def one(says: str, schema: type[BaseModel]) -> tuple[tuple[int, Answer], ...]:
    """The answers of an operation that has one kind of success."""
    return ((200, Answer(says, (Media(schema),))),)


def one_of(words: tuple[str, ...]) -> str:
    """The pattern of a parameter that takes certain words; an empty one counts as none."""
    return f"^({'|'.join(words)})?$"
