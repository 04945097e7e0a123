r"""De-duplication: the claim on a request in flight, waiting for somebody else's, publishing the result.

The record of one distinct request is `F<digest>\n<token>` while it runs, `D<digest>\n<entry>` for a while after it
succeeded and `E<digest>\n<error>` for a moment after it failed. `F` lives as long as its lease, which the running
original lengthens; when the original dies, the lease ends and a waiting duplicate takes over through admission.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, TypeAlias

from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.kept import NOTED_LONGER_MS
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

FIRST_LOOK_SECONDS: Final = 0.05
LAST_LOOK_SECONDS: Final = 0.5
"""Duplicates look at the record at growing intervals between these two."""
AWAITED_SECONDS: Final = 20
"""How long a look counts as waiting; a duplicate that goes on waiting says so again before."""
ANSWERED_AT_ONCE_SECONDS: Final = 0.5
"""Whoever hung up has a provider call running that is to end within a second."""
ERROR_SHOWN_MS: Final = 2_000
"""How long waiting duplicates can see the original's error; a new request does not wait for it but tries anew."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How long after its end a request is still recognised."""

    finished_ms: int = 5_000
    keyed_ms: int = 86_400_000
    """With an Idempotency-Key."""

    def of(self, *, keyed: bool) -> int:
        """In milliseconds."""
        return self.keyed_ms if keyed else self.finished_ms


@dataclass(frozen=True, slots=True)
class Published:
    """The original succeeded; `entry` is its stored answer."""

    entry: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The original failed; `error` is what it published."""

    error: str


@dataclass(frozen=True, slots=True)
class Freed:
    """The original gave up, hung up or died: ask for admission again."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The caller's own deadline came first."""


Outcome: TypeAlias = Published | Failed | Freed | TimedOut


class Deduplication:
    """Waits for, lengthens and ends claims. `digest` names a request as in `Keys.duplicate`."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._release = script("release")

    def key_of(self, digest: str) -> str:
        """Where the record is."""
        return self._keys.duplicate(digest)

    async def follow(self, digest: str, claim: str, deadline: float) -> Outcome:
        """Wait until the record is no longer `claim`. Raises StoreError when the KV cannot say."""
        pause, marked_at = FIRST_LOOK_SECONDS, float("-inf")
        while (left := deadline - self._clock.now()) > 0:
            await self._clock.sleep(min(pause, left))
            pause = min(pause * 1.5, LAST_LOOK_SECONDS)
            look: list[Command] = [("GET", self._keys.duplicate(digest))]
            if marked_at < self._clock.now() - AWAITED_SECONDS / 2:
                marked_at = self._clock.now()
                look.append(("SET", self._keys.awaited(digest), 1, "EX", AWAITED_SECONDS))
            record = (await self._store.run_many(look))[0]
            if isinstance(record, StoreError):
                raise record
            if record != claim:
                return outcome_of(record, claim)
        return TimedOut()

    async def is_awaited(self, digest: str) -> bool:
        """Whether a duplicate has looked of late. False as well when the KV does not say so at once."""
        asked = asyncio.ensure_future(self._store.run("GET", self._keys.awaited(digest)))
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = await asyncio.wait({asked}, timeout=ANSWERED_AT_ONCE_SECONDS)
        return bool(done) and asked.exception() is None and asked.result() is not None

    async def lengthen(self, digest: str, claim: str, lease_ms: int) -> bool:
        """Renew the lease; False when the claim is no longer ours. Raises StoreError."""
        reply = await self._store.run("EVAL", self._release, 1, self._keys.duplicate(digest), claim, lease_ms)
        return reply == 1

    def publish(self, digest: str, body_digest: str, entry: str, window_ms: int) -> Command:
        """The write that hands a finished answer to duplicates for `window_ms`."""
        return ("SET", self._keys.duplicate(digest), answer_record(body_digest, entry), "PX", window_ms)

    def publish_if_ours(self, person: str, digest: str, claim: str, entry: str, window_ms: int) -> Command:
        """The same, if the claim is still ours: for whoever is not sure ever to have got it."""
        keys, record = self._keys, answer_record(body_of(claim), entry)
        named = (keys.duplicate(digest), keys.holdings(person), keys.tombstone(person))
        forgotten = int(self._clock.now() * 1000) + window_ms + NOTED_LONGER_MS
        return ("EVAL", self._release, len(named), *named, claim, window_ms, record, forgotten)

    def publish_error(self, digest: str, claim: str, error: str) -> Command:
        """The write that tells waiting duplicates that the original failed, if the claim is still ours."""
        record = error_record(body_of(claim), error)
        return ("EVAL", self._release, 1, self._keys.duplicate(digest), claim, ERROR_SHOWN_MS, record)

    def release(self, digest: str, claim: str) -> Command:
        """The write that gives the claim up, if it is still ours."""
        return ("EVAL", self._release, 1, self._keys.duplicate(digest), claim, 0)


def answer_record(body_digest: str, entry: str) -> str:
    """The record of a finished request."""
    return f"D{body_digest}\n{entry}"


def error_record(body_digest: str, error: str) -> str:
    """The record of a failed request."""
    return f"E{body_digest}\n{error}"


def body_of(record: str) -> str:
    """The digest of the body that a record is about; empty without an Idempotency-Key."""
    return record.partition("\n")[0][1:]


def outcome_of(record: Reply, claim: str) -> Outcome:
    """What a record that is no longer `claim` says to whoever waited for it."""
    if isinstance(record, str) and body_of(record) == body_of(claim):
        rest = record.partition("\n")[2]
        if record.startswith("D"):
            return Published(rest)
        if record.startswith("E"):
            return Failed(rest)
    return Freed()
