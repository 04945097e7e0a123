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
    """`host + path` of each request is kept in `asked`. With a `status`, every answer is that error."""

    status: int = 200
    says: bytes | None = None
    """The body of every answer instead of the wire's own."""
    asked: list[str] = field(default_factory=list[str])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        await receive()
        self.asked.append(headers["host"] + scope["path"])
        self.headers.append(headers)
        body = orjson.dumps(ANTHROPIC if scope["path"].endswith("/messages") else OPENAI)
        content_type = (b"content-type", b"application/json")
        await send({"type": "http.response.start", "status": self.status, "headers": [content_type]})
        await send({"type": "http.response.body", "body": body if self.says is None else self.says})
