"""Anthropic's messages (`content` of blocks) as the OpenAI-shaped ones that the pipeline speaks.

What has no place there rides along in fields that only Anthropic's adapter reads: `thinking_blocks`, `is_error`,
`cache_control`. A turn with tool results becomes one tool message per result, then what the user adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Final, TypeAlias

import orjson

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.json_values import object_field, text_field
from lib.web.message_check import check_image_url

_ROLES: Final = ("user", "assistant", "system")
_IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_Reader: TypeAlias = Callable[[JsonObject, str], JsonObject]


def system_messages(system: Json) -> list[JsonObject]:
    """The message that `system` stands for: a text, or text blocks that may be marked for the prompt cache."""
    if system in (None, "", []):
        return []
    return [{"role": "system", "content": _content(system, "system", _TEXT)}]


def messages_of(turn: JsonObject, param: str) -> list[JsonObject]:
    """The messages that one of Anthropic's stands for. Raises InvalidRequest naming the field below `param`."""
    role = turn.get("role")
    if role == "assistant":
        return _assistant(turn, param)
    if role == "user":
        return _user(turn, param)
    if role == "system":
        return [{"role": "system", "content": _content(turn.get("content"), f"{param}.content", _TEXT)}]
    raise InvalidRequest(f"The role must be one of {', '.join(_ROLES)}.", param=f"{param}.role")


def _blocks(content: Json, param: str) -> Iterator[tuple[str, JsonObject, str]]:
    if not isinstance(content, list) or not content:
        raise InvalidRequest("The content must be a string or a list of blocks.", param=param)
    for index, block in enumerate(content):
        where = f"{param}[{index}]"
        if not isinstance(block, dict):
            raise InvalidRequest("A content block must be an object.", param=where)
        yield text_field(block, "type", where), block, where


def _content(content: Json, param: str, readers: MappingProxyType[str, _Reader]) -> Json:
    """A text, or parts; a lone text without a mark is the text itself."""
    if isinstance(content, str):
        return content
    parts: list[Json] = [_part(kind, block, where, readers) for kind, block, where in _blocks(content, param)]
    return _shortest(parts)


def _part(kind: str, block: JsonObject, param: str, readers: MappingProxyType[str, _Reader]) -> JsonObject:
    if kind not in readers:
        raise InvalidRequest(f"The block's type must be one of {', '.join(readers)}.", param=f"{param}.type")
    return readers[kind](block, param)


def _shortest(parts: list[Json]) -> Json:
    match parts:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return parts


def _marked(block: JsonObject, part: JsonObject) -> JsonObject:
    """The part with the block's mark for the prompt cache."""
    mark = block.get("cache_control")
    return part | {"cache_control": mark} if isinstance(mark, dict) else part


def _text(block: JsonObject, param: str) -> JsonObject:
    return _marked(block, {"type": "text", "text": text_field(block, "text", param, empty=True)})


def _image(block: JsonObject, param: str) -> JsonObject:
    source, where = object_field(block, "source", param), f"{param}.source"
    kind = source.get("type")
    if kind == "url":
        url = text_field(source, "url", where)
        check_image_url(url, f"{where}.url")
    elif kind == "base64":
        media_type = text_field(source, "media_type", where)
        if media_type not in _IMAGE_TYPES:
            raise InvalidRequest(f"This must be one of {', '.join(_IMAGE_TYPES)}.", param=f"{where}.media_type")
        url = f"data:{media_type};base64,{text_field(source, 'data', where)}"
    else:
        raise InvalidRequest("An image's source must be base64 or url.", param=f"{where}.type")
    return _marked(block, {"type": "image_url", "image_url": {"url": url}})


def _document(block: JsonObject, param: str) -> JsonObject:
    """A PDF as a file; plain text as text under its title. Citations are not carried, so they are refused."""
    citations = block.get("citations")
    if isinstance(citations, dict) and citations.get("enabled"):
        raise InvalidRequest("Citations are not carried.", param=f"{param}.citations")
    source, where = object_field(block, "source", param), f"{param}.source"
    title, kind = block.get("title"), source.get("type")
    name = title if isinstance(title, str) and title else "document"
    if kind == "text":
        text = text_field(source, "data", where)
        return _marked(block, {"type": "text", "text": f"{title}\n{text}" if isinstance(title, str) else text})
    if kind == "base64":
        data = f"data:application/pdf;base64,{text_field(source, 'data', where)}"
    elif kind == "url":
        data = text_field(source, "url", where)
    else:
        raise InvalidRequest("A document's source must be base64, url or text.", param=f"{where}.type")
    return _marked(block, {"type": "file", "file": {"filename": name, "file_data": data}})


