"""Messages as one OpenAI-compatible provider takes them, whichever model and protocol the conversation came from. Pure.

Most providers refuse fields that are not OpenAI's; some want their own back. What is taken is in the provider's row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from lib.ai.providers.values import list_of, object_of, text_of
from lib.catalog.rows import ProviderRow
from lib.contract import Json, JsonObject, Message

FOREIGN: Final = frozenset({"thinking_blocks", "reasoning_content", "extra_content", "cache_control", "is_error"})
"""Fields of messages, parts and tool calls that OpenAI does not have."""
_OF_TOOLS: Final = frozenset({"cache_control", "input_examples", "eager_input_streaming"})
LONGEST_CALL_ID: Final = 40
"""OpenAI refuses longer ones."""
_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9]+")
_UNSIGNED: Final[JsonObject] = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""Gemini's documentation gives this for calls of the present turn that another model made: it insists on a signature
with the first call of each step."""
_SHOWN_BELOW: Final = "(The picture follows below.)"


def convert(messages: Iterable[Message], provider: ProviderRow) -> list[Json]:
    """The messages, each at most once; pictures in tool results follow as a user's, since results are text here."""
    foreign = FOREIGN - provider.takes
    converted: list[Json] = []
    pictures: list[Json] = []
    for message in messages:
        if pictures and message.get("role") != "tool":
            converted.append({"role": "user", "content": pictures})
            pictures = []
        plain = _without(message, foreign)
        if plain.get("role") == "tool":
            pictures += _take_pictures(plain)
        _fit(plain, foreign, provider.call_id_length)
        converted.append(plain)
    if pictures:
        converted.append({"role": "user", "content": pictures})
    if "extra_content" in provider.takes:
        _sign(converted)
    return converted


def tool_without_foreign(tool: JsonObject) -> JsonObject:
    """A function's definition without what only Anthropic's models want to know of it."""
    return _without(tool, _OF_TOOLS) if _OF_TOOLS & tool.keys() else tool


def _fit(message: JsonObject, foreign: frozenset[str], id_length: int) -> None:
    """Only the role `developer`, which most compatible providers do not know, becomes its older name."""
    if message.get("role") == "developer":
        message["role"] = "system"
    content = message.get("content")
    if content is None and not message.get("tool_calls"):
        message["content"] = ""
    if isinstance(content, list):
        message["content"] = [_without(object_of(part), foreign) for part in content]
    if calls := list_of(message.get("tool_calls")):
        message["tool_calls"] = [_call(object_of(call), foreign, id_length) for call in calls]
    if "tool_call_id" in message:
        message["tool_call_id"] = call_id(text_of(message["tool_call_id"]), id_length)


def _without(owner: Message, foreign: frozenset[str]) -> JsonObject:
    return {name: value for name, value in owner.items() if name not in foreign}


def _call(call: JsonObject, foreign: frozenset[str], id_length: int) -> JsonObject:
    plain = _without(call, foreign)
    if "id" in plain:
        plain["id"] = call_id(text_of(plain["id"]), id_length)
    return plain


def call_id(given: str, length: int) -> str:
    """An id that the provider takes: the given one, or always the same other one for it."""
    if length:
        fits = len(given) == length and _ALPHANUMERIC.fullmatch(given) is not None
        return given if fits else _digest(given)[:length]
    return given if len(given) <= LONGEST_CALL_ID else f"call_{_digest(given)}"


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _take_pictures(result: JsonObject) -> Iterator[Json]:
    """What of a tool's result is not text, which stays behind with a hint."""
    parts = list_of(result.get("content"))
    pictures = [part for part in parts if object_of(part).get("type") != "text"]
    if pictures:
        texts = [part for part in parts if object_of(part).get("type") == "text"]
        result["content"] = [*texts, {"type": "text", "text": _SHOWN_BELOW}]
    return iter([_without(object_of(picture), FOREIGN) for picture in pictures])


def _sign(messages: list[Json]) -> None:
    """Give the first call of each step of the present turn a signature where it has none."""
    for message in reversed(messages):
        said = object_of(message)
        if said.get("role") == "user":
            return
        for call in list_of(said.get("tool_calls"))[:1]:
            object_of(call).setdefault("extra_content", _UNSIGNED)
