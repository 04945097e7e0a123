"""Digests: of one input's vector in the cache, and of a whole request in flight."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import orjson

from lib.contract import Json
from lib.embedding import EmbeddingRequest, Input

KEY_VERSION: Final = "1"
DIGEST_BYTES: Final = 20
ABOUT_THE_SENDER: Final = frozenset({"user"})
"""Passed-through fields that do not change a vector."""


def vector_digests(request: EmbeddingRequest, *, tenant: str, model: str, dimensions: int) -> list[str]:
    """The digest of each input, in order.

    Args:
        request: what is asked.
        tenant: the user's hash, or '' where all users share.
        model: the catalogue's name, wherever it is asked: the same model gives the same vectors.
        dimensions: of each vector.
    """
    extra: dict[str, Json] = {n: v for n, v in request.extra.items() if n not in ABOUT_THE_SENDER}
    facts = _digest(b"embedding", [KEY_VERSION, tenant, model, dimensions, extra])
    return [_digest(b"vector", [facts, as_json(text)]) for text in request.inputs]


def request_digest(user: str, vectors: Sequence[str]) -> str:
    """The de-duplication key of a request of one user (hash) for these vectors."""
    return _digest(b"embeddings", [user, *vectors])


def as_json(text: Input) -> Json:
    """An input as JSON."""
    return text if isinstance(text, str) else list(text)


def _digest(purpose: bytes, facts: Json) -> str:
    text = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=DIGEST_BYTES, person=purpose).hexdigest()
