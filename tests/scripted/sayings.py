"""What a scripted model says, and how each wire puts it: whole or streamed, OpenAI's or Anthropic's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from lib.contract import Json, JsonObject
from lib.messages import estimate_tokens, last_user_text
from tests.scripted.steps import Received, Reply, Step, event_bytes, stream_reply

ANTHROPIC_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


@dataclass(frozen=True)
class Tool:
    """A tool call; the pieces of its arguments are streamed one by one."""

    id: str
    name: str
    arguments: tuple[str, ...]
    extra: JsonObject = field(default_factory=dict[str, Json])
    """More fields of the call, on OpenAI's wire."""


@dataclass(frozen=True)
class Saying:
    """One answer of one choice."""

    pieces: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    finish: str | None = "stop"
    """In OpenAI's words; None leaves it out, as a cut answer does."""
    usage: JsonObject | Literal["counted"] | None = "counted"
    """As the wire has it; `counted` counts the texts, None sends none."""
    model: str = ""
    """Named in the answer; the model asked for where empty."""
    signature: str = "c2ln"
    """Of the reasoning, on Anthropic's wire."""


def says(*pieces: str, finish: str | None = "stop", tools: tuple[Tool, ...] = ()) -> Step:
    """The pieces of a text, and tool calls."""
    return speaks(Saying(pieces, tools=tools, finish=finish))


def speaks(saying: Saying) -> Step:
    """The saying, on the wire and in the form that was asked for."""

    def reply(request: Received) -> Reply:
        if not request.stream:
            body = anthropic_message(saying, request) if request.is_anthropic else openai_completion(saying, request)
            return Reply((json.dumps(body).encode(),))
        if request.is_anthropic:
            return stream_reply(tuple(event_bytes(e, named=True) for e in anthropic_events(saying, request)))
        return stream_reply(tuple(event_bytes(e) for e in openai_events(saying, request)))

    return reply


def echo(request: Received) -> Reply:
    """Says what the last user message said, word by word, so that a mix-up between requests is seen."""
    text = f"echo: {last_user_text(_messages(request))}"
    words = text.split(" ")
    return says(*(word if i == 0 else f" {word}" for i, word in enumerate(words)))(request)


def _messages(request: Received) -> list[JsonObject]:
    messages = request.body.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


def counted(saying: Saying, request: Received) -> tuple[int, int]:
    """Input and output tokens, by the product's own estimate."""
    texts = (*saying.pieces, *saying.reasoning, *("".join(tool.arguments) for tool in saying.tools))
    given = json.dumps([request.body.get("system"), request.body.get("messages")])
    return estimate_tokens(given), max(1, estimate_tokens("".join(texts)))


def _openai_usage(saying: Saying, request: Received) -> JsonObject | None:
    if saying.usage != "counted":
        return saying.usage
    given, written = counted(saying, request)
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def _anthropic_usage(saying: Saying, request: Received) -> JsonObject | None:
    if saying.usage != "counted":
        return saying.usage
    given, written = counted(saying, request)
    return {"input_tokens": given, "output_tokens": written}


def openai_completion(saying: Saying, request: Received) -> JsonObject:
    """A `chat.completion`."""
    message: JsonObject = {"role": "assistant", "content": "".join(saying.pieces) or None, "refusal": None}
    if saying.reasoning:
        message["reasoning_content"] = "".join(saying.reasoning)
    if saying.tools:
        message["tool_calls"] = [
            {"id": t.id, "type": "function", "function": {"name": t.name, "arguments": "".join(t.arguments)}, **t.extra}
            for t in saying.tools
        ]
    completion: JsonObject = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1,
        "model": saying.model or request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": saying.finish, "logprobs": None}],
    }
    if usage := _openai_usage(saying, request):
        completion["usage"] = usage
    return completion


def openai_events(saying: Saying, request: Received) -> Iterator[str | JsonObject]:
    """The chunks of a stream, usage where `stream_options` ask for it, and `[DONE]`."""
    frame: JsonObject = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": saying.model or request.model,
    }

    def chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
        return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}

    yield chunk({"role": "assistant", "content": ""})
    for piece in saying.reasoning:
        yield chunk({"reasoning_content": piece})
    for piece in saying.pieces:
        yield chunk({"content": piece})
    for index, tool in enumerate(saying.tools):
        opening: JsonObject = {"name": tool.name, "arguments": ""}
        call: JsonObject = {"index": index, "id": tool.id, "type": "function", "function": opening, **tool.extra}
        yield chunk({"tool_calls": [call]})
        for piece in tool.arguments:
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if saying.finish is not None:
        yield chunk({}, saying.finish)
    options = request.body.get("stream_options")
    wanted = isinstance(options, dict) and options.get("include_usage") is True
    if wanted and (usage := _openai_usage(saying, request)):
        yield {**frame, "choices": [], "usage": usage}
    yield "[DONE]"


def _anthropic_reason(saying: Saying) -> str | None:
    return None if saying.finish is None else ANTHROPIC_REASONS.get(saying.finish, saying.finish)


def _anthropic_frame(saying: Saying, request: Received) -> JsonObject:
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": saying.model or request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def anthropic_message(saying: Saying, request: Received) -> JsonObject:
    """A `message`."""
    content: list[Json] = []
    if saying.reasoning:
        content.append({"type": "thinking", "thinking": "".join(saying.reasoning), "signature": saying.signature})
    if saying.pieces:
        content.append({"type": "text", "text": "".join(saying.pieces)})
    for tool in saying.tools:
        given: Json = json.loads("".join(tool.arguments) or "{}")
        content.append({"type": "tool_use", "id": tool.id, "name": tool.name, "input": given})
    message = _anthropic_frame(saying, request)
    message.update(content=content, stop_reason=_anthropic_reason(saying))
    if usage := _anthropic_usage(saying, request):
        message["usage"] = usage
    return message


def anthropic_events(saying: Saying, request: Received) -> Iterator[JsonObject]:
    """The events of a stream; without a finish word it ends after its last block, without `message_stop`."""
    usage = _anthropic_usage(saying, request)
    message = _anthropic_frame(saying, request)
    if usage is not None:
        message["usage"] = {**usage, "output_tokens": 1}
    yield {"type": "message_start", "message": message}
    yield {"type": "ping"}
    blocks = tuple(_anthropic_blocks(saying))
    for index, (block, deltas) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    if saying.finish is None:
        return
    stop: JsonObject = {"type": "message_delta"}
    stop["delta"] = {"stop_reason": _anthropic_reason(saying), "stop_sequence": None}
    if usage is not None:
        stop["usage"] = {"output_tokens": usage["output_tokens"]}
    yield stop
    yield {"type": "message_stop"}


def _anthropic_blocks(saying: Saying) -> Iterator[tuple[JsonObject, list[JsonObject]]]:
    """Content blocks as they start, each with its deltas."""
    if saying.reasoning:
        thoughts: list[JsonObject] = [{"type": "thinking_delta", "thinking": piece} for piece in saying.reasoning]
        thoughts.append({"type": "signature_delta", "signature": saying.signature})
        yield {"type": "thinking", "thinking": "", "signature": ""}, thoughts
    if saying.pieces:
        texts: list[JsonObject] = [{"type": "text_delta", "text": piece} for piece in saying.pieces]
        yield {"type": "text", "text": ""}, texts
    for tool in saying.tools:
        inputs: list[JsonObject] = [{"type": "input_json_delta", "partial_json": piece} for piece in tool.arguments]
        yield {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}, inputs
