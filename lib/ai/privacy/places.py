"""Where everything of one user lies in the KV. Both the export and the deletion go by it.

Texts are found by the index that is written with them (`lib.kv.kept`); all else has the user's hash in its name, or is
listed under one that has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.feedback import vote_days
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.batch_job import BatchHead, read_head
from lib.kv.batch_store import CHUNK
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply
from lib.kv.store import Store
from lib.kv.stream_buffer import StreamBuffer

NAMES_AT_ONCE: Final = 500
SMALL_ROUTES: Final = ("", "feedback:", "route:")
"""How the windows of routes are told apart that have one each (`lib.web.simple_window`)."""


@dataclass(frozen=True, slots=True)
class ApiKeyPlace:
    """A key's name in the lists, and where its record is."""

    name: str
    id: str


class Places:
    """`person` is a user's hash. Methods raise StoreError."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self.store = store
        self.keys = keys
        self.clock = clock
        self._streams = StreamBuffer(store, keys, clock)

    async def texts(self, person: str) -> list[str]:
        """Keys of cached answers and vectors, results kept for duplicates, requests of batches, the known tier."""
        return texts_in(await self.store.run("ZRANGE", self.keys.holdings(person), 0, -1))

    async def streams(self, person: str) -> list[str]:
        """Keys of streams that can be resumed, and of the notes about them."""
        return await self._streams.keys_of(person)

    def votes(self, person: str) -> list[str]:
        """Keys of votes, by day."""
        return [self.keys.user_votes(person, day) for day in vote_days(self.clock.now())]

    def account(self, person: str) -> list[str]:
        """Keys of limits and budgets, the tier, what Stripe told, the windows of simple routes."""
        keys = self.keys
        return [
            keys.user_state(person),
            keys.tier(person),
            keys.subscriptions(person),
            *(f"{keys.simple_prefix}:{route}{person}" for route in SMALL_ROUTES),
        ]

    async def api_keys(self, person: str) -> list[ApiKeyPlace]:
        """All API keys, also those that are no longer valid."""
        names = texts_in(await self.store.run("ZRANGE", self.keys.api_keys_of(person), 0, -1))
        return [ApiKeyPlace(name, name.partition(":")[2]) for name in names]

    async def batches(self, person: str) -> list[BatchHead]:
        """The jobs in the store."""
        text = await self.store.run("GET", self.keys.user_batches(person))
        jobs = [entry.partition(",")[0] for entry in text.split(";")] if isinstance(text, str) else []
        if not jobs:
            return []
        heads = await self.store.run("MGET", *(self.keys.batch(job) for job in jobs))
        found = zip(jobs, heads if isinstance(heads, list) else [], strict=False)
        return [head for job, text in found if (head := read_head(job, text))]

    def requests_of(self, head: BatchHead) -> list[str]:
        """Keys of what was asked in a job."""
        return [self.keys.batch_requests(head.job, head.digest, chunk) for chunk in range(-(-head.total // CHUNK))]

    def results_of(self, head: BatchHead) -> list[str]:
        """Keys of what was answered in it."""
        return [self.keys.batch_result(head.job, index) for index in range(head.total)]

    async def all(self, *commands: Command) -> list[Reply]:
        """Replies to several commands at once. Raises the first error."""
        replies: list[Reply] = []
        for reply in await self.store.run_many(commands) if commands else ():
            if isinstance(reply, StoreError):
                raise reply
            replies.append(reply)
        return replies


def texts_in(reply: Reply) -> list[str]:
    """The texts of a list."""
    return [one for one in reply if isinstance(one, str)] if isinstance(reply, list) else []


def in_parts(names: Sequence[str], size: int = NAMES_AT_ONCE) -> list[Sequence[str]]:
    """As many as one command takes."""
    return [names[i : i + size] for i in range(0, len(names), size)]
