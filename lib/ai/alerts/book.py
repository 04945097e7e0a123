"""Alerts in the KV: raised once, kept for a month, handed out for delivery to one instance at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lib.ai.alerts.alert import Alert, Delivery, Raised, decode, encode
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

KEPT_SECONDS: Final = 30 * 86_400
MOST: Final = 500
"""Alerts that are kept."""
LEASE_SECONDS: Final = 60
"""How long whoever took an alert may take to deliver it: longer than the slowest channel."""
TAKEN_AT_ONCE: Final = 10
DIGEST_SECONDS: Final = 40 * 86_400


class AlertBook:
    """Each method raises StoreError."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._raise = script("alert_raise")
        self._due = script("alert_due")

    def made(self, alert: Alert, channels: Iterable[str]) -> Raised:
        """The alert as it would be raised now, to be told through these channels."""
        now = self._clock.now()
        told = () if alert.later else tuple(Delivery(channel) for channel in channels)
        return Raised(f"alert_{self._keys.person(f'{alert.once} {int(now)}')}", now, alert, told)

    async def enter(self, raised: Sequence[Raised]) -> list[Raised]:
        """Raise those that do not count as raised already, and only they come back: this instance delivers them."""
        if not raised:
            return []
        replies = await self._store.run_many([self._command(each) for each in raised])
        for reply in replies:
            if isinstance(reply, StoreError):
                raise reply
        return [each for each, reply in zip(raised, replies, strict=True) if reply == 1]

    def _command(self, raised: Raised) -> Command:
        keys, alert = self._keys, raised.alert
        named = [keys.alert_claim(alert.once), keys.alert(raised.id), keys.alerts, keys.alerts_due]
        if alert.person:
            named.append(keys.tombstone(alert.person))
        due: str | int = int(raised.at) + LEASE_SECONDS if raised.deliveries else ""
        rest = (encode(raised), raised.id, int(raised.at), KEPT_SECONDS, MOST, due)
        return ("EVAL", self._raise, len(named), *named, alert.seconds, *rest)

    async def take_due(self) -> list[Raised]:
        """Some alerts that are to be delivered now, by this instance alone."""
        now, key = int(self._clock.now()), self._keys.alerts_due
        ids = texts(await self._store.run("EVAL", self._due, 1, key, now, now + LEASE_SECONDS, TAKEN_AT_ONCE))
        found = await self._read(ids)
        if gone := set(ids) - {raised.id for raised in found}:
            await self._store.run("ZREM", key, *sorted(gone))
        return found

    async def note(self, raised: Raised) -> None:
        """Keep what has become of an alert this instance has taken, unless it is gone meanwhile."""
        keys, due_in = self._keys, raised.due_in
        again: Command = ("ZREM", keys.alerts_due, raised.id)
        if due_in is not None:
            again = ("ZADD", keys.alerts_due, "XX", int(self._clock.now()) + due_in, raised.id)
        kept: Command = ("SET", keys.alert(raised.id), encode(raised), "XX", "EX", KEPT_SECONDS)
        for reply in await self._store.run_many([kept, again]):
            if isinstance(reply, StoreError):
                raise reply

    async def latest(self, most: int) -> list[Raised]:
        """The newest first."""
        return await self._read(texts(await self._store.run("ZREVRANGE", self._keys.alerts, 0, most - 1)))

    async def undigested(self) -> tuple[str, str, list[Raised]]:
        """The marks of the last digest and of this one, and the alerts between them, the oldest first.

        The present second is left to the next one: more may be raised in it.
        """
        mark = await self._store.run("GET", self._keys.alerts_digested)
        before = mark if isinstance(mark, str) and mark.isdecimal() else "0"
        until = str(int(self._clock.now()) - 1)
        ids = texts(await self._store.run("ZRANGEBYSCORE", self._keys.alerts, f"({before}", until))
        return before, until, await self._read(ids)

    async def digested(self, mark: str) -> None:
        """Nothing up to that mark belongs into another digest."""
        await self._store.run("SET", self._keys.alerts_digested, mark, "EX", DIGEST_SECONDS)

    async def forget(self, person: str) -> int:
        """Delete the alerts about one user, by their hash, and the digests that tell of them; how many."""
        found = await self.latest(MOST)
        said = [raised.alert.text for raised in found if raised.alert.person == person]
        theirs = [raised.id for raised in found if any(text in raised.alert.text for text in said)]
        if theirs:
            keys = self._keys
            await self._store.run_many(
                [
                    ("DEL", *(keys.alert(each) for each in theirs)),
                    ("ZREM", keys.alerts, *theirs),
                    ("ZREM", keys.alerts_due, *theirs),
                ]
            )
        return len(theirs)

    async def _read(self, ids: Sequence[str]) -> list[Raised]:
        if not ids:
            return []
        found = texts(await self._store.run("MGET", *(self._keys.alert(each) for each in ids)))
        return [raised for text in found if (raised := decode(text))]


def texts(reply: Reply) -> list[str]:
    """The texts of a list; what is none is left out."""
    return [one for one in reply if isinstance(one, str)] if isinstance(reply, list) else []
