"""A block that ends when the client hangs up.

A watcher task reads `http.disconnect` and cancels the task in the block at once, so that the pipeline's cleanup runs
in the request's own task. Modelled on `asyncio.timeout`: only the watcher's own cancellation is turned into ClientGone.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from lib.web.asgi import ClientGone, Receive


class WhileConnected:
    """`async with WhileConnected(receive):` raises ClientGone from the block when the client hangs up.

    The request's body must have been read. The last piece of a response is best sent after the block.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("This block needs a running task.")
        self._task = task
        self._cancelling = task.cancelling()
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        if not self._gone:
            return
        ours = self._task.uncancel() <= self._cancelling
        if ours and (kind is None or issubclass(kind, asyncio.CancelledError)):
            raise ClientGone from error

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._task.cancel()
