"""The free-form parameters, checked as far as every provider would: tools, formats, stops, cache and key headers."""

from __future__ import annotations

from typing import Final, cast

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.asgi import Headers
from lib.web.json_values import as_json, as_object, object_field, text_field

_LONGEST_KEY: Final = 255
_MOST_STOPS: Final = 16
_RESPONSE_FORMATS: Final = ("text", "json_object", "json_schema")
_TOOL_CHOICES: Final = ("auto", "none", "required")


def stop_sequences(stop: object) -> tuple[str, ...]:
    """One or up to 16; none of them empty."""
    if stop is None:
        return ()
    stops = cast("list[object]", stop) if isinstance(stop, list) else [stop]
    if len(stops) > _MOST_STOPS:
        raise InvalidRequest(f"There may be {_MOST_STOPS} stop sequences.", param="stop")
    texts = tuple(text for text in stops if isinstance(text, str) and text)
    if len(texts) != len(stops):
        raise InvalidRequest("This must be a string or a list of strings, none of them empty.", param="stop")
    return texts


def tools_of(values: list[object] | None) -> tuple[JsonObject, ...]:
    """Function tools with a name; other types are the provider's business."""
    return tuple(_tool(value, f"tools[{index}]") for index, value in enumerate(values or ()))


def tool_choice_of(value: object) -> Json:
    """A word or an object that names a tool."""
    choice = as_json(value, "tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        text_field(object_field(choice, "function", "tool_choice"), "name", "tool_choice.function")
    if choice is None or isinstance(choice, dict) or choice in _TOOL_CHOICES:
        return choice
    raise InvalidRequest(f"This must be {', '.join(_TOOL_CHOICES)} or an object.", param="tool_choice")


def response_format_of(value: object) -> JsonObject | None:
    """Text, any JSON, or JSON by a schema."""
    if value is None:
        return None
    wanted = as_object(value, "response_format")
    if wanted.get("type") not in _RESPONSE_FORMATS:
        raise InvalidRequest(f"The type must be one of {', '.join(_RESPONSE_FORMATS)}.", param="response_format.type")
    if wanted["type"] == "json_schema":
        described = object_field(wanted, "json_schema", "response_format")
        text_field(described, "name", "response_format.json_schema")
        if described.get("schema") is not None:
            object_field(described, "schema", "response_format.json_schema")
    return wanted


def unknown_of(values: dict[str, object]) -> JsonObject:
    """Fields this product does not know, fit to be sent on."""
    return {name: as_json(value, param_name(name)) for name, value in values.items()}


def param_name(text: str) -> str:
    """A field's name as it may stand in an answer: visible ASCII, bounded."""
    return "".join(character if "!" <= character <= "~" else "?" for character in text[:100])


def idempotency_key_of(headers: Headers) -> str | None:
    """The Idempotency-Key header, where there is one."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise InvalidRequest(
            f"An idempotency key is 1 to {_LONGEST_KEY} visible ASCII characters without spaces.",
            param="Idempotency-Key",
        )
    return key


def _tool(value: object, param: str) -> JsonObject:
    tool = as_object(value, param)
    if tool.get("type") == "function":
        text_field(object_field(tool, "function", param), "name", f"{param}.function")
    else:
        text_field(tool, "type", param)
    return tool
