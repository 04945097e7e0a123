"""AI SDK UIMessages (`{id, role, parts}`, versions 5 to 7) into OpenAI's messages.

An assistant's UIMessage holds whole rounds of tool use; each round (a `step-start` opens it) becomes an assistant
message with its calls and one tool message per result. A call without a result is left out: providers reject it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.json_values import list_field, text_field
from lib.web.message_check import check_image_url, check_message

_AUDIO_FORMATS: Final = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_DENIED: Final = "The user did not allow this call."


def is_ui_message(message: JsonObject) -> bool:
    """UIMessages have parts; OpenAI's have content."""
    return "parts" in message


def from_ui(message: JsonObject, param: str) -> list[JsonObject]:
    """The OpenAI messages one UIMessage stands for; none for an assistant's message that says nothing.

    Parts of other types (`source-*`, `data-*`, …) are for the eye and are left out; so is reasoning, except what
    Anthropic has sealed.
    Raises InvalidRequest naming the field.
    """
    if not is_ui_message(message):
        check_message(message, param)
        return [message]
    role = text_field(message, "role", param)
    if role == "assistant":
        return list(_assistant(message, param))
    if role == "user":
        return [{"role": "user", "content": _user_content(message, param)}]
    if role == "system":
        return [{"role": "system", "content": "\n".join(_texts(message, param))}]
    raise InvalidRequest("The role must be one of system, user, assistant.", param=f"{param}.role")


def _parts(message: JsonObject, param: str) -> Iterator[tuple[str, JsonObject, str]]:
    for index, part in enumerate(list_field(message, "parts", param)):
        where = f"{param}.parts[{index}]"
        if not isinstance(part, dict):
            raise InvalidRequest("A part must be an object.", param=where)
        yield text_field(part, "type", where), part, where


def _texts(message: JsonObject, param: str) -> list[str]:
    return [
        text_field(part, "text", where, empty=True) for kind, part, where in _parts(message, param) if kind == "text"
    ]


def _user_content(message: JsonObject, param: str) -> Json:
    content: list[Json] = []
    for kind, part, where in _parts(message, param):
        if kind == "text":
            content.append({"type": "text", "text": text_field(part, "text", where, empty=True)})
        elif kind == "file":
            content.append(_file_part(part, where))
    if not content:
        raise InvalidRequest("A user's message needs a text or file part.", param=f"{param}.parts")
    only = content[0] if len(content) == 1 else None
    return only["text"] if isinstance(only, dict) and only["type"] == "text" else content


def _file_part(part: JsonObject, param: str) -> JsonObject:
    media_type = text_field(part, "mediaType", param).lower()
    url = text_field(part, "url", param)
    if media_type.partition("/")[0] == "image":
        check_image_url(url, f"{param}.url")
        return {"type": "image_url", "image_url": {"url": url}}
    header, _, data = url.partition(",")
    if not header.lower().startswith("data:") or not header.lower().endswith(";base64"):
        raise InvalidRequest("Files other than images must be sent as base64 data URLs.", param=f"{param}.url")
    if media_type in _AUDIO_FORMATS:
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO_FORMATS[media_type]}}
    if media_type == "application/pdf":
        name = part.get("filename")
        return {"type": "file", "file": {"filename": name if isinstance(name, str) else "file.pdf", "file_data": url}}
    raise InvalidRequest("Only images, PDF, WAV and MP3 files are accepted.", param=f"{param}.mediaType")


@dataclass(frozen=True, slots=True)
class _Step:
    """One round of an assistant's message."""

    texts: list[str] = field(default_factory=list[str])
    calls: list[Json] = field(default_factory=list["Json"])
    results: list[JsonObject] = field(default_factory=list["JsonObject"])
    thoughts: list[Json] = field(default_factory=list["Json"])
    reasoning: list[str] = field(default_factory=list[str])
    """What is not sealed: wanted back, by some providers, only within a round of tool use."""

    def messages(self) -> list[JsonObject]:
        text, reasoning = "".join(self.texts), "".join(self.reasoning)
        thoughts: JsonObject = {"thinking_blocks": self.thoughts} if self.thoughts else {}
        if self.calls:
            called: JsonObject = {"role": "assistant", "content": text or None, "tool_calls": self.calls, **thoughts}
            return [called | ({"reasoning_content": reasoning} if reasoning else {}), *self.results]
        return [{"role": "assistant", "content": text, **thoughts}] if text else []