_TEXT: Final[MappingProxyType[str, _Reader]] = MappingProxyType({"text": _text})
_SHOWN: Final[MappingProxyType[str, _Reader]] = MappingProxyType(
    {"text": _text, "image": _image, "document": _document}
)


def _user(turn: JsonObject, param: str) -> list[JsonObject]:
    content = turn.get("content")
    if isinstance(content, str):
        return [{"role": "user", "content": content}]
    results: list[JsonObject] = []
    parts: list[Json] = []
    for kind, block, where in _blocks(content, f"{param}.content"):
        if kind == "tool_result":
            results.append(_result(block, where))
        else:
            parts.append(_part(kind, block, where, _SHOWN))
    return [*results, {"role": "user", "content": _shortest(parts)}] if parts else results


def _result(block: JsonObject, param: str) -> JsonObject:
    content = block.get("content")
    shown = "" if content in (None, []) else _content(content, f"{param}.content", _SHOWN)
    result: JsonObject = {"role": "tool", "tool_call_id": text_field(block, "tool_use_id", param), "content": shown}
    failed = block.get("is_error")
    if not isinstance(failed, bool | None):
        raise InvalidRequest("This must be true or false.", param=f"{param}.is_error")
    return _marked(block, result | {"is_error": True} if failed else result)


def _assistant(turn: JsonObject, param: str) -> list[JsonObject]:
    """One message, or several where a thought follows a text: their order would be lost in one."""
    content = turn.get("content")
    if isinstance(content, str):
        return [{"role": "assistant", "content": content}]
    said: list[_Said] = [_Said()]
    for kind, block, where in _blocks(content, f"{param}.content"):
        if kind in ("thinking", "redacted_thinking"):
            if said[-1].parts and not said[-1].calls:
                said.append(_Said())
            said[-1].think(block, where)
        elif kind == "tool_use":
            said[-1].calls.append(_call(block, where))
        else:
            said[-1].parts.append(_part(kind, block, where, _TEXT))
    return [one.message() for one in said if not one.is_empty]


class _Said:
    """One assistant message in the making."""

    def __init__(self) -> None:
        self.parts: list[Json] = []
        self.calls: list[Json] = []
        self._thoughts: list[Json] = []
        self._reasoning: list[str] = []

    def think(self, block: JsonObject, param: str) -> None:
        """A thought without a signature is another model's: only its words are kept."""
        if block.get("type") == "redacted_thinking":
            data = text_field(block, "data", param)
            self._thoughts.append({"type": "redacted_thinking", "data": data})
            return
        thought = text_field(block, "thinking", param, empty=True)
        signature = text_field(block, "signature", param, empty=True)
        if signature:
            self._thoughts.append({"type": "thinking", "thinking": thought, "signature": signature})
        self._reasoning.append(thought)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is left."""
        return not (self.parts or self.calls or self._thoughts)

    def message(self) -> JsonObject:
        """In OpenAI's shape."""
        message: JsonObject = {"role": "assistant", "content": _shortest(self.parts) if self.parts else None}
        if self.calls:
            message["tool_calls"] = self.calls
        if self._thoughts:
            message["thinking_blocks"] = self._thoughts
        if reasoning := "\n".join(filter(None, self._reasoning)):
            message["reasoning_content"] = reasoning
        return message


def _call(block: JsonObject, param: str) -> JsonObject:
    name, given = text_field(block, "name", param), object_field(block, "input", param)
    call: JsonObject = {
        "id": text_field(block, "id", param),
        "type": "function",
        "function": {"name": name, "arguments": orjson.dumps(given).decode()},
    }
    if isinstance(block.get("extra_content"), dict):
        call["extra_content"] = block["extra_content"]
    return _marked(block, call)
