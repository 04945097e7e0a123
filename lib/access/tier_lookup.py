"""The tier of a user whose credential names none: what Stripe's events told, else Supabase's table, else the lowest.

An instance remembers for `INSTANCE_SECONDS`, the KV for longer; what cannot be asked again is served stale for a day.
One lookup at a time per user, and no request waits for it longer than it may.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from lib.access.subscriptions import Told, decode
from lib.clock import Clock
from lib.errors import SideCallFailed, StoreError
from lib.kv.kept import kept
from lib.kv.keys import Keys
from lib.kv.store import Store

INSTANCE_SECONDS: Final = 30.0
"""How long an instance answers from its memory: after this at the latest a change told by Stripe holds everywhere."""
REST_SECONDS: Final = 5.0
"""The table is left alone this long after it gave no answer."""
STALE_SECONDS: Final = 86_400
MOST_USERS: Final = 10_000
LOG: Final = logging.getLogger(__name__)


class TierSource(Protocol):
    """The table of subscriptions."""

    async def tier_of(self, user_id: str) -> str:
        """The user's tier, the lowest when there is no row. Raises SideCallFailed without an answer."""
        ...


@dataclass(frozen=True, slots=True)
class TierRules:
    """`tiers` are all there are, the lowest first."""

    tiers: Sequence[str]
    cache_seconds: float = 300.0
    wait_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class KnownTier:
    """A user's tier, and since when it is known (seconds since the epoch)."""

    tier: str
    at: float
    source: str
    """`stripe`, `supabase`, or `default` when nobody knows the user."""
    stale: bool = False
    """It should have been looked up again, and could not."""


class TierLookup:
    """Without a `source` only Stripe's events count."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, rules: TierRules, source: TierSource | None) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._rules = rules
        self._source = source
        self._resting_until = 0.0
        self._remembered: dict[str, tuple[KnownTier, float]] = {}
        self._under_way: dict[str, asyncio.Task[KnownTier]] = {}

    async def tier_of(self, user_id: str) -> str:
        """See `lib.access.credentials.Tiers`."""
        return (await self.find(user_id)).tier

    async def find(self, user_id: str) -> KnownTier:
        """The tier, how it is known and whether it may be out of date."""
        person = self._keys.person(user_id)
        known, until = self._remembered.get(person, (None, 0.0))
        if known is not None and self._clock.now() < until:
            return known
        looking = self._look(user_id, person)
        waiting = asyncio.ensure_future(self._clock.sleep(self._rules.wait_seconds))
        try:
            await asyncio.wait({looking, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if looking.done():
            return looking.result()
        LOG.warning("a tier was not found out in time")
        known, _ = self._remembered.get(person, (known, 0.0))
        return replace(known, stale=True) if known else self._nobody(stale=True)

    async def forget(self, user_id: str) -> None:
        """Remove all that is kept of a user. Raises StoreError."""
        person = self._keys.person(user_id)
        self.changed(person)
        tier = self._keys.tier(person)
        await self._store.run("DEL", tier, self._keys.subscriptions(person))
        await self._store.run("ZREM", self._keys.holdings(person), tier)

    def changed(self, person: str) -> None:
        """Look this user (hash) up again."""
        self._remembered.pop(person, None)

    def _look(self, user_id: str, person: str) -> asyncio.Task[KnownTier]:
        task = self._under_way.get(person)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._under_way[person] = asyncio.create_task(self._find(user_id, person))
            task.add_done_callback(lambda _: self._under_way.pop(person, None))
        return task

    async def _find(self, user_id: str, person: str) -> KnownTier:
        kept = await self._kept(person)
        if self._source is None or self._fresh(kept):
            return self._remember(person, kept or self._nobody(), INSTANCE_SECONDS)
        if kept:
            self._remember(person, kept, 0.0)  # for those who do not wait longer
        now = self._clock.now()
        if now >= self._resting_until:
            try:
                tier = await self._source.tier_of(user_id)
            except SideCallFailed as error:
                LOG.warning("tiers cannot be looked up: %s", error)
                self._resting_until = now + REST_SECONDS
            else:
                await self._keep(person, tier, now)
                return self._remember(person, KnownTier(tier, now, "supabase"), INSTANCE_SECONDS)
        stale = replace(kept, stale=True) if kept else self._nobody(stale=True)
        return self._remember(person, stale, REST_SECONDS)

    def _fresh(self, known: KnownTier | None) -> bool:
        return known is not None and self._clock.now() < known.at + self._rules.cache_seconds

    async def _kept(self, person: str) -> KnownTier | None:
        """The newest that the KV knows; None also when it is away."""
        try:
            reply = await self._store.run("MGET", self._keys.tier(person), self._keys.subscriptions(person))
        except StoreError:
            return None
        found, told = (self._read(reply[0]), decode(reply[1])) if isinstance(reply, list) else (None, Told())
        if told.subscriptions and (found is None or told.at >= found.at):
            return KnownTier(told.tier(self._clock.now(), self._rules.tiers), told.at, "stripe")
        return found

    def _read(self, text: object) -> KnownTier | None:
        tier, _, at = text.partition(" ") if isinstance(text, str) else ("", "", "")
        return KnownTier(tier, float(at), "supabase") if tier in self._rules.tiers and at.isdecimal() else None

    async def _keep(self, person: str, tier: str, now: float) -> None:
        try:
            write = ("SET", self._keys.tier(person), f"{tier} {int(now)}", "EX", STALE_SECONDS)
            await self._store.run(*kept(self._keys, person, now, [write]))
        except StoreError:
            LOG.warning("a tier could not be kept")

    def _nobody(self, *, stale: bool = False) -> KnownTier:
        return KnownTier(self._rules.tiers[0], self._clock.now(), "default", stale)

    def _remember(self, person: str, known: KnownTier, seconds: float) -> KnownTier:
        self._remembered.pop(person, None)
        self._remembered[person] = known, self._clock.now() + seconds
        if len(self._remembered) > MOST_USERS:
            del self._remembered[next(iter(self._remembered))]
        return known
