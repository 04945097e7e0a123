"""Plays scenarios with LangChain's ChatOpenAI and prints what it made of each, as JSON lines.

`langchain_client.py BASE_URL KEY SCENARIO…`, in an environment of its own (requirements.txt).
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Final

# Not installed beside the project, hence without types.
LIBRARY: Final = import_module("langchain_openai")
MESSAGES: Final = import_module("langchain_core.messages")
NAMED: Final = {"x-user-id": "u1", "x-user-tier": "master"}
PIXEL: Final = "data:image/png;base64,iVBORw0KGgo="
WEATHER: Final = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CITY: Final = {"title": "city", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Player:
    """One client."""

    def __init__(self, base_url: str, key: str) -> None:
        self._where = {"base_url": base_url, "api_key": key, "default_headers": NAMED, "max_retries": 0}
        self._model = LIBRARY.ChatOpenAI(model="openai/gpt-4o", **self._where)

    def json(self) -> object:
        answer = self._model.invoke("Hello")
        return [answer.content, answer.response_metadata["model_name"], answer.usage_metadata["total_tokens"]]

    def stream(self) -> object:
        whole = None
        for chunk in LIBRARY.ChatOpenAI(model="openai/gpt-4o", stream_usage=True, **self._where).stream("Hello"):
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        return [whole.content, whole.response_metadata["finish_reason"], whole.usage_metadata["total_tokens"]]

    def tools(self) -> object:
        model = self._model.bind_tools([WEATHER])
        talk = [MESSAGES.HumanMessage("Hello")]
        asked = model.invoke(talk)
        talk += [asked, *(MESSAGES.ToolMessage("rain", tool_call_id=call["id"]) for call in asked.tool_calls)]
        told = model.invoke(talk)
        last = model.invoke([*talk, told, MESSAGES.HumanMessage("An umbrella?")])
        return [[[call["id"], call["args"]] for call in asked.tool_calls], told.content, last.content]

    def image(self) -> object:
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
        return self._model.invoke([MESSAGES.HumanMessage(parts)]).content

    def structured(self) -> object:
        return self._model.with_structured_output(CITY, method="json_schema").invoke("Hello")

    def unknown(self) -> object:
        model = LIBRARY.ChatOpenAI(model="openai/gpt-99", **self._where)
        return raised(lambda: model.invoke("Hello"))

    def broken(self) -> object:
        return raised(lambda: list(self._model.stream("Hello")))

    def abort(self) -> object:
        stream = self._model.stream("Hello")
        first = next(chunk.content for chunk in stream if chunk.content)
        stream.close()
        return first

    def embeddings(self) -> object:
        asking = LIBRARY.OpenAIEmbeddings(
            model="openai/text-embedding-3-small", dimensions=8, check_embedding_ctx_length=False, **self._where
        )
        return asking.embed_documents(["one", "two"])


def raised(work: object) -> str:
    """The class of what is raised."""
    assert callable(work)
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is, its class is what is asked
        return type(error).__name__
    return ""


if __name__ == "__main__":
    player = Player(*sys.argv[1:3])
    for scenario in sys.argv[3:]:
        sys.stdout.write(json.dumps(getattr(player, scenario)()) + "\n")
