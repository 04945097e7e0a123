"""What a caller makes of a response, on each of the product's surfaces: text, end, error, whichever form it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import orjson

from lib.ai.providers.sse import SseParser
from lib.ai.providers.values import list_of, object_of, text_of
from lib.contract import Json, JsonObject


class Surface(Enum):
    """How the caller asks."""

    JSON = "json"
    OPENAI = "openai stream"
    UI = "ui stream"

    @property
    def streams(self) -> bool:
        """Whether the answer is streamed."""
        return self is not Surface.JSON

    def asking(self, document: JsonObject) -> JsonObject:
        """The request for this surface."""
        return {**document, "stream": self.streams}

    @property
    def headers(self) -> dict[str, str]:
        """Of the request, with `_` for `-`."""
        return {"x_ai_stream_protocol": "ui"} if self is Surface.UI else {}


@dataclass
class Shown:
    """What has reached the caller."""

    text: str = ""
    """Refusals included."""
    arguments: str = ""
    """Of tool calls, as they were streamed or given whole."""
    finish: str | None = None
    """The finish reason: the surface's word for success."""
    marked: bool = False
    """Whether the end mark came."""
    error: JsonObject | None = None
    """What the surface has for an error."""
    model: str = ""
    about: JsonObject = field(default_factory=dict[str, Json])
    """What the gateway tells about how the answer came about."""
    readable: bool = True
    """False when a part of it is not in the surface's form."""

    @property
    def succeeded(self) -> bool:
        """Whether the caller takes it for a whole answer."""
        return self.finish is not None and self.error is None

    @property
    def outcomes(self) -> list[str]:
        """Of the tries behind it."""
        return [text_of(object_of(attempt).get("outcome")) for attempt in list_of(self.about.get("attempts"))]


END_MARK: Final = b"[DONE]"


def shown(surface: Surface, status: int, body: bytes) -> Shown:
    """Read a response; one that is no success is JSON on every surface."""
    if status != 200 or not surface.streams:
        return read_json(body)
    return read_openai(body) if surface is Surface.OPENAI else read_ui(body)


def read_json(body: bytes) -> Shown:
    """An answer in one piece: the product's own shape, OpenAI's chat completion, or an error."""
    document = _object(body)
    if document is None:
        return Shown(readable=False)
    if document.get("error"):
        return Shown(error=_error(document["error"]))
    choices = list_of(document.get("choices"))
    if not choices:
        text = text_of(document.get("content")) + text_of(document.get("refusal"))
        return Shown(
            text,
            arguments=_arguments(document.get("toolCalls")),
            finish=text_of(document.get("finishReason")) or None,
            model=text_of(document.get("modelUsed")),
            about=object_of(document.get("metadata")),
        )
    choice = object_of(choices[0])
    message = object_of(choice.get("message"))
    return Shown(
        text_of(message.get("content")) + text_of(message.get("refusal")),
        arguments=_arguments(message.get("tool_calls")),
        finish=text_of(choice.get("finish_reason")) or None,
        model=text_of(document.get("model")),
    )


def read_openai(body: bytes) -> Shown:
    """A stream of chat completion chunks."""
    seen = Shown()
    for data in _events(body):
        if data == END_MARK:
            seen.marked = True
            continue
        chunk = _object(data)
        if chunk is None:
            seen.readable = False
            continue
        if chunk.get("error"):
            seen.error = _error(chunk["error"])
        seen.model = text_of(chunk.get("model")) or seen.model
        seen.about = object_of(object_of(chunk.get("gateway")).get("metadata")) or seen.about
        for choice in map(object_of, list_of(chunk.get("choices"))):
            delta = object_of(choice.get("delta"))
            seen.text += text_of(delta.get("content")) + text_of(delta.get("refusal"))
            seen.arguments += _arguments(delta.get("tool_calls"))
            seen.finish = text_of(choice.get("finish_reason")) or seen.finish
    return seen


def read_ui(body: bytes) -> Shown:
    """A UI message stream. Its end mark comes after errors as well, so only `finish` counts as an end."""
    seen = Shown()
    for data in _events(body):
        if data == END_MARK:
            continue
        part = _object(data) or {}
        kind, metadata = part.get("type"), object_of(part.get("messageMetadata"))
        seen.readable = seen.readable and bool(part)
        seen.model = text_of(metadata.get("modelUsed")) or seen.model
        if kind == "text-delta":
            seen.text += text_of(part.get("delta"))
        elif kind == "tool-input-delta":
            seen.arguments += text_of(part.get("inputTextDelta"))
        elif kind == "error":
            seen.error = {"message": text_of(part.get("errorText"))}
        elif kind == "finish":
            seen.marked = True
            seen.finish = text_of(part.get("finishReason")).replace("-", "_")
            seen.about = object_of(metadata.get("metadata"))
    return seen


def _events(body: bytes) -> Iterator[bytes]:
    parser = SseParser()
    for event in (*parser.feed(body), *parser.close()):
        yield event.data


def _object(data: bytes) -> JsonObject | None:
    try:
        value: Json = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _error(error: Json) -> JsonObject:
    return error if isinstance(error, dict) else {"message": str(error)}


def _arguments(calls: Json) -> str:
    return "".join(text_of(object_of(object_of(call).get("function")).get("arguments")) for call in list_of(calls))
