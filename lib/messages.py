"""Reading chat messages: their text, their images, roughly how many tokens they are.

Messages keep OpenAI's shape (see `contract.Message`); these functions are the only readers of it outside the adapters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lib.contract import ChatRequest, Json, JsonObject, Message

IMAGE_TOKENS: Final = 1_000
"""What one image is counted as before the provider tells (OpenAI bills 85 to about 1,500, Anthropic up to 1,600)."""
MESSAGE_TOKENS: Final = 4
"""Framing of one message, as in OpenAI's token-counting guide."""


def parts_of(message: Message) -> Iterator[JsonObject]:
    """The content parts of a message; a plain string is one text part."""
    content = message.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict):
                yield part


def text_of(message: Message) -> str:
    """All text of a message, its parts joined by line breaks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(text for part in parts_of(message) if isinstance(text := part.get("text"), str))


def last_user_text(messages: Iterable[Message]) -> str:
    """The text of the last message a user wrote, or the empty string."""
    text = ""
    for message in messages:
        if message.get("role") == "user":
            text = text_of(message)
    return text


def system_text(messages: Iterable[Message]) -> str:
    """All system and developer instructions, joined."""
    return "\n".join(text_of(m) for m in messages if m.get("role") in ("system", "developer"))


def image_count(messages: Iterable[Message]) -> int:
    """How many image parts the messages hold."""
    return sum(part.get("type") in ("image_url", "image") for message in messages for part in parts_of(message))


def estimate_tokens(text: str) -> int:
    """Tokens of a text within about 20 %: four ASCII characters a token, one and a half of any other script."""
    if text.isascii():
        return (len(text) + 3) // 4
    ascii_characters = len(text.encode("ascii", "ignore"))
    return (ascii_characters + 3) // 4 + (2 * (len(text) - ascii_characters) + 2) // 3


def estimate_input_tokens(request: ChatRequest) -> int:
    """Tokens the provider will count as input, before it tells: text, images, tool definitions, framing."""
    tokens = IMAGE_TOKENS * image_count(request.messages)
    for message in request.messages:
        tokens += MESSAGE_TOKENS + estimate_tokens(text_of(message))
        tokens += _json_tokens(message.get("tool_calls"))
    return tokens + _json_tokens(list(request.tools)) + _json_tokens(request.response_format)


def _json_tokens(value: Json) -> int:
    return estimate_tokens(str(value)) if value else 0
