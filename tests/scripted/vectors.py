"""What a scripted provider answers to POST /embeddings: always the same vector for the same text."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Final

from lib.contract import Json, JsonObject
from lib.embedding import as_base64, numbers_of, packed
from tests.scripted.steps import Received, Reply, Step

SIZES: Final = {"text-embedding-3-large": 3_072, "mistral-embed": 1_024, "gemini-embedding-001": 3_072}
USUAL_SIZE: Final = 1_536


def scripted_vector(text: Json, size: int) -> bytes:
    """Numbers from -1 to 1 that the text's hash gives."""
    drawn = blake2b(json.dumps(text).encode(), digest_size=8).digest()
    return packed((drawn[i % 8] - 128) / 128 for i in range(size))


def size_asked(request: Received) -> int:
    """Dimensions of the vectors: those asked for, or the model's own."""
    asked, name = request.body.get("dimensions"), request.model.rpartition("/")[2]
    return asked if isinstance(asked, int) else SIZES.get(name, USUAL_SIZE)


def inputs_in(request: Received) -> list[Json]:
    """The inputs of a call."""
    inputs = request.body.get("input")
    return inputs if isinstance(inputs, list) else [inputs]


def embedding_answer(request: Received, *, tokens: int | None = None) -> JsonObject:
    """The whole answer, in base64 where that was asked for; `tokens` stands for three per input."""
    size, inputs = size_asked(request), inputs_in(request)
    in_base64 = request.body.get("encoding_format") == "base64"
    vectors = [scripted_vector(text, size) for text in inputs]
    shown: list[Json] = [as_base64(vector) if in_base64 else [*numbers_of(vector)] for vector in vectors]
    data: list[Json] = [
        {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(shown)
    ]
    count = 3 * len(inputs) if tokens is None else tokens
    usage: JsonObject = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": request.model, "usage": usage}


def embeds(request: Received) -> Reply:
    """The vectors of what was asked."""
    return Reply((json.dumps(embedding_answer(request)).encode(),))


def embeds_counting(tokens: int) -> Step:
    """The same, billed as so many tokens."""
    return lambda request: Reply((json.dumps(embedding_answer(request, tokens=tokens)).encode(),))
