"""API keys in the KV: created, found, listed, changed, rotated, revoked.

A change is written only over the record it was made from, so that of two at the same time none is lost and a
revocation stands whatever else is going on. Lists are sorted sets of names, read a page at a time.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lib.access.key_record import KeyRecord, KeyTerms, changed, decode, encode, revoked, rotated
from lib.access.key_token import KeyToken, is_key_id, new_token, read_token
from lib.clock import Clock
from lib.errors import InvalidRequest, NotFound, Overloaded, StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.store import Store

PAGE: Final = 50
LIST_SECONDS: Final = 6 * 366 * 86_400
"""A list outlives every record in it: no key is valid for longer than five years."""
USE_NOTED_SECONDS: Final = 86_400
"""A key's use is noted once in so long."""
TRIES: Final = 20
"""Changes of one key at the same time that are sorted out before the caller is asked to come again."""
_CURSOR: Final = re.compile(r"[0-9]{10}:[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Issued:
    """A key with a new secret. `token` is the only place where that ever stands in full."""

    record: KeyRecord
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Keys, the newest first; `cursor` asks for what follows and is empty at the end."""

    records: tuple[KeyRecord, ...]
    cursor: str = ""


class ApiKeys:
    """All keys of this deployment. Every method raises StoreError when the KV does not answer."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, fresh: Callable[[int], str] = secrets.token_hex) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._fresh = fresh
        self._script = script("replace_record")

    def token_in(self, credential: str) -> KeyToken | None:
        """The key in a credential; None for one that this deployment cannot have given out."""
        return read_token(credential, self._keys)

    async def create(self, user_id: str, terms: KeyTerms) -> Issued:
        """A new key for a user."""
        token = new_token(self._fresh)
        record = KeyRecord(
            id=token.id, user_id=user_id, hash=token.hash, created_at=int(self._clock.now()), terms=terms
        )
        if not await self._write("", record):
            raise Overloaded("try again", retry_after=1.0, detail="a fresh key id was taken already")
        return Issued(record, token.text(self._keys))

    async def find(self, key_id: str) -> KeyRecord | None:
        """The key of that public id, also one that is no longer valid."""
        return decode(await self._read(key_id))

    async def get(self, key_id: str) -> KeyRecord:
        """The same. Raises NotFound."""
        record = await self.find(key_id) if is_key_id(key_id) else None
        if record is None:
            raise NotFound("There is no key of that id.")
        return record

    async def page(self, user_id: str = "", cursor: str = "") -> Page:
        """One page of all keys, or of one user's. It may hold fewer than a page although more follow.

        Raises InvalidRequest for a cursor that no page gave.
        """
        if cursor and not _CURSOR.fullmatch(cursor):
            raise InvalidRequest("This is not a cursor that a list gave.", param="cursor")
        listed = self._keys.api_keys_of(self._keys.person(user_id)) if user_id else self._keys.api_keys
        found = await self._names(listed, cursor)
        if not found:
            return Page(())
        records = await self._records([name.partition(":")[2] for name in found])
        if gone := [name for name, record in zip(found, records, strict=True) if record is None]:
            await self._store.run("ZREM", listed, *gone)
        return Page(tuple(filter(None, records)), found[-1] if len(found) == PAGE else "")

    async def _names(self, listed: str, cursor: str) -> list[str]:
        start = f"({cursor}" if cursor else "+"
        names = await self._store.run("ZREVRANGEBYLEX", listed, start, "-", "LIMIT", 0, PAGE)
        return list(map(str, names)) if isinstance(names, list) else []

    async def _records(self, ids: Sequence[str]) -> list[KeyRecord | None]:
        texts = await self._store.run("MGET", *map(self._keys.api_key, ids))
        return [decode(text) if isinstance(text, str) else None for text in texts] if isinstance(texts, list) else []

    async def change(self, key_id: str, other: Callable[[KeyTerms], KeyTerms]) -> KeyRecord:
        """Give a key other terms. Raises NotFound, Conflict for a revoked one."""
        return await self._alter(key_id, lambda record: changed(record, other(record.terms)))

    async def rotate(self, key_id: str, overlap_seconds: int) -> Issued:
        """A new secret for a key; the old one stays valid for the overlap. Raises NotFound, Conflict."""
        token, now = new_token(self._fresh, key_id), int(self._clock.now())
        record = await self._alter(key_id, lambda record: rotated(record, token.hash, now, overlap_seconds))
        return Issued(record, token.text(self._keys))

    async def revoke(self, key_id: str) -> KeyRecord:
        """Close a key for good; as often as one likes. Raises NotFound."""
        return await self._alter(key_id, lambda record: revoked(record, int(self._clock.now())))

    async def note_use(self, record: KeyRecord) -> None:
        """Note that a key is in use, where that has not been done of late, and thereby keep it and its lists."""
        if self._use_is_due(record):
            now = int(self._clock.now())
            await self._alter(record.id, lambda seen: replace(seen, used_at=now) if self._use_is_due(seen) else seen)

    def _use_is_due(self, record: KeyRecord) -> bool:
        return record.used_at is None or self._clock.now() - record.used_at >= USE_NOTED_SECONDS

    async def _alter(self, key_id: str, act: Callable[[KeyRecord], KeyRecord]) -> KeyRecord:
        """Read, change, and write unless someone else has written meanwhile: then all over again."""
        for _ in range(TRIES):
            text = await self._read(key_id) if is_key_id(key_id) else ""
            record = decode(text)
            if record is None:
                raise NotFound("There is no key of that id.")
            new = act(record)
            if new == record or await self._write(text, new):
                return new
        raise Overloaded("this key is being changed by too many at the same time; try again soon", retry_after=1.0)

    async def _read(self, key_id: str) -> str:
        text = await self._store.run("GET", self._keys.api_key(key_id))
        return text if isinstance(text, str) else ""

    async def _write(self, before: str, record: KeyRecord) -> bool:
        keys = self._keys
        named = (keys.api_key(record.id), keys.api_keys_of(keys.person(record.user_id)), keys.api_keys)
        seconds = record.kept_seconds(self._clock.now())
        name = f"{record.created_at:010d}:{record.id}"
        reply = await self._store.run(
            *("EVAL", self._script, len(named), *named, before, encode(record), seconds, name, LIST_SECONDS)
        )
        if reply not in (0, 1):
            raise StoreError("the script that writes keys answered with something else")
        return reply == 1
