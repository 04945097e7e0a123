"""OpenAI's chat.completion.chunk stream.

The frame around a chunk is built once per answer; a piece of text costs one JSON string.
"""

from __future__ import annotations

import orjson

from lib.answer import Delta, Done, Opened, Restarted, ToolCallDelta, Usage
from lib.contract import Json, JsonObject
from lib.errors import GatewayError
from lib.web.asgi import RawHeader
from lib.web.encode_json import cached, metadata
from lib.web.encoders import DONE, KEEP_ALIVE, SSE_HEADERS, usd
from lib.web.errors import error_body


class OpenAIEncoder:
    """One stream of chunks.

    `gateway` on the chunk that finishes the last choice carries what the gateway has to say; clients skip it.
    """

    @property
    def keep_alive(self) -> bytes:
        """A comment."""
        return KEEP_ALIVE

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """Of the response."""
        return SSE_HEADERS

    def __init__(self, *, request_id: str, created: int, choices: int = 1, include_usage: bool = False) -> None:
        self._request_id = request_id
        self._created = created
        self._choices = choices
        self._include_usage = include_usage
        self._head = b""
        self._text_heads: tuple[bytes, ...] = ()
        self._tail = b',"finish_reason":null}]' + self._usage_field() + b"}\n\n"

    def opened(self, event: Opened) -> bytes:
        """The chunks that name the role, one per choice."""
        self._name_model(event.report.model_used)
        return b"".join(self._chunk(index, {"role": "assistant", "content": ""}) for index in range(self._choices))

    def restarted(self, event: Restarted) -> bytes:
        """A chunk without choices whose `gateway.restart` voids what came before; what follows is the answer."""
        self._name_model(event.report.model_used)
        return self._head + b'"choices":[],"gateway":{"restart":true}}\n\n'

    def delta(self, event: Delta) -> bytes:
        """A chunk with whatever the delta holds."""
        if event.text and not (event.reasoning or event.refusal or event.tool_call or event.logprobs or event.thought):
            return self._text_heads[event.choice] + orjson.dumps(event.text) + b"}" + self._tail
        return self._chunk(event.choice, _delta_object(event), event.logprobs)

    def done(self, event: Done) -> bytes:
        """One finishing chunk per choice, the usage where it was asked for, and the end mark."""
        reasons = [choice.finish_reason.value for choice in event.answer.choices]
        pieces = [self._finish(index, reason) for index, reason in enumerate(reasons[:-1])]
        gateway = orjson.dumps(gateway_fields(event))
        pieces.append(self._finish(len(reasons) - 1, reasons[-1], b',"gateway":' + gateway))
        if self._include_usage:
            pieces.append(self._head + b'"choices":[],"usage":' + orjson.dumps(openai_usage(event.answer.usage)))
            pieces.append(b"}\n\n")
        return b"".join([*pieces, DONE])

    def failed(self, error: GatewayError) -> bytes:
        """The error as an event of its own; without the end mark nobody takes the stream for complete."""
        return b"data: " + error_body(error, self._request_id) + b"\n\n"

    def _name_model(self, model: str) -> None:
        frame = {
            "id": f"chatcmpl-{self._request_id}",
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": model,
        }
        self._head = b"data: " + orjson.dumps(frame)[:-1] + b","
        self._text_heads = tuple(
            self._head + b'"choices":[{"index":%d,"delta":{"content":' % index for index in range(self._choices)
        )

    def _chunk(self, choice: int, delta: JsonObject, logprobs: Json = None) -> bytes:
        body = self._head + b'"choices":[{"index":%d,"delta":' % choice + orjson.dumps(delta)
        if logprobs is not None:
            body += b',"logprobs":' + orjson.dumps(logprobs)
        return body + self._tail

    def _finish(self, choice: int, reason: str, more: bytes = b"") -> bytes:
        ending = b'"choices":[{"index":%d,"delta":{},"finish_reason":"%s"}]' % (choice, reason.encode())
        return self._head + ending + self._usage_field() + more + b"}\n\n"

    def _usage_field(self) -> bytes:
        return b',"usage":null' if self._include_usage else b""


def openai_usage(figures: Usage) -> JsonObject:
    """Token counts in the names of OpenAI's chat completions."""
    return {
        "prompt_tokens": figures.input_tokens,
        "completion_tokens": figures.output_tokens,
        "total_tokens": figures.total_tokens,
        "prompt_tokens_details": {"cached_tokens": figures.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": figures.reasoning_tokens},
    }


def _delta_object(event: Delta) -> JsonObject:
    delta: JsonObject = {}
    if event.text:
        delta["content"] = event.text
    if event.reasoning:
        delta["reasoning_content"] = event.reasoning
    if event.refusal:
        delta["refusal"] = event.refusal
    if event.tool_call is not None:
        delta["tool_calls"] = [_tool_call(event.tool_call)]
    if event.thought is not None:
        delta["thinking_blocks"] = [event.thought]
    return delta


def _tool_call(piece: ToolCallDelta) -> JsonObject:
    function: JsonObject = {"arguments": piece.arguments}
    call: JsonObject = {"index": piece.index, "function": function}
    if piece.name:
        function["name"] = piece.name
    if piece.id:
        call.update(id=piece.id, type="function")
    if piece.extra:
        call["extra_content"] = piece.extra
    return call


def gateway_fields(done: Done) -> JsonObject:
    """What the gateway says about an answer, in every object of OpenAI's that has room for it."""
    report = done.report
    return {
        "modelRequested": report.model_requested,
        "modelUsed": report.model_used,
        "provider": report.provider,
        "cached": cached(report),
        "cost": usd(report.cost_micro_usd),
        "latencyMs": report.latency_ms,
        "metadata": metadata(report, done.answer),
    }
