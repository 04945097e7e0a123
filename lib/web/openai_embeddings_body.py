"""The body of POST /api/ai/v1/embeddings, in OpenAI's names. Errors never repeat what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib.embedding import EmbeddingRequest, Input
from lib.errors import InvalidRequest
from lib.web.access import Claim
from lib.web.asgi import Headers
from lib.web.cache_options import cache_use
from lib.web.parameters import unknown_of
from lib.web.validation import invalid

MOST_INPUTS: Final = 2_048
MOST_TOKENS_LISTED: Final = 100_000
"""Token numbers of one input."""
HIGHEST_TOKEN: Final = 2**31
_Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
_Names: TypeAlias = Annotated[list[_Name], Field(max_length=20)]
_UserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Tags: TypeAlias = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]], Field(max_length=10)
]


class EmbeddingWish(BaseModel):
    """The `gateway` object: what of it means something here."""

    model_config = ConfigDict(strict=True, extra="forbid")

    only: _Names = []
    order: _Names = []
    user: _UserId | None = None
    tags: _Tags = []


class EmbeddingBody(BaseModel):
    """One request as posted; fields that are not listed are kept and passed on."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    model: _Name
    input: object
    dimensions: int | None = Field(default=None, ge=1, le=100_000)
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = Field(default=None, max_length=256)
    gateway: EmbeddingWish = EmbeddingWish()


@dataclass(frozen=True, slots=True)
class PostedEmbeddings:
    """A request as read, and how its answer is to be written."""

    request: EmbeddingRequest
    claim: Claim
    as_base64: bool


def read_embeddings(body: bytes, headers: Headers) -> PostedEmbeddings:
    """Read a request. Raises InvalidRequest naming the first field that is wrong."""
    try:
        posted = EmbeddingBody.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None
    cache = cache_use(headers, enabled=None, options=None)
    extra = unknown_of(posted.model_extra or {})
    if posted.user:
        extra["user"] = posted.user
    request = EmbeddingRequest(
        model=posted.model,
        inputs=inputs_of(posted.input),
        dimensions=posted.dimensions,
        extra=extra,
        read_cache=cache.read,
        write_cache=cache.write,
        only=tuple(posted.gateway.only),
        order=tuple(posted.gateway.order),
        tags=tuple(posted.gateway.tags),
    )
    return PostedEmbeddings(request, Claim(posted.gateway.user or posted.user), posted.encoding_format == "base64")


def inputs_of(value: object) -> tuple[Input, ...]:
    """One text, one list of token numbers, or up to 2,048 of either; none of them empty. Raises InvalidRequest."""
    if isinstance(value, str):
        return (_text(value, "input"),)
    if not isinstance(value, list) or not value:
        raise InvalidRequest("This must be a text, or a list with at least one input.", param="input")
    values = cast("list[object]", value)
    if isinstance(values[0], int) and not isinstance(values[0], bool):
        return (_tokens(values, "input"),)
    if len(values) > MOST_INPUTS:
        raise InvalidRequest(f"There may be {MOST_INPUTS:,} inputs.", param="input")
    return tuple(_input(item, f"input[{index}]") for index, item in enumerate(values))


def _input(value: object, param: str) -> Input:
    if isinstance(value, list):
        return _tokens(cast("list[object]", value), param)
    if isinstance(value, str):
        return _text(value, param)
    raise InvalidRequest("An input must be a text or a list of token numbers.", param=param)


def _text(value: str, param: str) -> str:
    if not value:
        raise InvalidRequest("An input must not be empty.", param=param)
    return value


def _tokens(values: list[object], param: str) -> tuple[int, ...]:
    tokens = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))
    if not 0 < len(values) <= MOST_TOKENS_LISTED or len(tokens) != len(values):
        raise InvalidRequest("Token numbers must be a list of whole numbers, not empty.", param=param)
    if not all(0 <= token < HIGHEST_TOKEN for token in tokens):
        raise InvalidRequest("A token number is out of range.", param=param)
    return tokens
