"""Takes subscription events into the KV: each once, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from lib.access.subscriptions import Subscription, decode, encode
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.store import Store

EVENT_SECONDS: Final = 7 * 86_400
"""How long an event is known again; Stripe sends one for three days at most."""
TRIES: Final = 5


class Taken(Enum):
    """What became of an event."""

    NEW = "taken in"
    KNOWN = "known already"


class SubscriptionBook:
    """`changed` is called with the user's hash whose tier may be another now."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, changed: Callable[[str], None]) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._changed = changed
        self._script = script("told")

    async def take(self, event_id: str, user_id: str, news: Subscription) -> Taken:
        """Remember what an event says. Raises StoreError when it could not: it is then to be sent again."""
        person = self._keys.person(user_id)
        event, state = self._keys.webhook_event(event_id), self._keys.subscriptions(person)
        for _ in range(TRIES):
            read = await self._store.run("GET", state)
            before = read if isinstance(read, str) else ""
            now = self._clock.now()
            known = decode(before)
            told = known.after(news, now)
            after = before if told is known else encode(told)
            lifetime = told.lifetime_seconds(now)
            reply = await self._store.run("EVAL", self._script, 2, event, state, before, after, lifetime, EVENT_SECONDS)
            if reply in (0, 1):
                self._changed(person)
                return Taken.NEW if reply else Taken.KNOWN
        raise StoreError("a user's subscriptions change faster than they can be read")
