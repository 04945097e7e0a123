"""The near tier as it is measured: the product's own, on a store in this process, behind the exact tier."""

from __future__ import annotations

import random
from typing import Final

from bench.semantic_cache.tiers import ExactTier, Served, key_of
from dev.kv.memory import MemoryStore
from lib.ai.near.look import Kept, Look
from lib.ai.near.pools import BINS, SCALE, Pools, bin_of
from lib.ai.near.tier import Asked, NearRules, NearTier
from lib.answer import Answer, Choice, Usage
from lib.contract import CacheWish
from lib.kv.cache import EntryMeta, encode
from lib.kv.keys import Keys
from lib.kv.replies import Reply
from lib.kv.seal import PLAIN
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore

SECONDS: Final = 86_400
EVERY: Final = 1.0
"""Seconds from one request to the next: what has been compared is known a minute later, as it is in a deployment."""
MANY: Final = 10_000
"""Comparisons that all came out well: certify what is to be served as it is."""


class NearCache:
    """Exact, then near. `served_from` serves whatever scores as much; without it certification decides."""

    def __init__(self, max_wrong: float = 0.01, *, seed: int = 0, served_from: float | None = None) -> None:
        self._exact = ExactTier()
        self._clock = HandTurnedClock()
        self._store = FakeStore(MemoryStore(self._clock.now))
        self._keys = Keys("bench", "")
        pools = Pools(self._keys, self._clock)
        rules = NearRules("near", max_wrong, per_scope=True)
        self._tier = NearTier(self._store, pools, random.Random(seed), rules)
        self._certified = None if served_from is None else _certified(served_from)
        self._look: Look | None = None

    async def ask(self, text: str) -> Served | None:
        """See Tier."""
        self._clock.turn(EVERY)
        self._look = None
        if (exact := await self._exact.ask(text)) is not None:
            return exact
        look = self._look = self._tier.begin(text, Asked("0" * 40, key_of(text), "0" * 20, CacheWish()))
        if look is None:
            return None
        riders = list(self._tier.riders(look))
        replies = await self._store.run_many([command for command, _ in riders])
        for (_, take), reply in zip(riders, replies, strict=True):
            take(reply)
        if self._certified is not None:
            self._tier.pools.learn(look.pool, self._certified)
        match = await self._tier.match(look, PLAIN)
        return None if match is None else Served(match.entry.answer.text, near=True)

    async def store(self, text: str, answer: str) -> None:
        """See Tier."""
        await self._exact.store(text, answer)
        if self._look is None or self._look.question.text != text:
            self._look = self._tier.begin(text, Asked("0" * 40, key_of(text), "0" * 20, CacheWish()))
        if self._look is not None:
            kept = Kept(self._entry(answer), SECONDS, PLAIN)
            commands = [self._tier.text_of(self._look, kept), *self._tier.learned(self._look, answer)]
            await self._store.run_many(commands)

    def _entry(self, text: str) -> str:
        answer = Answer(
            choices=(Choice(text=text),), model="m", provider="p", served_model="m", usage=Usage(), cost_micro_usd=1
        )
        return encode(answer, EntryMeta(at=self._clock.now(), kind="factual", why="bench", seconds=SECONDS))


def _certified(served_from: float) -> list[Reply]:
    """A pool's fields under which all that scores as much is served."""
    return [part for at in range(bin_of(served_from), BINS) for part in (f"s{at}", str(int(MANY * SCALE)))]
