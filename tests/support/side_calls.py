"""Third parties as a test scripts them, in the place of `lib.side_calls`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from lib.errors import SideCallFailed
from lib.side_calls import SideAnswer, SideCalls


@dataclass(frozen=True)
class Sent:
    """One call."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


class ScriptedSideCalls(SideCalls):
    """Gives `says` with `status`, or fails when `status` is 0; while `held`, calls wait for `release`.

    `elsewhere` has answers of their own for addresses that hold a text.
    """

    def __init__(self, says: object = None, status: int = 200, elsewhere: Mapping[str, object] | None = None) -> None:
        super().__init__()
        self._elsewhere = elsewhere or {}
        self.says = says
        self.status = status
        self.sent: list[Sent] = []
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"", seconds: float = 5.0
    ) -> SideAnswer:
        """See `SideCalls.send`."""
        del seconds
        self.sent.append(Sent(method, url, dict(headers), content))
        await self._open.wait()
        if not self.status:
            raise SideCallFailed("nobody answers")
        says = next((answer for text, answer in self._elsewhere.items() if text in url), self.says)
        return SideAnswer(self.status, {}, says if isinstance(says, bytes) else orjson.dumps(says))
