"""Comments in a silent event stream, so that no proxy on the way takes it for dead."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from lib.clock import Clock
from lib.web.asgi import ClientGone, Wire
from lib.web.encoders import KEEP_ALIVE


class KeepAlive:
    """A stream's wire within `async with`: when nothing was sent for `seconds`, `beat` is. None switches it off.

    Each message holds whole events, so a beat can stand between any two.
    """

    def __init__(self, wire: Wire, clock: Clock, seconds: float | None, beat: bytes = KEEP_ALIVE) -> None:
        self._wire = wire
        self._clock = clock
        self._seconds = seconds
        self._beat = beat
        self._sent = 0
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._seconds is not None:
            self._ticker = asyncio.create_task(self._tick(self._seconds))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()

    async def chunk(self, data: bytes) -> None:
        """Send a piece of the stream; an empty one is not sent.

        The loop has its turn after each: pieces that come in a burst would keep it from seeing that the client left.
        """
        if data:
            self._sent += 1
            await self._wire.chunk(data)
            await self._clock.sleep(0)

    async def _tick(self, seconds: float) -> None:
        while True:
            before = self._sent
            await self._clock.sleep(seconds)
            if self._sent == before:
                try:
                    await self._wire.chunk(self._beat)
                except ClientGone:
                    return
