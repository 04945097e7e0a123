"""Answers in the words of Anthropic's messages API: a message, its stream of events, its errors.

Thoughts that carry a signature leave as they came, so that a client can send them back; what other models have thought
gets an empty signature, by which it is known again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import orjson

from lib.answer import Choice, Delta, Done, FinishReason, Opened, Restarted, ToolCall, ToolCallDelta, Usage
from lib.contract import Json, JsonObject
from lib.errors import GatewayError
from lib.json_text import parse
from lib.web.asgi import RawHeader
from lib.web.encode_openai import gateway_fields
from lib.web.encoders import SSE_HEADERS

PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
STOP_REASONS: Final = MappingProxyType(
    {
        FinishReason.STOP: "end_turn",
        FinishReason.LENGTH: "max_tokens",
        FinishReason.TOOL_CALLS: "tool_use",
        FinishReason.CONTENT_FILTER: "refusal",
    }
)
ERROR_TYPES: Final = MappingProxyType(
    {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        503: "overloaded_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
)
"""By status; other ones below 500 are `invalid_request_error`, the rest `api_error`."""


def message(done: Done, request_id: str) -> JsonObject:
    """The whole answer; `model` is the catalogue's name of the model that served."""
    choice = done.answer.choices[0]
    return {
        **_frame(request_id, done.answer.model),
        "content": list(_content(choice)),
        **_ending(choice),
        "usage": {**usage(done.answer.usage), "cache_creation": _cache_creation(done.answer.usage)},
        "gateway": gateway_fields(done),
    }


def usage(figures: Usage) -> JsonObject:
    """Token counts; `input_tokens` leaves out what was read from or written to the provider's prompt cache."""
    written = figures.cache_write_tokens + figures.cache_write_1h_tokens
    counts: JsonObject = {
        "input_tokens": figures.input_tokens - figures.cached_input_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": figures.cached_input_tokens,
        "output_tokens": figures.output_tokens,
    }
    if figures.reasoning_tokens:
        counts["output_tokens_details"] = {"thinking_tokens": figures.reasoning_tokens}
    return counts


def error_object(error: GatewayError, request_id: str) -> bytes:
    """`{"type": "error", "error": {type, message, …}, "request_id"}`."""
    kind = ERROR_TYPES.get(error.status) or ("invalid_request_error" if error.status < 500 else "api_error")
    text = f"{error.param}: {error.message}" if error.param else error.message
    shown: JsonObject = {"type": kind, "message": text, "code": error.code, "param": error.param}
    return orjson.dumps({"type": "error", "error": shown, "request_id": request_id})


@dataclass(slots=True)
class _Call:
    """A tool call whose block is open or will be."""

    start: JsonObject
    opened: bool = False
    sent: list[str] = field(default_factory=list[str])
    unsent: list[str] = field(default_factory=list[str])

    def is_whole(self) -> bool:
        try:
            return isinstance(parse("".join(self.sent)), dict)
        except ValueError:
            return False


