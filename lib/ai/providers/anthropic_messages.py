"""OpenAI's messages as Anthropic takes them: system apart, blocks for parts, turns of one role merged. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from lib.ai.providers.values import list_of, object_of, parse_object, text_of
from lib.contract import Json, JsonObject, Message
from lib.errors import NextStep, ProviderError
from lib.messages import parts_of

_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.IGNORECASE)
_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
"""Anthropic refuses ids with other characters, which some providers' tool calls have."""


def convert(messages: Iterable[Message]) -> tuple[list[Json], list[Json]]:
    """System blocks and turns.

    Raises ProviderError `unsupported` (another model may do) for parts that Anthropic has no block for.
    """
    system: list[Json] = []
    turns: list[Json] = []
    ids = _Ids()
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system += _blocks(message)
            continue
        if role == "assistant":
            _add(turns, "assistant", [*thoughts_of(message), *_blocks(message), *_tool_uses(message, ids)])
        elif role == "tool":
            _add(turns, "user", [_tool_result(message, ids)])
        else:
            _add(turns, "user", _blocks(message))
    return system, turns


def thoughts_of(message: Message) -> list[Json]:
    """The blocks of reasoning that Anthropic once sent, which it takes back only with their signatures."""
    blocks = map(object_of, list_of(message.get("thinking_blocks")))
    return [block for block in blocks if text_of(block.get("signature")) or text_of(block.get("data"))]


def calls_without_thought(messages: Sequence[Message]) -> bool:
    """Whether the last assistant turn calls tools and does not begin with a thought, as another model's does not.

    With a thinking budget Anthropic then refuses the request; without one it does not mind.
    """
    turn: list[Message] = []
    for message in reversed(messages):
        if message.get("role") == "assistant":
            turn.append(message)
        elif turn:
            break
    return any(message.get("tool_calls") for message in turn) and not thoughts_of(turn[-1])


class _Ids:
    """Ids of tool calls as Anthropic takes them: of its characters, and none twice in a conversation.

    Providers that send none get them by position from us, so that every turn has the same ones.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._latest: dict[str, str] = {}

    def of_call(self, given: str) -> str:
        plain = _NOT_IN_ID.sub("_", given) or "call"
        wire, count = plain, 1
        while wire in self._used:
            count += 1
            wire = f"{plain}_{count}"
        self._used.add(wire)
        self._latest[given] = wire
        return wire

    def of_result(self, given: str) -> str:
        """That of the last call with this id; a result without a call is for Anthropic to refuse."""
        return self._latest.get(given) or _NOT_IN_ID.sub("_", given)


def _add(turns: list[Json], role: str, blocks: list[Json]) -> None:
    """Append the blocks to the last turn if it is the same side's; Anthropic also refuses turns without content."""
    if not blocks:
        return
    last = object_of(turns[-1]) if turns else {}
    if last.get("role") == role:
        list_of(last["content"]).extend(blocks)
    else:
        turns.append({"role": role, "content": blocks})


def _blocks(message: Message) -> list[Json]:
    blocks = [_block(part) for part in parts_of(message)]
    blocks.append(_text_block({"text": message.get("refusal")}))
    return [block for block in blocks if block is not None]


def _block(part: JsonObject) -> JsonObject | None:
    kind = part.get("type")
    if kind == "text":
        return _text_block(part)
    if kind == "refusal":
        return _text_block({"text": part.get("refusal")})
    if kind == "image_url":
        return _cacheable(part, {"type": "image", "source": _source(object_of(part.get("image_url")).get("url"))})
    if kind == "file" and (data := text_of(object_of(part.get("file")).get("file_data"))):
        return _cacheable(part, {"type": "document", "source": _source(data)})
    raise _unsupported(f"content parts of type {text_of(kind)[:40]}")


def _text_block(part: JsonObject) -> JsonObject | None:
    """None for an empty text, which Anthropic refuses."""
    text = text_of(part.get("text"))
    return _cacheable(part, {"type": "text", "text": text}) if text.strip() else None


def _cacheable(part: Message, block: JsonObject) -> JsonObject:
    """The block with the part's prompt-cache mark, if the caller has set one."""
    return block | {"cache_control": part["cache_control"]} if part.get("cache_control") else block


def _source(url: Json) -> JsonObject:
    address = text_of(url)
    data = _DATA_URL.match(address)
    if data:
        return {"type": "base64", "media_type": data[1].lower(), "data": address[data.end() :]}
    if address.lower().startswith("data:"):
        raise _unsupported("data URLs that are not base64")
    return {"type": "url", "url": address}


def _unsupported(what: str) -> ProviderError:
    return ProviderError("unsupported", f"this model does not take {what}", next_step=NextStep.NEXT_MODEL)


def _tool_uses(message: Message, ids: _Ids) -> list[Json]:
    uses: list[Json] = []
    for call in map(object_of, list_of(message.get("tool_calls"))):
        function = object_of(call.get("function"))
        use: JsonObject = {
            "type": "tool_use",
            "id": ids.of_call(text_of(call.get("id"))),
            "name": text_of(function.get("name")),
            "input": _input(text_of(function.get("arguments"))),
        }
        uses.append(_cacheable(call, use))
    return uses


def _input(arguments: str) -> JsonObject:
    """The arguments as an object; what an earlier model wrote wrong is kept as text rather than refused."""
    if not arguments.strip():
        return {}
    try:
        return parse_object(arguments.encode())
    except ProviderError:
        return {"arguments": arguments}


def _tool_result(message: Message, ids: _Ids) -> JsonObject:
    result: JsonObject = {
        "type": "tool_result",
        "tool_use_id": ids.of_result(text_of(message.get("tool_call_id"))),
        "content": _blocks(message),
    }
    if message.get("is_error") is True:
        result["is_error"] = True
    return _cacheable(message, result)
