"""Conversations with tools as clients of each surface hold them: every turn goes back the way it came.

A client remembers what it was sent in its own protocol's words and sends it all again; what a surface loses is lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from lib.ai.providers.sse import SseParser
from lib.ai.providers.values import list_of, object_of, text_of
from lib.contract import Json, JsonObject
from tests.support.asgi_client import Response, json_object, post
from tests.support.deployment import SERVICE, Instance

TOOL: Final = "weather"
SCHEMA: Final[JsonObject] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass(frozen=True)
class Called:
    """A tool call as the client sees it."""

    id: str
    name: str
    given: Json


@dataclass(frozen=True)
class Turn:
    """What the assistant said."""

    text: str
    calls: tuple[Called, ...]
    model: str


class Conversation(ABC):
    """One client with its memory. `options` are fields that each request carries."""

    path = "/api/ai/v2/chat"
    function = "chat"

    def __init__(self, here: Instance, model: str, **options: Json) -> None:
        self._here = here
        self._options: JsonObject = {"model": model, **options}
        self.history: list[Json] = []

    async def ask(self, text: str) -> Turn:
        """The user says something."""
        self.history.append(self._user(text))
        return await self._go_on()

    async def tell(self, results: Mapping[str, str], failed: frozenset[str] = frozenset()) -> Turn:
        """What the tools gave, by the ids of their calls; those in `failed` gave an error."""
        self._add_results(results, failed)
        return await self._go_on()

    async def _go_on(self) -> Turn:
        headers = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1", "x_user_tier": "pro"}
        document = {**self._options, **self._request()}
        response = await post(self._here.app(self.function), document, self.path, **headers)
        assert response.status == 200, response.body
        return self._remember(response)

    @abstractmethod
    def _request(self) -> JsonObject: ...

    @abstractmethod
    def _remember(self, response: Response) -> Turn: ...

    def _user(self, text: str) -> JsonObject:
        return {"role": "user", "content": text}

    def _add_results(self, results: Mapping[str, str], failed: frozenset[str]) -> None:
        for call_id, result in results.items():
            told: JsonObject = {"role": "tool", "tool_call_id": call_id, "content": result}
            self.history.append(told | ({"is_error": True} if call_id in failed else {}))


def openai_tool() -> JsonObject:
    return {"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}


def turn_of(message: JsonObject, model: str) -> Turn:
    """An assistant message in OpenAI's shape."""
    calls: list[Called] = []
    for call in map(object_of, list_of(message.get("tool_calls"))):
        function = object_of(call.get("function"))
        given: Json = orjson.loads(text_of(function.get("arguments")))
        calls.append(Called(text_of(call.get("id")), text_of(function.get("name")), given))
    return Turn(text_of(message.get("content")), tuple(calls), model)


class OwnJson(Conversation):
    """The product's own answers in one piece."""

    def _request(self) -> JsonObject:
        return {"messages": self.history, "tools": [openai_tool()], "stream": False}

    def _remember(self, response: Response) -> Turn:
        answer = response.json()
        message: JsonObject = {"role": "assistant", "content": answer["content"] or None}
        for name, ours in (("tool_calls", "toolCalls"), ("thinking_blocks", "thinkingBlocks")):
            if ours in answer:
                message[name] = answer[ours]
        self.history.append(message)
        return turn_of(message, text_of(answer["modelUsed"]))


class OwnStream(Conversation):
    """OpenAI's chunks."""

    def _request(self) -> JsonObject:
        return {"messages": self.history, "tools": [openai_tool()], "stream": True}

    def _remember(self, response: Response) -> Turn:
        message: JsonObject = {"role": "assistant", "content": None}
        calls: dict[Json, JsonObject] = {}
        thoughts: list[Json] = []
        model = ""
        for chunk in map(json_object, data_of(response.body)):
            model = text_of(chunk.get("model")) or model
            for choice in map(object_of, list_of(chunk.get("choices"))):
                delta = object_of(choice.get("delta"))
                if text := text_of(delta.get("content")):
                    message["content"] = text_of(message["content"]) + text
                thoughts += list_of(delta.get("thinking_blocks"))
                for piece in map(object_of, list_of(delta.get("tool_calls"))):
                    _grow(calls.setdefault(piece.get("index"), {}), piece)
        message |= {"tool_calls": list(calls.values())} if calls else {}
        message |= {"thinking_blocks": thoughts} if thoughts else {}
        self.history.append(message)
        return turn_of(message, model)


class Completions(OwnJson):
    """OpenAI's chat completions in one piece."""

    path = "/api/ai/v1/chat/completions"
    function = "v1"

    def _remember(self, response: Response) -> Turn:
        answer = response.json()
        message = object_of(object_of(list_of(answer["choices"])[0])["message"])
        self.history.append(message)
        return turn_of(message, text_of(answer["model"]))


class CompletionsStream(OwnStream):
    """OpenAI's chat completions streamed."""

    path = "/api/ai/v1/chat/completions"
    function = "v1"


