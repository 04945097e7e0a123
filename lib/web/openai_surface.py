"""OpenAI's chat completions as they are documented: /api/ai/v1/chat/completions.

Names, shapes and statuses are OpenAI's, so that its clients need nothing but another base URL. What goes beyond them
stands in `gateway`, in the request as in the answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import orjson

from lib.answer import Choice, Done, ToolCall
from lib.catalog import Catalog
from lib.clock import Clock
from lib.contract import Job, JsonObject
from lib.errors import GatewayError, InvalidRequest, NotFound
from lib.web.asgi import Headers
from lib.web.body import AUTOMATIC, parse_chat
from lib.web.encode_openai import OpenAIEncoder, gateway_fields, openai_usage
from lib.web.encoders import PROTOCOL_HEADER, StreamEncoder
from lib.web.errors import error_body
from lib.web.surface import Posted

_FORM_HEADERS: Final = frozenset({PROTOCOL_HEADER, "accept"})
"""Elsewhere they choose the answer's form; here `stream` alone does."""
_REFUSED: Final = {
    "functions": "Send `tools` in the place of the retired `functions`.",
    "function_call": "Send `tool_choice` in the place of the retired `function_call`.",
    "audio": "Answers in sound are not carried.",
}
"""Fields that nothing here could honour."""
_SERVICE_TIERS: Final = (None, "auto", "default")
"""Others have prices of their own, which the books do not know."""


class OpenAISurface:
    """Implements `surface.Surface`."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def read(self, body: bytes, headers: Headers, default_model: str) -> Posted:
        """As `Surface.read`; NotFound (`model_not_found`) for a model that is not known."""
        plain = {name: value for name, value in headers.items() if name not in _FORM_HEADERS}
        parsed = parse_chat(body, plain, default_model)
        if parsed.ui:
            raise InvalidRequest("Messages have `content` here; `parts` go to /api/ai/v2/chat.", param="messages")
        request = parsed.request
        _refuse(request.extra)
        check_known(request.model, self._catalog, self._clock.now())

        def stream(job: Job) -> StreamEncoder:
            return OpenAIEncoder(
                request_id=job.request_id,
                created=int(job.received_at),
                choices=request.n,
                include_usage=parsed.include_usage,
            )

        return Posted(request=request, claim=parsed.claim, stream=stream if request.stream else None)

    def whole(self, done: Done, job: Job) -> bytes:
        """A `chat.completion` object."""
        return orjson.dumps(completion(done, job))

    def error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's shape."""
        return error_body(error, request_id)


def check_known(model: str, catalog: Catalog, now: float) -> None:
    """Pass a name that the catalogue knows, or `auto`. Raises NotFound, which is the status OpenAI's clients expect."""
    if model.strip().lower() == AUTOMATIC:
        return
    try:
        catalog.resolve(model, datetime.fromtimestamp(now, UTC).date())
    except InvalidRequest as error:
        raise NotFound(error.message, param=error.param, code=error.code) from None


def completion(done: Done, job: Job) -> JsonObject:
    """The answer as one object; `model` is the catalogue's name of the model that served."""
    return {
        "id": f"chatcmpl-{job.request_id}",
        "object": "chat.completion",
        "created": int(job.received_at),
        "model": done.answer.model,
        "choices": [_choice(index, choice) for index, choice in enumerate(done.answer.choices)],
        "usage": openai_usage(done.answer.usage),
        "gateway": gateway_fields(done),
    }


def _choice(index: int, choice: Choice) -> JsonObject:
    message: JsonObject = {
        "role": "assistant",
        "content": None if choice.tool_calls and not choice.text else choice.text,
        "refusal": choice.refusal or None,
    }
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if choice.thoughts:
        message["thinking_blocks"] = [thought.block for thought in choice.thoughts]
    if choice.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in choice.tool_calls]
    return {
        "index": index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": choice.finish_reason.value,
    }


def _tool_call(call: ToolCall) -> JsonObject:
    told: JsonObject = {"id": call.id, "type": "function"}
    told["function"] = {"name": call.name, "arguments": call.arguments}
    if call.extra:
        told["extra_content"] = call.extra
    return told


def _refuse(extra: JsonObject) -> None:
    for name, reason in _REFUSED.items():
        if extra.get(name) is not None:
            raise InvalidRequest(reason, param=name, code="unsupported_parameter")
    if extra.get("modalities") not in (None, ["text"]):
        raise InvalidRequest("Answers are text.", param="modalities", code="unsupported_parameter")
    if extra.get("service_tier") not in _SERVICE_TIERS:
        raise InvalidRequest("The service tier must be auto or default.", param="service_tier")
