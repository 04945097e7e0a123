"""Where everything of one user lies in the KV. Both the export and the deletion go by it.

Texts are found by what was written with them: a note in the user's index (`lib.kv.kept`), or the usage record of their
request. All else has the user's hash in its name, or is listed under one that has.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.feedback import vote_days
from lib.ai.near.pools import near_weeks
from lib.ai.observability.log import DAY_SECONDS, logged_days, records_in
from lib.ai.observability.record import UsageRecord
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.batch_job import BatchHead, read_head
from lib.kv.batch_store import CHUNK
from lib.kv.budget_book import BudgetBook
from lib.kv.cache.near import entry_id
from lib.kv.keys import Keys, day_of
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.retention import RETENTION, Retention
from lib.kv.store import Store
from lib.kv.stream_buffer import StreamBuffer
from lib.kv.vault import Vault
from lib.tiers import LimitTable

NAMES_AT_ONCE: Final = 500
LINES_AT_ONCE: Final = 1_024
"""Records one script looks at."""
DIGEST: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
SMALL_ROUTES: Final = ("", "feedback:", "route:")
"""How the windows of routes are told apart that have one each (`lib.web.simple_window`)."""


@dataclass(frozen=True, slots=True)
class ApiKeyPlace:
    """A key's name in the lists, and where its record is."""

    name: str
    id: str


class Places:
    """`person` is a user's hash. Methods raise StoreError."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        clock: Clock,
        retention: Retention = RETENTION,
        vault: Vault | None = None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.clock = clock
        self.retention = retention
        self.vault = vault or Vault(store, keys, clock)
        self.budgets = BudgetBook(store, keys, clock, LimitTable())
        self._find = script("find_lines")
        self._streams = StreamBuffer(store, keys, clock)

    async def texts(self, person: str) -> list[str]:
        """Keys of cached answers and vectors, results kept for duplicates, requests of batches, the known tier.

        Answers and results are told by the records they were written with, the others by the user's index.
        """
        noted = texts_in(await self.store.run("ZRANGE", self.keys.holdings(person), 0, -1))
        names = dict.fromkeys(noted)
        for day in self.days():
            async for lines in self.lines(self.keys.log(day, self.keys.shard(person)), person):
                names |= dict.fromkeys(name for record in records_in(list(lines.values())) for name in self._of(record))
        return list(names)

    def _of(self, record: UsageRecord) -> Iterator[str]:
        """Names of what was kept with a record. A hit's answer was another request's."""
        if record.kind != "call":
            return
        if record.answer_digest:
            yield self.keys.answer(record.answer_digest)
            if DIGEST.fullmatch(record.answer_digest):
                yield self.keys.near(entry_id(record.answer_digest))
        if record.duplicate_digest:
            yield self.keys.duplicate(record.duplicate_digest)

    def days(self) -> list[str]:
        """Those that may have records; an instance's clock may be ahead."""
        now = self.clock.now()
        return [*logged_days(now, self.retention), day_of(now + DAY_SECONDS)]

    async def lines(self, log: str, person: str) -> AsyncGenerator[dict[int, str]]:
        """A user's lines of one list of the usage log, a piece of it at a time, by their place."""
        begin, seen = 0, LINES_AT_ONCE
        while seen == LINES_AT_ONCE:
            reply = await self.store.run("EVAL", self._find, 1, log, f'"u":"{person}"', begin, LINES_AT_ONCE)
            seen, found = found_in(reply)
            if found:
                yield found
            begin += seen

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
            *(keys.near_said(person, week) for week in near_weeks(self.clock.now())),
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


def found_in(reply: Reply) -> tuple[int, dict[int, str]]:
    """How many lines were looked at, and those found by their places. Raises StoreError."""
    match reply:
        case [int(seen), *rest]:
            pairs = zip(rest[::2], rest[1::2], strict=True)
            return seen, {place: line for place, line in pairs if isinstance(place, int) and isinstance(line, str)}
        case _:
            raise StoreError("a piece of a usage log could not be read")


def texts_in(reply: Reply) -> list[str]:
    """The texts of a list."""
    return [one for one in reply if isinstance(one, str)] if isinstance(reply, list) else []


def in_parts(names: Sequence[str], size: int = NAMES_AT_ONCE) -> list[Sequence[str]]:
    """As many as one command takes."""
    return [names[i : i + size] for i in range(0, len(names), size)]
