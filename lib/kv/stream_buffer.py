"""Streams kept in the KV while somebody may come back to them, under their user and request.

A stream is text of whole lines. Its remaining lifetime tells whether its writer is alive: every sign of life sets it
anew. A mark beside it says what readers want. Who has which chat under way is noted by user, so that all can be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

KEPT_MS: Final = 300_000
"""Lifetime of a stream from its last sign of life, or from an end that nobody has seen."""
SEEN_MS: Final = 30_000
"""From an end that its caller has seen: a connection may have died without a sign."""
LEASE_MS: Final = 15_000
"""Without a sign of life for so long, a writer counts as dead."""
WISH_MS: Final = 6_000
"""How long readers' wishes hold; who still has one says so again."""
STOP_MS: Final = 60_000
SLOT_SECONDS: Final = 900
"""Notes of chats are kept by quarters of an hour; a stream lives less long, so two of them hold all."""


@dataclass(frozen=True, slots=True)
class StreamName:
    """The user's hash and the id of the request that is answered."""

    person: str
    request_id: str


class Wish(StrEnum):
    """What readers want of a writer."""

    NOTHING = ""
    READ = "read"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Sign:
    """What a writer learns: whether its stream is still there, and what is wished."""

    there: bool
    wish: Wish


@dataclass(frozen=True, slots=True)
class Slice:
    """What a reader got: the text from its offset on, and whether the stream's writer is there (or has finished)."""

    text: str
    alive: bool


class StreamBuffer:
    """Every method is one round trip and raises StoreError when the KV cannot say; all writes may be repeated."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._begin = script("begin_stream")
        self._extend = script("extend_stream")

    async def begin(self, name: StreamName, chat_id: str, text: str, lifetime_ms: int) -> None:
        """Keep a stream that is not kept yet, and note that it answers this chat."""
        chat = self._keys.chat(name.person, chat_id)
        named = (self.key_of(name), self._notes(name.person, 0), self._keys.tombstone(name.person))
        await self._store.run(
            *("EVAL", self._begin, 3, *named, text, lifetime_ms, chat, name.request_id, 2 * SLOT_SECONDS)
        )

    async def extend(self, name: StreamName, offset: int, text: str, lifetime_ms: int) -> bool:
        """Add text that begins at this offset (bytes). False when the stream is gone."""
        extend = ("EVAL", self._extend, 1, self.key_of(name), offset, text, lifetime_ms)
        return await self._store.run(*extend) != -1

    async def look(self, name: StreamName) -> Sign:
        """A sign of life without text."""
        there, wish = await self._all(
            ("PEXPIRE", self.key_of(name), KEPT_MS), ("GET", self._keys.stream_wish(name.person, name.request_id))
        )
        return Sign(there == 1, _wish(wish))

    async def extend_and_look(self, name: StreamName, offset: int, text: str) -> Sign:
        """Both at once."""
        length, wish = await self._all(
            ("EVAL", self._extend, 1, self.key_of(name), offset, text, KEPT_MS),
            ("GET", self._keys.stream_wish(name.person, name.request_id)),
        )
        return Sign(length != -1, _wish(wish))

    async def find(self, person: str, chat_id: str) -> StreamName | None:
        """The latest stream of one of the user's chats."""
        chat = self._keys.chat(person, chat_id)
        found = await self._all(*(("HGET", self._notes(person, ago), chat) for ago in (0, 1)))
        latest = next((request_id for request_id in found if isinstance(request_id, str)), None)
        return StreamName(person, latest) if latest else None

    async def read(self, name: StreamName, offset: int, *, wish: bool) -> Slice:
        """The text from an offset (bytes) on. `wish` tells the writer that somebody reads along."""
        commands: list[Command] = [("GETRANGE", self.key_of(name), offset, -1), ("PTTL", self.key_of(name))]
        if wish:
            mark = self._keys.stream_wish(name.person, name.request_id)
            commands.append(("SET", mark, Wish.READ.value, "PX", WISH_MS, "NX"))
        text, left, *_ = await self._all(*commands)
        alive = isinstance(left, int) and left > KEPT_MS - LEASE_MS
        return Slice(text if isinstance(text, str) else "", alive)

    async def stop(self, name: StreamName) -> None:
        """Ask the writer to end its answer."""
        await self._store.run(
            "SET", self._keys.stream_wish(name.person, name.request_id), Wish.STOP.value, "PX", STOP_MS
        )

    async def seen(self, name: StreamName) -> None:
        """A reader has had a finished stream to its end: it need not be kept for long."""
        await self._store.run("PEXPIRE", self.key_of(name), SEEN_MS)

    async def keys_of(self, person: str) -> list[str]:
        """Every key that streams of this user may have, for whoever deletes the user."""
        notes = [self._notes(person, ago) for ago in (0, 1)]
        held = await self._all(*(("HVALS", note) for note in notes))
        ids = [str(request_id) for reply in held if isinstance(reply, list) for request_id in reply]
        streams = [self._keys.stream(person, request_id) for request_id in ids]
        return [*notes, *streams, *(self._keys.stream_wish(person, request_id) for request_id in ids)]

    def key_of(self, name: StreamName) -> str:
        """Where its text is."""
        return self._keys.stream(name.person, name.request_id)

    def _notes(self, person: str, ago: int) -> str:
        return self._keys.streams_of(person, int(self._clock.now()) // SLOT_SECONDS - ago)

    async def _all(self, *commands: Command) -> list[Reply]:
        replies: list[Reply] = []
        for reply in await self._store.run_many(commands):
            if isinstance(reply, StoreError):
                raise reply
            replies.append(reply)
        return replies


def _wish(reply: Reply) -> Wish:
    return Wish(reply) if isinstance(reply, str) and reply in tuple(Wish) else Wish.NOTHING
