"""Keeps one answer in the KV while its user may come back to it.

Nothing is written in an answer's first second. After that the KV gets a sign of life every two seconds, and text only
when somebody reads along, when the caller hangs up, and at the end: an answer that arrives costs little more than one
that cannot be resumed. Trouble with the KV never reaches the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lib.ai.kept_stream import BROKEN_OFF, Failure, Kept, head_line, lines_of, sealed_lines
from lib.answer import Delta, Done
from lib.clock import Clock
from lib.contract import Resumption
from lib.errors import StoreError, UpstreamFailed
from lib.kv.seal import PLAIN, Seal
from lib.kv.stream_buffer import KEPT_MS, SEEN_MS, Sign, StreamBuffer, StreamName, Wish

FIRST_SECONDS: Final = 1.0
"""Shorter answers are not kept at all, unless their caller hangs up."""
IDLE_SECONDS: Final = 2.0
READ_SECONDS: Final = 0.5
"""Between writes while somebody reads along."""
READERS_STAY_SECONDS: Final = 10.0
MOST_CHARACTERS: Final = 262_144
TOO_LONG: Final = "This answer is too long to be resumed."


@dataclass(frozen=True, slots=True)
class Writing:
    """Which stream is kept, what its caller has said about it, and what its lines are sealed with."""

    name: StreamName
    wanted: Resumption
    seal: Seal = PLAIN


class Recorder:
    """Takes in events as they come (`add`) and writes them from a task of its own until `close`.

    `on_stop` is called when the user asks for the answer's end.
    """

    def __init__(self, buffer: StreamBuffer, clock: Clock, writing: Writing, on_stop: Callable[[], None]) -> None:
        self._buffer = buffer
        self._clock = clock
        self._name = writing.name
        self._chat_id = writing.wanted.chat_id
        self._seal = writing.seal
        self._on_stop = on_stop
        self._lines = 0
        self._unsent = self._sealed(head_line(writing.wanted.note))
        self._coming: list[Kept] = []
        self._characters = 0
        self._offset = 0
        self._begun = False
        self._ended = False
        self._read_until = float("-inf")
        self._turn = asyncio.Lock()
        self.over = asyncio.Event()
        """Nobody can come back to this stream: it is gone from the KV, or was stopped."""
        self._task = asyncio.create_task(self._run())

    def add(self, event: Kept) -> None:
        """Take an event in. One that ends the stream is the last that counts."""
        if self._ended:
            return
        self._ended = isinstance(event, Done | Failure)
        self._characters += _length(event) if isinstance(event, Delta) else 0
        if self._characters > MOST_CHARACTERS and not self._ended:
            event, self._ended = Failure(UpstreamFailed(TOO_LONG, status=503)), True
        self._coming.append(event)

    async def left(self) -> bool:
        """The caller has hung up: write what there is. Whether it is in the KV now, so that they can come back."""
        await self._write(KEPT_MS)
        return self._begun and not self.over.is_set()

    async def close(self, *, seen: bool) -> None:
        """Write the rest. `seen` tells whether the caller has had the end. Raises nothing."""
        async with self._turn:  # a write under way is not cut: its outcome would be unknown
            self._task.cancel()
        self.add(Failure(UpstreamFailed(BROKEN_OFF)))  # where no other end has come
        if self._begun or not seen:
            await self._write(SEEN_MS if seen else KEPT_MS)

    async def _run(self) -> None:
        await self._clock.sleep(FIRST_SECONDS)
        while not self.over.is_set():
            await self._beat()
            await self._clock.sleep(READ_SECONDS if self._is_read else IDLE_SECONDS)

    async def _beat(self) -> None:
        if not self._begun:
            await self._write(KEPT_MS)
            return
        read = self._is_read
        async with self._turn:
            with suppress(StoreError):
                self._heed(await self._look())
        if self._is_read and not read:
            await self._write(KEPT_MS)

    async def _look(self) -> Sign:
        if not self._is_read or not (text := self._text()):
            return await self._buffer.look(self._name)
        sign = await self._buffer.extend_and_look(self._name, self._offset, text)
        self._sent(text)
        return sign

    def _heed(self, sign: Sign) -> None:
        if sign.wish is Wish.STOP:
            self._on_stop()
        if sign.wish is Wish.READ:
            self._read_until = self._clock.monotonic() + READERS_STAY_SECONDS
        if not sign.there or sign.wish is Wish.STOP:
            self.over.set()

    @property
    def _is_read(self) -> bool:
        return self._clock.monotonic() < self._read_until

    async def _write(self, lifetime_ms: int) -> None:
        async with self._turn:
            text = self._text()
            with suppress(StoreError):
                if not self._begun:
                    await self._buffer.begin(self._name, self._chat_id, text, lifetime_ms)
                    self._begun = True
                elif not await self._buffer.extend(self._name, self._offset, text, lifetime_ms):
                    self.over.set()
                self._sent(text)

    def _text(self) -> str:
        """What the KV does not have yet; kept until it certainly does."""
        coming, self._coming = self._coming, []
        self._unsent += self._sealed(lines_of(coming))
        return self._unsent

    def _sealed(self, text: str) -> str:
        first, self._lines = self._lines, self._lines + text.count("\n")
        return sealed_lines(self._seal, self._buffer.key_of(self._name), first, text)

    def _sent(self, text: str) -> None:
        self._offset += len(text.encode())
        self._unsent = ""


def _length(delta: Delta) -> int:
    called = len(delta.tool_call.arguments) if delta.tool_call else 0
    return len(delta.text) + len(delta.reasoning) + len(delta.refusal) + called
