"""One request's usage record, found by its id: a few reads within the log, and nothing written for it beforehand."""

from __future__ import annotations

from typing import Final

from lib.ai.observability.log import DAY_SECONDS, records_in
from lib.ai.observability.record import ABOUT_OTHERS, UsageRecord
from lib.kv.keys import Keys, day_of
from lib.kv.lua import script
from lib.kv.store import Store

LOOKED_THROUGH: Final = 4_096
"""Records read from where the search begins."""
OUT_OF_ORDER_SECONDS: Final = 30.0
"""By which records of instances may be out of order, as their clocks differ."""
LONGEST_REQUEST: Final = 900.0
"""Seconds from a request's begin to its record."""


def begun_at(request_id: str, now: float, oldest: float) -> float | None:
    """The second in which an id was made (its first eight digits); None when it tells none of the last `oldest`."""
    digits = request_id.removeprefix("req_")[:8]
    try:
        begun = float(int(digits, 16))
    except ValueError:
        return None
    return begun if now - oldest <= begun <= now + OUT_OF_ORDER_SECONDS else None


class RecordFinder:
    """Finds records of the last `oldest` seconds. Raises StoreError when the KV cannot be read."""

    def __init__(self, store: Store, keys: Keys, oldest: float) -> None:
        self._store = store
        self._keys = keys
        self._oldest = oldest
        self._script = script("find_record")

    async def find(self, person: str, request_id: str, now: float) -> UsageRecord | None:
        """The record that closed this user's request, or None: of another user, unknown, older or still open."""
        begun = begun_at(request_id, now, self._oldest)
        moments = (begun, begun + LONGEST_REQUEST) if begun else (now, now - DAY_SECONDS)
        lists = [self._keys.log(day, self._keys.shard(person)) for day in dict.fromkeys(map(day_of, moments))]
        start = int(begun - OUT_OF_ORDER_SECONDS) if begun else 0
        head = f'{{"id":"{request_id}"'
        reply = await self._store.run("EVAL", self._script, len(lists), *lists, head, start, LOOKED_THROUGH)
        own = [r for r in records_in(reply) if r.person == person and r.kind not in ABOUT_OTHERS]
        return own[-1] if own else None
