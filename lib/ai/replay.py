"""Reads kept streams: from the start, then along with their writer until the end, on whatever instance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lib.ai.kept_stream import BROKEN_OFF, DamagedStream, Failure, Kept, event_of, note_of, opened_lines
from lib.answer import Done, Event
from lib.clock import Clock
from lib.errors import StoreError, UpstreamFailed
from lib.kv.deduplication import Outcome
from lib.kv.keys import Keys
from lib.kv.seal import Seal
from lib.kv.stream_buffer import LEASE_MS, WISH_MS, StreamBuffer, StreamName
from lib.kv.vault import Vault

LOOK_SECONDS: Final = 0.5
LATER: Final = "The answer is not finished yet; come back to it once more."


class Reader:
    """One reader's place in one stream."""

    def __init__(self, buffer: StreamBuffer, clock: Clock, name: StreamName, seal: Seal) -> None:
        self.name = name
        self.note = ""
        self.alive = True
        """Whether the writer has given a sign of life of late."""
        self._buffer = buffer
        self._clock = clock
        self._seal = seal
        self._offset = self._lines = 0
        self._wished_at = self._heard_at = float("-inf")

    async def look(self) -> list[Kept]:
        """What is new. Raises StoreError, and DamagedStream for what nobody here has written."""
        now = self._clock.monotonic()
        wish = now >= self._wished_at + WISH_MS / 2000
        found = await self._buffer.read(self.name, self._offset, wish=wish)
        self._wished_at = now if wish else self._wished_at
        self._heard_at, self.alive = now, found.alive
        kept = found.text.split("\n")[:-1]
        lines = opened_lines(self._seal, self._buffer.key_of(self.name), self._lines, kept)
        self._lines += len(kept)
        if lines and not self._offset:
            self.note = note_of(lines.pop(0))
        self._offset += len(found.text.encode())
        return [event_of(line) for line in lines]

    async def look_again(self) -> Sequence[Kept]:
        """The same; without the KV nothing is new for as long as the writer may be alive."""
        try:
            return await self.look()
        except StoreError:
            self.alive = self._clock.monotonic() < self._heard_at + LEASE_MS / 1000
        except DamagedStream:
            self.alive = False
        return ()

    async def seen(self) -> None:
        """The end has been read: the stream need not be kept for long."""
        with suppress(StoreError):
            await self._buffer.seen(self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """A stream that is kept, with what it held when it was found."""

    reader: Reader
    first: Sequence[Kept]
    clock: Clock

    @property
    def note(self) -> str:
        """What was to be kept beside it, see `Resumption`."""
        return self.reader.note

    async def events(self, deadline: float) -> AsyncGenerator[Event, None]:
        """Everything from the start to the end. Raises the error it ends in; UpstreamFailed when its writer is gone."""
        news = self.first
        while True:
            for event in news:
                if isinstance(event, Failure):
                    raise event.error
                if isinstance(event, Done):
                    await self.reader.seen()
                yield event
                if isinstance(event, Done):
                    return
            if not (news or self.reader.alive):
                raise UpstreamFailed(BROKEN_OFF)
            if self.clock.now() >= deadline:
                raise UpstreamFailed(LATER, status=504)
            await self.clock.sleep(LOOK_SECONDS)
            news = await self.reader.look_again()


class Replay:
    """Finds, follows and stops streams."""

    def __init__(self, buffer: StreamBuffer, keys: Keys, clock: Clock, vault: Vault) -> None:
        self._buffer = buffer
        self._keys = keys
        self._vault = vault
        self._clock = clock

    async def find(self, user_id: str, chat_id: str) -> Found | None:
        """The latest stream of this user's chat, if one is still kept. Raises StoreError."""
        name = await self._buffer.find(self._keys.person(user_id), chat_id)
        seal = await self._vault.of(name.person) if name else None
        if name is None or seal is None:
            return None
        reader = Reader(self._buffer, self._clock, name, seal)
        try:
            events = await reader.look()
        except DamagedStream:
            return None
        return Found(reader, events, self._clock) if reader.note else None

    async def stop(self, user_id: str, chat_id: str) -> None:
        """Have the answer to this user's chat ended, if one is under way. Raises StoreError."""
        if (name := await self._buffer.find(self._keys.person(user_id), chat_id)) is not None:
            await self._buffer.stop(name)

    async def along(self, name: StreamName, seal: Seal, until: asyncio.Future[Outcome]) -> AsyncGenerator[Kept, None]:
        """What comes, while `until` is not done, of a stream that may not be kept at all; its end is not told."""
        reader = Reader(self._buffer, self._clock, name, seal)
        while not until.done():
            for event in await reader.look_again():
                if isinstance(event, Done | Failure):
                    return
                yield event
            pause = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
            either: tuple[asyncio.Future[None] | asyncio.Future[Outcome], ...] = (pause, until)
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