class UserInterface(Conversation):
    """AI SDK's UIMessages: one assistant message holds all rounds until the user speaks again."""

    def _request(self) -> JsonObject:
        return {"messages": self.history, "tools": [openai_tool()], "id": "chat-1"}

    def _user(self, text: str) -> JsonObject:
        return {"id": f"m{len(self.history)}", "role": "user", "parts": [{"type": "text", "text": text}]}

    def _add_results(self, results: Mapping[str, str], failed: frozenset[str]) -> None:
        for part in map(object_of, list_of(object_of(self.history[-1])["parts"])):
            call_id = text_of(part.get("toolCallId"))
            if call_id in results:
                bad = call_id in failed
                part["state"] = "output-error" if bad else "output-available"
                part["errorText" if bad else "output"] = results[call_id]

    def _remember(self, response: Response) -> Turn:
        if object_of(self.history[-1])["role"] != "assistant":
            self.history.append({"id": "", "role": "assistant", "parts": []})
        last = object_of(self.history[-1])
        parts, before = list_of(last["parts"]), len(list_of(last["parts"]))
        model = ""
        for event in map(json_object, data_of(response.body)):
            model = text_of(object_of(event.get("messageMetadata")).get("modelUsed")) or model
            _take_ui(last, parts, event)
        new = [object_of(part) for part in parts[before:]]
        calls = [
            Called(text_of(p["toolCallId"]), text_of(p["type"]).removeprefix("tool-"), p["input"])
            for p in new
            if "toolCallId" in p
        ]
        text = "".join(text_of(part.get("text")) for part in new if part["type"] == "text")
        return Turn(text, tuple(calls), model)


class Messages(Conversation):
    """Anthropic's messages in one piece."""

    path = "/api/ai/v1/messages"
    function = "v1"
    streams = False

    def _request(self) -> JsonObject:
        tools: list[Json] = [{"name": TOOL, "input_schema": SCHEMA}]
        return {"messages": self.history, "tools": tools, "stream": self.streams, "max_tokens": 1_000}

    def _add_results(self, results: Mapping[str, str], failed: frozenset[str]) -> None:
        content: list[Json] = []
        for call_id, result in results.items():
            told: JsonObject = {"type": "tool_result", "tool_use_id": call_id, "content": result}
            content.append(told | ({"is_error": True} if call_id in failed else {}))
        self.history.append({"role": "user", "content": content})

    def _remember(self, response: Response) -> Turn:
        return self._remember_message(response.json())

    def _remember_message(self, message: JsonObject) -> Turn:
        blocks = [object_of(block) for block in list_of(message["content"])]
        self.history.append({"role": "assistant", "content": message["content"]})
        calls = [Called(text_of(b["id"]), text_of(b["name"]), b["input"]) for b in blocks if b["type"] == "tool_use"]
        text = "".join(text_of(block.get("text")) for block in blocks)
        return Turn(text, tuple(calls), text_of(message["model"]))


class MessagesStream(Messages):
    """Anthropic's messages streamed."""

    streams = True

    def _remember(self, response: Response) -> Turn:
        return self._remember_message(streamed_message(map(json_object, data_of(response.body))))


def data_of(body: bytes) -> Iterator[bytes]:
    """The data of a stream's events, without the end mark."""
    parser = SseParser()
    return (event.data for event in (*parser.feed(body), *parser.close()) if event.data != b"[DONE]")


def streamed_message(events: Iterable[JsonObject]) -> JsonObject:
    """The message that Anthropic's events make up."""
    message: JsonObject = {}
    inputs: dict[Json, str] = {}
    for event in events:
        kind, index = event["type"], event.get("index")
        content = list_of(message.get("content"))
        if kind == "message_start":
            message = object_of(event["message"])
        elif kind == "content_block_start":
            assert index == len(content)
            content.append(event["content_block"])
        elif kind == "content_block_delta" and isinstance(index, int):
            _take_delta(object_of(content[index]), object_of(event["delta"]), inputs, index)
        elif kind == "content_block_stop" and isinstance(index, int) and index in inputs:
            object_of(content[index])["input"] = orjson.loads(inputs[index])
        elif kind == "message_delta":
            message |= object_of(event["delta"]) | {"usage": event["usage"]}
    return message


def _take_delta(block: JsonObject, delta: JsonObject, inputs: dict[Json, str], index: int) -> None:
    kind = text_of(delta["type"]).removesuffix("_delta")
    if kind == "input_json":
        inputs[index] = inputs.get(index, "") + text_of(delta["partial_json"])
    elif kind == "signature":
        block["signature"] = delta["signature"]
    else:
        block[kind] = text_of(block[kind]) + text_of(delta[kind])


def _grow(call: JsonObject, piece: JsonObject) -> None:
    function, more = object_of(call.get("function")), object_of(piece.get("function"))
    call |= {name: piece[name] for name in ("id", "type", "extra_content") if name in piece}
    call["function"] = {
        "name": text_of(function.get("name")) + text_of(more.get("name")),
        "arguments": text_of(function.get("arguments")) + text_of(more.get("arguments")),
    }


def _take_ui(message: JsonObject, parts: list[Json], event: JsonObject) -> None:
    """One event of a UI message stream, as AI SDK's `processUIMessageStream` takes it."""
    kind = text_of(event["type"])
    if kind == "start":
        message["id"] = event["messageId"]
    elif kind == "start-step":
        parts.append({"type": "step-start"})
    elif kind in ("text-start", "reasoning-start"):
        parts.append({"type": kind.removesuffix("-start"), "text": "", "state": "streaming"})
    elif kind in ("text-delta", "reasoning-delta"):
        part = object_of(parts[-1])
        part["text"] = text_of(part["text"]) + text_of(event["delta"])
    elif kind in ("text-end", "reasoning-end"):
        more = {"providerMetadata": event["providerMetadata"]} if "providerMetadata" in event else {}
        object_of(parts[-1]).update(state="done", **more)
    elif kind == "tool-input-available":
        told: JsonObject = {"toolCallId": event["toolCallId"], "state": "input-available", "input": event["input"]}
        more = {"callProviderMetadata": event["providerMetadata"]} if "providerMetadata" in event else {}
        parts.append({"type": f"tool-{event['toolName']}", **told, **more})
