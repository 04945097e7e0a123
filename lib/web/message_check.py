"""Is this a chat message in OpenAI's shape? Checks one message and says what is wrong with it, and where.

By hand rather than by pydantic unions: a union's errors name every branch, and this is several times as fast.
"""

from __future__ import annotations

from typing import Final

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.json_values import list_field, object_field, text_field

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_IMAGE_SCHEMES: Final = ("https://", "http://", "data:image/")
_TEXT_ONLY: Final = frozenset({"text"})
_PART_TYPES: Final = {
    "system": _TEXT_ONLY,
    "developer": _TEXT_ONLY,
    "tool": _TEXT_ONLY,
    "assistant": frozenset({"text", "refusal"}),
    "user": frozenset({"text", "image_url", "input_audio", "file"}),
}


def check_message(message: JsonObject, param: str) -> None:
    """Pass a well-formed message. Raises InvalidRequest naming the field below `param` (e.g. `messages[3]`)."""
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise InvalidRequest(f"The role must be one of {', '.join(ROLES)}.", param=f"{param}.role")
    if message.get("name") is not None:
        text_field(message, "name", param)
    if role == "tool":
        text_field(message, "tool_call_id", param)
    if role == "assistant":
        _check_assistant(message, param)
    else:
        _check_content(message.get("content"), _PART_TYPES[role], f"{param}.content")


def check_image_url(url: str, param: str) -> None:
    """An address the provider may fetch, or the image itself as a data URL."""
    if not url[:11].lower().startswith(_IMAGE_SCHEMES):
        raise InvalidRequest("An image must be an http(s) address or a data:image/… URL.", param=param)


def _check_assistant(message: JsonObject, param: str) -> None:
    calls = message.get("tool_calls")
    if calls is not None:
        for index, call in enumerate(list_field(message, "tool_calls", param)):
            _check_tool_call(call, f"{param}.tool_calls[{index}]")
    refusal = message.get("refusal")
    if refusal is not None:
        text_field(message, "refusal", param, empty=True)
    content = message.get("content")
    if content is not None or (calls is None and refusal is None):
        _check_content(content, _PART_TYPES["assistant"], f"{param}.content")


def _check_tool_call(call: Json, param: str) -> None:
    if not isinstance(call, dict):
        raise InvalidRequest("A tool call must be an object.", param=param)
    text_field(call, "id", param)
    if call.get("type", "function") != "function":
        raise InvalidRequest("Only function tools can be called.", param=f"{param}.type")
    function = object_field(call, "function", param)
    text_field(function, "name", f"{param}.function")
    text_field(function, "arguments", f"{param}.function", empty=True)


def _check_content(content: Json, allowed: frozenset[str], param: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not content:
        raise InvalidRequest("The content must be a string or a list of parts.", param=param)
    for index, part in enumerate(content):
        _check_part(part, allowed, f"{param}[{index}]")


def _check_part(part: Json, allowed: frozenset[str], param: str) -> None:
    if not isinstance(part, dict):
        raise InvalidRequest("A content part must be an object.", param=param)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in allowed:
        raise InvalidRequest(f"The part's type must be one of {', '.join(sorted(allowed))}.", param=f"{param}.type")
    if kind in ("text", "refusal"):
        text_field(part, kind, param, empty=True)
        return
    inner = object_field(part, kind, param)
    if kind == "image_url":
        check_image_url(text_field(inner, "url", f"{param}.image_url"), f"{param}.image_url.url")
    elif kind == "input_audio":
        text_field(inner, "data", f"{param}.input_audio")
        text_field(inner, "format", f"{param}.input_audio")
