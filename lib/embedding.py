"""The words for embeddings, whatever protocol asks: texts in, vectors out.

A vector is kept as its 32-bit floats, little-endian: what OpenAI's base64 holds, and a third of the digits' size.
"""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from lib.answer import Done
from lib.contract import Caller, Json, JsonObject
from lib.messages import estimate_tokens

BYTES_PER_NUMBER: Final = 4
Input: TypeAlias = "str | tuple[int, ...]"
"""A text, or the numbers of its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    """What is to be embedded, and how."""

    model: str
    inputs: tuple[Input, ...]
    dimensions: int | None = None
    """Numbers per vector; None for the model's own count."""
    extra: JsonObject = field(default_factory=dict[str, Json])
    """Fields this product does not know: sent to the provider as they are."""
    read_cache: bool = True
    write_cache: bool = True
    only: tuple[str, ...] = ()
    """Providers that may serve; empty means any."""
    order: tuple[str, ...] = ()
    """Providers to prefer, in order."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
    """One request on its way; the fields are those of `contract.Job`."""

    request_id: str
    request: EmbeddingRequest
    caller: Caller
    received_at: float
    deadline: float
    provider_keys: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors in the order of the inputs, and what there is to say about how they came about."""

    vectors: tuple[bytes, ...]
    done: Done
    cached_inputs: int
    """How many of the inputs were not computed for this request."""


def packed(values: Iterable[float]) -> bytes:
    """Numbers as a vector. Raises ValueError for one that is no finite 32-bit float, TypeError for no number."""
    try:
        numbers = array("f", values)
    except OverflowError:
        raise ValueError("a number is too large") from None
    if not all(map(math.isfinite, numbers)):
        raise ValueError("numbers must be finite")
    return _swapped(numbers).tobytes()


def numbers_of(vector: bytes) -> list[float]:
    """The numbers of a vector."""
    numbers = array("f")
    numbers.frombytes(vector)
    return _swapped(numbers).tolist()


def as_base64(vector: bytes) -> str:
    """As OpenAI's clients read vectors."""
    return b64encode(vector).decode()


def from_base64(text: str) -> bytes:
    """A vector from base64. Raises ValueError for anything else."""
    vector = b64decode(text, validate=True)
    if not vector or len(vector) % BYTES_PER_NUMBER:
        raise ValueError("these are no 32-bit floats")
    return packed(numbers_of(vector))


def tokens_in(text: Input) -> int:
    """Tokens of an input, estimated where it is text."""
    return estimate_tokens(text) if isinstance(text, str) else len(text)


def _swapped(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