class AnthropicEncoder:
    """One stream of events. `input_tokens` is an estimate for its beginning; the true count comes with the end."""

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """Of the response."""
        return SSE_HEADERS

    @property
    def keep_alive(self) -> bytes:
        """The event that Anthropic sends into a silence."""
        return PING

    def __init__(self, *, request_id: str, input_tokens: int = 0) -> None:
        self._request_id = request_id
        self._input_tokens = input_tokens
        self._blocks = 0
        self._kind = ""
        self._calls: dict[int, _Call] = {}
        self._queue: list[_Call] = []

    def opened(self, event: Opened) -> bytes:
        """`message_start`, and the ping that Anthropic sends after it."""
        frame: JsonObject = {
            **_frame(self._request_id, event.report.model_used),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage(Usage(input_tokens=self._input_tokens)), "output_tokens": 0},
        }
        return _event("message_start", {"message": frame}) + PING

    def restarted(self, event: Restarted) -> bytes:
        """Nothing: this protocol cannot take back what was sent, so a restart is refused when it is asked for."""
        del event
        return b""

    def delta(self, event: Delta) -> bytes:
        """Pieces of text, reasoning or a tool call; a refusal is shown as text. There is one choice only."""
        data = b""
        if event.reasoning:
            data += self._piece("thinking", event.reasoning)
        if event.thought is not None:
            data += self._seal(event.thought)
        if text := event.text + event.refusal:
            data += self._piece("text", text)
        if event.tool_call is not None:
            data += self._tool_piece(event.tool_call)
        return data

    def done(self, event: Done) -> bytes:
        """The open block is closed; then the reason, the true counts and the end."""
        ending: JsonObject = {
            "delta": _ending(event.answer.choices[0]),
            "usage": usage(event.answer.usage),
            "gateway": gateway_fields(event),
        }
        closing = self._flush(last=True) + self._close()
        return closing + _event("message_delta", ending) + _event("message_stop", {})

    def failed(self, error: GatewayError) -> bytes:
        """An `error` event, without the end that would make the message look whole."""
        return b"event: error\ndata: " + error_object(error, self._request_id) + b"\n\n"

    def _piece(self, kind: str, text: str) -> bytes:
        opening = b""
        if self._kind != kind:
            empty: JsonObject = {"type": kind, kind: ""}
            opening = self._open(kind, empty | ({"signature": ""} if kind == "thinking" else {}))
        return opening + self._delta({"type": f"{kind}_delta", kind: text})

    def _seal(self, block: JsonObject) -> bytes:
        """The signature of the open thought; a block of which nothing was shown comes whole."""
        signature = block.get("signature")
        opening = b""
        if not isinstance(signature, str):
            return self._open("sealed", block) + self._close()
        if self._kind != "thinking":
            opening = self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        return opening + self._delta({"type": "signature_delta", "signature": signature}) + self._close()

    def _tool_piece(self, piece: ToolCallDelta) -> bytes:
        call = self._calls.get(piece.index)
        if call is None:
            start: JsonObject = {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
            call = self._calls[piece.index] = _Call(start | _extra(piece.extra))
            self._queue.append(call)
        if piece.arguments:
            call.unsent.append(piece.arguments)
        return self._flush(last=False)

    def _flush(self, *, last: bool) -> bytes:
        """One block after the other, as clients expect them: a call waits until the one before it has its whole input.

        What is `last` waits for nothing.
        """
        data = b""
        while self._queue:
            call = self._queue[0]
            if not call.opened:
                call.opened = True
                data += self._open("tool_use", call.start)
            if call.unsent:
                data += self._delta({"type": "input_json_delta", "partial_json": "".join(call.unsent)})
                call.sent += call.unsent
                call.unsent.clear()
            if not last and (len(self._queue) == 1 or not call.is_whole()):
                break
            self._queue.pop(0)
        return data

    def _open(self, kind: str, start: JsonObject) -> bytes:
        closing = self._flush(last=True) if kind != "tool_use" else b""
        closing += self._close()
        self._kind = kind
        return closing + _event("content_block_start", {"index": self._blocks, "content_block": start})

    def _delta(self, delta: JsonObject) -> bytes:
        return _event("content_block_delta", {"index": self._blocks, "delta": delta})

    def _close(self) -> bytes:
        if not self._kind:
            return b""
        self._kind = ""
        self._blocks += 1
        return _event("content_block_stop", {"index": self._blocks - 1})


def _event(kind: str, fields: JsonObject) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def _frame(request_id: str, model: str) -> JsonObject:
    return {"id": f"msg_{request_id}", "type": "message", "role": "assistant", "model": model}


def _ending(choice: Choice) -> JsonObject:
    reason = STOP_REASONS[choice.finish_reason]
    if choice.stop_sequence and choice.finish_reason is FinishReason.STOP:
        reason = "stop_sequence"
    return {"stop_reason": reason, "stop_sequence": choice.stop_sequence or None}


def _content(choice: Choice) -> Iterator[Json]:
    """The blocks in the order they came."""
    if choice.reasoning and not choice.thoughts:
        yield {"type": "thinking", "thinking": choice.reasoning, "signature": ""}
    shown = 0
    for thought in choice.thoughts:
        yield from _text(choice.text[shown : thought.after])
        shown = thought.after
        yield thought.block
    yield from _text(choice.text[shown:] + choice.refusal)
    for call in choice.tool_calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call), **_extra(call.extra)}


def _text(text: str) -> Iterator[JsonObject]:
    if text:
        yield {"type": "text", "text": text, "citations": None}


def _input(call: ToolCall) -> Json:
    """Tool calls of whole answers hold JSON; the one that a cut answer ends in may not."""
    try:
        return parse(call.arguments or "{}")
    except ValueError:
        return {"partial_json": call.arguments}


def _extra(extra: JsonObject | None) -> JsonObject:
    """What the call's provider wants back, in the name it has on OpenAI's wire."""
    return {"extra_content": extra} if extra else {}


def _cache_creation(figures: Usage) -> JsonObject:
    return {
        "ephemeral_5m_input_tokens": figures.cache_write_tokens,
        "ephemeral_1h_input_tokens": figures.cache_write_1h_tokens,
    }
