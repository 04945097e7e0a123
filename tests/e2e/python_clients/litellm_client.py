"""Plays scenarios with LiteLLM's client functions and prints what they made of each, as JSON lines.

`litellm_client.py BASE_URL KEY SCENARIO…`, in an environment of its own (requirements.txt).
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Final

# Not installed beside the project, hence without types.
LIBRARY: Final = import_module("litellm")
NAMED: Final = {"x-user-id": "u1", "x-user-tier": "master"}
PIXEL: Final = "data:image/png;base64,iVBORw0KGgo="
HELLO: Final[list[dict[str, object]]] = [{"role": "user", "content": "Hello"}]
WEATHER: Final = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CITY: Final = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Player:
    """One client."""

    def __init__(self, base_url: str, key: str) -> None:
        self._where = {"api_base": base_url, "api_key": key, "extra_headers": NAMED, "max_retries": 0}
        self._chat = {"model": "openai/openai/gpt-4o", **self._where}

    def json(self) -> object:
        answer = LIBRARY.completion(messages=HELLO, **self._chat)
        return [answer.choices[0].message.content, answer.model, answer.usage.total_tokens]

    def stream(self) -> object:
        options = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = list(LIBRARY.completion(messages=HELLO, **options, **self._chat))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        finish = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1]
        return [text, finish, chunks[-1].usage.total_tokens]

    def tools(self) -> object:
        talk = [*HELLO]
        asked = LIBRARY.completion(messages=talk, tools=[WEATHER], **self._chat).choices[0].message
        calls = [[call.id, json.loads(call.function.arguments)] for call in asked.tool_calls]
        talk.append(asked.model_dump())
        talk.extend({"role": "tool", "tool_call_id": call[0], "content": "rain"} for call in calls)
        told = LIBRARY.completion(messages=talk, tools=[WEATHER], **self._chat).choices[0].message
        talk += [told.model_dump(), {"role": "user", "content": "An umbrella?"}]
        last = LIBRARY.completion(messages=talk, tools=[WEATHER], **self._chat).choices[0].message
        return [calls, told.content, last.content]

    def image(self) -> object:
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
        message = {"role": "user", "content": parts}
        return LIBRARY.completion(messages=[message], **self._chat).choices[0].message.content

    def structured(self) -> object:
        wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
        answer = LIBRARY.completion(messages=HELLO, response_format=wanted, **self._chat)
        return json.loads(answer.choices[0].message.content)

    def unknown(self) -> object:
        return raised(lambda: LIBRARY.completion(messages=HELLO, **{**self._chat, "model": "openai/openai/gpt-99"}))

    def broken(self) -> object:
        return raised(lambda: list(LIBRARY.completion(messages=HELLO, stream=True, **self._chat)))

    def abort(self) -> object:
        stream = LIBRARY.completion(messages=HELLO, stream=True, **self._chat)
        first = next(chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)
        stream.completion_stream.close()
        return first

    def embeddings(self) -> object:
        asked = {"model": "openai/openai/text-embedding-3-small", "input": ["one", "two"], "dimensions": 8}
        answer = LIBRARY.embedding(**asked, allowed_openai_params=["dimensions"], **self._where)
        return [item["embedding"] for item in answer.data]


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
