"""The search for keys without a lifetime: a function killed between a write and its EXPIRE leaves one behind.

Each run looks through a part of the store and remembers where it stopped: it costs little however large that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.store import Store

KEYS_AT_ONCE: Final = 500
ROUNDS: Final = 40
"""Of one run: 20,000 keys, in 80 commands."""
CURSOR_SECONDS: Final = 40 * 86_400


@dataclass(frozen=True, slots=True)
class Looked:
    """What one run has done. `whole` when it came to the end of the store."""

    keys: int
    expired: int
    whole: bool


class ExpirySweep:
    """Gives such keys a lifetime of `seconds`."""

    def __init__(self, store: Store, keys: Keys, seconds: int) -> None:
        self._store = store
        self._keys = keys
        self._seconds = seconds
        self._script = script("expire_forgotten")

    async def run(self) -> Looked:
        """One run. Raises StoreError."""
        kept = await self._store.run("GET", self._keys.expiry_cursor)
        cursor = kept if isinstance(kept, str) and kept.isdecimal() else "0"
        seen = expired = 0
        for _ in range(ROUNDS):
            cursor, names = await self._page(cursor)
            seen += len(names)
            expired += await self._expire(names)
            if cursor == "0":
                break
        await self._store.run("SET", self._keys.expiry_cursor, cursor, "EX", CURSOR_SECONDS)
        return Looked(seen, expired, whole=cursor == "0")

    async def _page(self, cursor: str) -> tuple[str, list[str]]:
        match await self._store.run("SCAN", cursor, "MATCH", self._keys.every, "COUNT", KEYS_AT_ONCE):
            case [str() | int() as following, list(names)]:
                return str(following), [name for name in names if isinstance(name, str)]
            case _:
                raise StoreError("the store's answer to SCAN is none")

    async def _expire(self, names: list[str]) -> int:
        if not names:
            return 0
        count = await self._store.run("EVAL", self._script, len(names), *names, self._seconds)
        return count if isinstance(count, int) else 0
