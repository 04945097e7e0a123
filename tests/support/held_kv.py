"""A store that keeps a call waiting for ever, before or after it has run, so that its caller can be killed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class HeldKv:
    """An ASGI app. The next request whose body contains `before` is not run, one with `after` is run unanswered."""

    app: ASGIApp
    before: bytes = b""
    after: bytes = b""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request is kept."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message.get("body", b"")

        async def again() -> Message:
            return message

        if self.before and self.before in body:
            self.before = b""
            await self._keep()
        elif self.after and self.after in body:
            self.after = b""
            await self.app(scope, again, _nowhere)
            await self._keep()
        await self.app(scope, again, send)

    async def _keep(self) -> None:
        self.held.set()
        await asyncio.Event().wait()


async def _nowhere(_: Message) -> None:
    """Answers nobody."""