def _assistant(message: JsonObject, param: str) -> Iterator[JsonObject]:
    """Step by step. What the user said in between (AI SDK 7's steering) comes before the step that heard it."""
    step = _Step()
    for kind, part, where in _parts(message, param):
        if kind in ("step-start", "steering-message"):
            yield from step.messages()
            step = _Step()
        if kind == "steering-message":
            yield {"role": "user", "content": _user_content(part, where)}
        else:
            _add_part(step, kind, part, where)
    yield from step.messages()


def _add_part(step: _Step, kind: str, part: JsonObject, param: str) -> None:
    if kind == "text":
        step.texts.append(text_field(part, "text", param, empty=True))
    elif kind == "reasoning":
        _add_reasoning(step, part, param)
    elif kind == "dynamic-tool":
        _add_call(step, text_field(part, "toolName", param), part, param)
    elif kind.startswith("tool-"):
        _add_call(step, _tool_name(kind, param), part, param)


def _add_reasoning(step: _Step, part: JsonObject, param: str) -> None:
    sealed = _thought(part)
    step.thoughts.extend(sealed)
    if not sealed:
        step.reasoning.append(text_field(part, "text", param, empty=True))


def _thought(part: JsonObject) -> list[Json]:
    """Anthropic's own block again, where its signature came with the part."""
    metadata = part.get("providerMetadata")
    match metadata.get("anthropic") if isinstance(metadata, dict) else None:
        case {"signature": str(signature)} if signature:
            return [{"type": "thinking", "thinking": part.get("text", ""), "signature": signature}]
        case {"redactedData": str(data)}:
            return [{"type": "redacted_thinking", "data": data}]
        case _:
            return []


def _tool_name(kind: str, param: str) -> str:
    name = kind.removeprefix("tool-")
    if not name:
        raise InvalidRequest("A tool part's type ends in the tool's name.", param=f"{param}.type")
    return name


def _add_call(step: _Step, name: str, part: JsonObject, param: str) -> None:
    result = _result(part, param)
    if result is None:
        return
    call_id = text_field(part, "toolCallId", param)
    arguments = orjson.dumps(_arguments(part)).decode()
    call: JsonObject = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    match part.get("callProviderMetadata"):
        case {"google": {"thought_signature": str(signature)}}:
            call["extra_content"] = {"google": {"thought_signature": signature}}
        case _:
            """Other providers need nothing back."""
    step.calls.append(call)
    step.results.append({"role": "tool", "tool_call_id": call_id, "content": result})


def _result(part: JsonObject, param: str) -> str | None:
    """What came of a call; None while nothing has, since providers reject a call without a result."""
    state, approval = text_field(part, "state", param), part.get("approval")
    said = approval if isinstance(approval, dict) else {}
    if state == "output-available":
        output = part.get("output")
        return output if isinstance(output, str) else orjson.dumps(output).decode()
    if state == "output-error":
        return text_field(part, "errorText", param, empty=True)
    if state == "output-denied" or (state == "approval-responded" and said.get("approved") is False):
        reason = said.get("reason")
        return reason if isinstance(reason, str) and reason else _DENIED
    return None


def _arguments(part: JsonObject) -> JsonObject:
    """The input of a call, which providers want as an object; one that was no JSON stands in `rawInput` (version 5)."""
    given = part.get("input")
    raw = part.get("rawInput") if given is None else given
    if isinstance(raw, dict):
        return raw
    return {} if raw is None else {"input": raw}
