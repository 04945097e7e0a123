"""A provider of either wire as an ASGI app in this process: one short answer to every chat, and a list of what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from starlette.types import Receive, Scope, Send

OPENAI: Final = {
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
ANTHROPIC: Final = {
    "type": "message",
    "model": "m",
    "content": [{"type": "text", "text": "Yes."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


@dataclass
class PlainProvider:
    """What was asked: `host + path`, headers and body of each request. With a `status`, every answer is that error."""

    status: int = 200
    says: bytes | None = None
    """The body of every answer instead of the wire's own; `{key}` in it is the key that was sent."""
    adds: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers of every answer beside its type."""
    asked: list[str] = field(default_factory=list[str])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    bodies: list[bytes] = field(default_factory=list[bytes])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.bodies.append((await receive())["body"])
        self.asked.append(headers["host"] + scope["path"])
        self.headers.append(headers)
        body = orjson.dumps(ANTHROPIC if scope["path"].endswith("/messages") else OPENAI)
        answered = {"content-type": "application/json", **self.adds}
        sent = [(name.encode(), value.encode("latin-1")) for name, value in answered.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": sent})
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        said = body if self.says is None else self.says.replace(b"{key}", key.encode())
        await send({"type": "http.response.body", "body": said})
