"""Deleting a user: everything of theirs goes, usage stays without its user, and nothing under way brings it back.

First a tombstone is set; from then on no request that was admitted before writes anything of theirs (`lib.kv.kept`).
With it goes the salt of their key: what was sealed of theirs opens nowhere any more (`lib.kv.vault`).
Every step may be repeated, and who is being deleted is noted until all of it is done: a deletion whose function died
is taken up by the next call or by the cron job.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.privacy.anonymise import Anonymiser
from lib.ai.privacy.places import Places, in_parts
from lib.clock import Clock
from lib.kv.kept import TOMBSTONE_SECONDS
from lib.kv.keys import Keys

UNFINISHED_SECONDS: Final = 400 * 86_400
"""How long it is remembered that a deletion is not complete."""
KINDS: Final = (("c1", "answers"), ("n1", "nearAnswers"), ("d1", "results"), ("v1", "vectors"), ("bq", "batchRequests"))
"""Texts by the letters in their keys' names."""
LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a deletion. It names nobody."""

    id: str
    begun_at: float
    completed_at: float
    deleted: Mapping[str, int]
    """Keys and records, by what they were."""


class Deletion:
    """`fresh` gives an id unlike any other, `alerts` deletes those about a user.

    Methods raise StoreError: then the deletion is to be asked for again.
    """

    def __init__(
        self,
        places: Places,
        anonymiser: Anonymiser,
        fresh: Callable[[], str],
        alerts: Callable[[str], Awaitable[int]] | None = None,
    ) -> None:
        self._places = places
        self._anonymiser = anonymiser
        self._fresh = fresh
        self._alerts = alerts

    @property
    def _keys(self) -> Keys:
        return self._places.keys

    @property
    def _clock(self) -> Clock:
        return self._places.clock

    async def delete_user_data(self, user_id: str) -> Receipt:
        """Delete all that is held of a user."""
        return await self.delete(self._keys.person(user_id))

    async def delete(self, person: str) -> Receipt:
        """The same by the user's hash. The receipt counts what this call found."""
        begun, keys = self._clock.now(), self._keys
        fresh = f"{self._fresh()} {int(begun)}"
        *_, noted = await self._places.all(
            ("HSETNX", keys.deletions, person, fresh),
            ("EXPIRE", keys.deletions, UNFINISHED_SECONDS),
            ("SET", keys.tombstone(person), "1", "EX", TOMBSTONE_SECONDS),
            ("DEL", keys.salt(person)),
            ("HGET", keys.deletions, person),
        )
        self._places.vault.forget(person)
        receipt_id, _, since = (noted if isinstance(noted, str) else fresh).partition(" ")
        deleted: Counter[str] = Counter()
        deleted.update(await self._batches(person))
        deleted.update(await self._texts(person))
        deleted["streams"] = await self._remove(await self._places.streams(person))
        deleted["votes"] = await self._remove(self._places.votes(person))
        deleted["account"] = await self._remove(self._places.account(person))
        await self._places.budgets.set(f"user:{person}", None)
        if self._alerts and (alerts := await self._alerts(person)):
            deleted["alerts"] = alerts
        key_ids = await self._api_keys(person)
        deleted["apiKeys"] = len(key_ids)
        deleted["usageRecords"] = await self._anonymiser.records(person)
        deleted["usageMonths"] = await self._anonymiser.totals(person, key_ids)
        await self._remove([keys.api_keys_of(person)])
        await self._places.store.run("HDEL", keys.deletions, person)
        receipt = Receipt(receipt_id, float(since), self._clock.now(), dict(deleted))
        LOG.info("deletion %s is complete: %s", receipt.id, receipt.deleted)
        return receipt

    async def complete(self) -> int:
        """Take up all deletions that are not complete; how many there were."""
        noted = await self._places.store.run("HKEYS", self._keys.deletions)
        people = [person for person in noted if isinstance(person, str)] if isinstance(noted, list) else []
        for person in people:
            await self.delete(person)
        return len(people)

    async def _texts(self, person: str) -> Mapping[str, int]:
        names = await self._places.texts(person)
        deleted: Counter[str] = Counter()
        prefix = self._keys.deletions.removesuffix("dp")
        for letters, kind in KINDS:
            deleted[kind] += await self._remove([name for name in names if name.startswith(f"{prefix}{letters}:")])
        await self._remove(names)
        for part in in_parts(names):
            await self._places.store.run("ZREM", self._keys.holdings(person), *part)
        return deleted

    async def _batches(self, person: str) -> Mapping[str, int]:
        keys, deleted = self._keys, Counter[str]()
        for head in await self._places.batches(person):
            # The state first: without it no worker hands out, or takes in, anything more.
            await self._remove([keys.batch_state(head.job)])
            deleted["batchRequests"] += await self._remove(self._places.requests_of(head))
            deleted["batchResults"] += await self._remove(self._places.results_of(head))
            await self._places.store.run("SREM", keys.open_batches, head.job)
            deleted["batches"] += await self._remove([keys.batch(head.job)])
        await self._remove([keys.user_batches(person)])
        return deleted

    async def _api_keys(self, person: str) -> list[str]:
        """Their ids; the list of them goes last, as it is what a repetition goes by."""
        found = await self._places.api_keys(person)
        await self._remove([self._keys.api_key(each.id) for each in found])
        await self._remove([self._keys.shared_spend("key", each.id) for each in found])
        for part in in_parts([each.name for each in found]):
            await self._places.store.run("ZREM", self._keys.api_keys, *part)
        return [each.id for each in found]

    async def _remove(self, names: Sequence[str]) -> int:
        removed = await self._places.all(*(("DEL", *part) for part in in_parts(names)))
        return sum(reply for reply in removed if isinstance(reply, int))
