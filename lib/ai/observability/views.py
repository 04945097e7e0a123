"""Reading totals: several views and blocks in one script, several such scripts in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lib.ai.observability.histogram import BUCKETS
from lib.ai.observability.shown import Timed
from lib.ai.observability.totals import COUNTERS, FIRST_TOKEN_BIT, LATENCY_BIT, WIDTH, Totals, as_totals
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

AT_ONCE: Final = 8_192
"""Counters that one script reads at most."""
SCRIPTS_AT_ONCE: Final = 8
UNUSED: Final = Timed(Totals(), (0,) * BUCKETS, (0,) * BUCKETS)


class Views:
    """Reads views and rankings. Methods raise StoreError."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys
        self._script = script("views")

    async def timed(self, keys: Sequence[str]) -> list[Timed]:
        """Whole periods with their histograms; of those without requests no more is read than that."""
        counts = await self._read(keys, ("u48", 0, 1), 1)
        used = [key for key, count in zip(keys, counts, strict=True) if any(count)]
        histograms = ("u32", LATENCY_BIT, BUCKETS, "u32", FIRST_TOKEN_BIT, BUCKETS)
        n = len(COUNTERS)
        rows = await self._read(used, ("u48", 0, n, *histograms), n + 2 * BUCKETS)
        found = [Timed(as_totals(row[:n]), row[n : n + BUCKETS], row[n + BUCKETS :]) for row in rows]
        by_key = dict(zip(used, found, strict=True))
        return [by_key.get(key, UNUSED) for key in keys]

    async def blocks(self, keys: Sequence[str], blocks: Sequence[int]) -> list[list[Totals]]:
        """Some blocks of each view."""
        n = len(COUNTERS)
        ranges = [piece for block in blocks for piece in ("u48", block * WIDTH * 48, n)]
        rows = await self._read(keys, ranges, n * len(blocks))
        return [[as_totals(row[i * n : (i + 1) * n]) for i in range(len(blocks))] for row in rows]

    async def wholes(self, keys: Sequence[str]) -> list[Totals]:
        """Whole periods, without their histograms."""
        return [found[0] for found in await self.blocks(keys, (0,))]

    async def names(self, what: str, period: str, most: int | None = None) -> list[str]:
        """The names that have totals in a period, those that cost most first; all, or the first `most`."""
        reply = await self._store.run(
            "ZREVRANGE", self._keys.ranking(what, period), 0, -1 if most is None else most - 1
        )
        return [name for name in reply if isinstance(name, str)] if isinstance(reply, list) else []

    async def _read(self, keys: Sequence[str], ranges: Sequence[str | int], counters: int) -> list[list[int]]:
        size = max(1, AT_ONCE // max(1, counters))
        parts = [keys[i : i + size] for i in range(0, len(keys), size)]
        commands: list[Command] = [("EVAL", self._script, len(part), *part, *ranges) for part in parts]
        rows: list[list[int]] = []
        for i in range(0, len(commands), SCRIPTS_AT_ONCE):
            for reply in await self._store.run_many(commands[i : i + SCRIPTS_AT_ONCE]):
                rows += rows_in(reply)
        return rows


def rows_in(reply: Reply | StoreError) -> list[list[int]]:
    """The script's reply as numbers. Raises StoreError."""
    if isinstance(reply, StoreError):
        raise reply
    rows = reply if isinstance(reply, list) else []
    return [[n for n in row if isinstance(n, int)] if isinstance(row, list) else [] for row in rows]
