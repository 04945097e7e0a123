"""Reads an answer in a task of its own, so that it can go on when the caller who asked for it has hung up.

Others may wait for the same answer; whoever runs the request decides then whether it goes on or ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from enum import Enum
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

AHEAD: Final = 64
"""Items read ahead of the caller: a slow caller slows the provider down."""


class _End(Enum):
    """Stands for the end of the source in the queue."""

    END = "end"


class Pump(Generic[Item]):
    """Iterate over it once. `finish` reads on without a caller, `stop` ends the source; one of them must be awaited."""

    def __init__(self, source: AsyncGenerator[Item, None]) -> None:
        self._queue: asyncio.Queue[Item | _End] = asyncio.Queue(AHEAD)
        self._unread = False
        self._broken_by: Exception | None = None
        self._task = asyncio.create_task(self._run(source))

    async def _run(self, source: AsyncGenerator[Item, None]) -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    if not self._unread:
                        await self._queue.put(item)
        finally:
            if not self._unread:
                await self._queue.put(_End.END)

    async def __aiter__(self) -> AsyncIterator[Item]:
        """The source's items; raises what the source raises."""
        while not isinstance(item := await self._queue.get(), _End):
            yield item
        if self._broken_by is not None:
            raise self._broken_by
        await self._task

    @property
    def running(self) -> bool:
        """Whether the source is not at its end."""
        return not self._task.done()

    def break_off(self, error: Exception) -> None:
        """End the source now; whoever iterates gets what has come, then the error."""
        if self.running:
            self._broken_by = error
            self._task.cancel()

    async def finish(self) -> None:
        """Read the source to its end, dropping what comes and what it raises."""
        self._unread = True
        while not self._queue.empty():
            self._queue.get_nowait()
        await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self) -> None:
        """End the source now."""
        self._unread = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
