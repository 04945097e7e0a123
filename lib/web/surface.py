"""A protocol that chats come in: its words for a request, an answer and an error. One small class per protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lib.answer import Done
from lib.contract import ChatRequest, Job, Resumption
from lib.errors import GatewayError
from lib.web.access import Claim
from lib.web.asgi import Headers
from lib.web.body import parse_chat
from lib.web.encode_json import encode_json
from lib.web.encode_openai import OpenAIEncoder
from lib.web.encode_ui import UIEncoder, UIStyle
from lib.web.encoders import Encoding, StreamEncoder
from lib.web.errors import error_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A request as read, and how its answer is to be written."""

    request: ChatRequest
    claim: Claim
    stream: Callable[[Job], StreamEncoder] | None = None
    """Makes the encoder of a streamed answer; None for an answer in one piece."""
    resumption: Resumption | None = None
    """Where the caller may come back to the answer."""


class Surface(Protocol):
    """What differs between the protocols."""

    def read(self, body: bytes, headers: Headers, default_model: str) -> Posted:
        """Raises InvalidRequest naming the field, RequestTooLarge."""
        ...

    def whole(self, done: Done, job: Job) -> bytes:
        """An answer in one piece (JSON)."""
        ...

    def error(self, error: GatewayError, request_id: str) -> bytes:
        """The body of an HTTP error (JSON)."""
        ...


class OwnSurface:
    """Of /api/ai/v2/chat: its own JSON, OpenAI's chunks, or AI SDK's UI message stream."""

    def read(self, body: bytes, headers: Headers, default_model: str) -> Posted:
        """Whichever of the two message shapes; see `lib.web.body`."""
        parsed = parse_chat(body, headers, default_model)
        ui = UIStyle(parsed.answer_id, resets_steps=parsed.restart == "reset-step")
        resumable = parsed.resume and parsed.encoding is Encoding.UI

        def stream(job: Job) -> StreamEncoder:
            if parsed.encoding is Encoding.UI:
                return UIEncoder(ui, job.request_id)
            return OpenAIEncoder(
                request_id=job.request_id,
                created=int(job.received_at),
                choices=parsed.request.n,
                include_usage=parsed.include_usage,
            )

        return Posted(
            request=parsed.request,
            claim=parsed.claim,
            stream=None if parsed.encoding is Encoding.JSON else stream,
            resumption=Resumption(parsed.chat_id, ui.note()) if parsed.chat_id and resumable else None,
        )

    def whole(self, done: Done, job: Job) -> bytes:
        """The customer's shape."""
        del job
        return encode_json(done)

    def error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's shape."""
        return error_body(error, request_id)
