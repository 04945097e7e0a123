"""One call for vectors, on OpenAI's wire: POST /embeddings. The demo answers without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.ai.embeddings.demo import demo_vector
from lib.ai.embeddings.keys import as_json
from lib.ai.providers.exchange import BODY_LIMIT, Exchange, without_key
from lib.ai.providers.failures import failure_in_answer
from lib.ai.providers.usage import ABSURD
from lib.ai.providers.values import count_of, list_of, object_of, parse_object, text_of
from lib.answer import Usage
from lib.catalog.models_embedding import EmbeddingRow
from lib.catalog.rows import ModelRow, Protocol, ProviderRow
from lib.contract import Json, JsonObject
from lib.embedding import BYTES_PER_NUMBER, EmbeddingRequest, Input, from_base64, packed, tokens_in
from lib.errors import ProviderError
from lib.transport import HttpRequest, Timeouts

OWN_FIELDS: Final = frozenset({"model", "input", "dimensions", "encoding_format"})
"""Set here; `extra` never overrides them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorCall:
    """One try at one provider."""

    row: EmbeddingRow
    model: ModelRow
    provider: ProviderRow
    """With the base URL in force."""
    key: str = field(repr=False)
    request: EmbeddingRequest
    dimensions: int
    inputs: Sequence[Input]
    timeouts: Timeouts
    request_id: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A vector per input, in order."""

    vectors: tuple[bytes, ...]
    usage: Usage
    served_model: str


@dataclass(frozen=True, slots=True)
class VectorWire:
    """Makes calls."""

    exchange: Exchange

    async def compute(self, call: VectorCall) -> Computed:
        """Raises ProviderError for anything but one whole vector per input."""
        if call.provider.protocol is Protocol.DEMO:
            return demonstrate(call)
        async with self.exchange.answered(_http_request(call), call.key) as response:
            answer = parse_object(without_key(await response.read(BODY_LIMIT), call.key))
        return read(answer, call)


def _http_request(call: VectorCall) -> HttpRequest:
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "x-client-request-id": call.request_id,
    }
    if call.key:
        headers["authorization"] = f"Bearer {call.key}"
    return HttpRequest(
        "POST", f"{call.provider.base_url}/embeddings", headers, orjson.dumps(body_of(call)), call.timeouts
    )


def body_of(call: VectorCall) -> JsonObject:
    """What is sent. `dimensions` only where the caller asked for fewer: some models refuse the parameter."""
    body: JsonObject = {name: value for name, value in call.request.extra.items() if name not in OWN_FIELDS}
    body["model"] = call.model.wire_name
    body["input"] = [as_json(text) for text in call.inputs]
    if call.dimensions != call.row.dimensions:
        body["dimensions"] = call.dimensions
    if call.row.base64:
        body["encoding_format"] = "base64"
    return body


def read(answer: JsonObject, call: VectorCall) -> Computed:
    """A provider's answer. Raises ProviderError `malformed` unless it holds each vector once, whole and of the size."""
    if answer.get("error"):
        raise failure_in_answer(answer)
    found: dict[int, bytes] = {}
    for place, item in enumerate(map(object_of, list_of(answer.get("data")))):
        index = count_of(item.get("index"))
        found[place if index is None else index] = _vector(item.get("embedding"), call.dimensions)
    if found.keys() != set(range(len(call.inputs))):
        raise ProviderError("malformed", "the provider did not answer with one vector per input")
    return Computed(
        tuple(found[index] for index in range(len(call.inputs))),
        _usage(object_of(answer.get("usage")), call.inputs),
        text_of(answer.get("model")) or call.model.wire_name,
    )


def _vector(value: Json, dimensions: int) -> bytes:
    try:
        vector = from_base64(value) if isinstance(value, str) else packed(_numbers(value))
    except (ValueError, TypeError):
        raise ProviderError("malformed", "a vector of the provider's cannot be read") from None
    if len(vector) != dimensions * BYTES_PER_NUMBER:
        raise ProviderError("malformed", f"the provider's vectors have not {dimensions} dimensions")
    return vector


def _numbers(value: Json) -> list[float]:
    return [float(number) if isinstance(number, int | float) else float("nan") for number in list_of(value)]


def _usage(reported: JsonObject, inputs: Sequence[Input]) -> Usage:
    """The provider's count, or our own, marked, where it gives none that can be."""
    tokens = count_of(reported.get("prompt_tokens")) or count_of(reported.get("total_tokens"))
    if tokens is None or not 0 < tokens <= ABSURD:
        return Usage(input_tokens=sum(map(tokens_in, inputs)), estimated=True)
    return Usage(input_tokens=tokens)


def demonstrate(call: VectorCall) -> Computed:
    """The demo's answer."""
    vectors = tuple(demo_vector(text, call.dimensions) for text in call.inputs)
    return Computed(vectors, Usage(input_tokens=sum(map(tokens_in, call.inputs))), call.model.wire_name)
