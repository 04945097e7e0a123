"""What users think of answers: one vote per request, on their own requests only, counted by model, task and day.

Votes on answers of models that the router chose also teach it (`lib.ai.lessons`): some of each user's, not all.

Whose a request is, and what answered it, is read from its usage record, so a chat pays nothing for being voted on.
"""

from __future__ import annotations

from typing import Final

import orjson

from lib.ai.near.tier import NearTier
from lib.ai.observability.log import DAY_SECONDS
from lib.ai.observability.lookup import RecordFinder
from lib.ai.observability.record import HITS, UsageRecord
from lib.ai.observability.votes import WRONG
from lib.answer import CacheKind
from lib.clock import Clock
from lib.contract import JsonObject
from lib.errors import InvalidRequest, NotFound, RateLimited, StoreError
from lib.kv.keys import Keys, day_of
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.retention import RETENTION
from lib.kv.store import Store

VOTED_WITHIN: Final = 7.0 * DAY_SECONDS
"""Seconds after a request in which its user may vote, or vote anew."""
VOTES_KEPT: Final = 30 * DAY_SECONDS
MOST_A_DAY: Final = 200
"""Votes on one day's answers that are taken of one user: what a user may store is bounded, and so is their say."""
ANSWERED: Final = frozenset({"call", "hangup", *HITS})
"""Kinds of requests that showed an answer or a part of one."""
MOST_A_CELL: Final = 10
"""Votes of one user that teach about one model, task and length of prompt, until they have not voted there for long."""
HALVED_ABOVE: Final = 1_000
"""Votes in a cell above which its counts are halved, so that a model which changes is noticed."""
CACHED: Final = frozenset({CacheKind.EXACT.value, CacheKind.SEMANTIC.value})


def gone() -> NotFound:
    """There is nothing to vote on."""
    return NotFound("You have no answer of that id within the last seven days.", param="requestId")


class Feedback:
    """Takes votes. Every method raises StoreError when the KV does not answer."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, near: NearTier | None = None) -> None:
        self._near = near
        self._store = store
        self._keys = keys
        self._clock = clock
        self._records = RecordFinder(store, keys, VOTED_WITHIN)
        self._script = script("vote")

    async def give(
        self, user_id: str, request_id: str, rating: str, *, reason: str = "", wrong_cache_hit: bool = False
    ) -> JsonObject:
        """Count a vote (`up`, `down` or `regenerate`); what became of it.

        A later vote on the same request takes the earlier one's place. A wrong cache hit is counted and its entry
        removed; that is not taken back.

        Raises:
            NotFound: this user has no such answer, or not within the last seven days.
            InvalidRequest: a wrong cache hit is told of an answer that is none.
            RateLimited: as many of that day's answers have been voted on as may be.
        """
        person, now = self._keys.person(user_id), self._clock.now()
        record = await self._records.find(person, request_id, now)
        if record is None or record.kind not in ANSWERED:
            raise gone()
        if wrong_cache_hit and (record.kind not in CACHED or not record.answer_digest):
            raise InvalidRequest("This answer did not come from the cache.", param="wrongCacheHit")
        rest = {"reason": reason, "model": record.model, "task": record.task, "at": int(now)}
        vote = (request_id, rating, int(wrong_cache_hit), orjson.dumps(rest).decode())
        match await self._count(record, vote):
            case [-1, *_]:
                raise gone()
            case [0, *_]:
                message = f"at most {MOST_A_DAY} answers of one day can be voted on"
                raise RateLimited(
                    message, limit_name="votes", limit=MOST_A_DAY, window_seconds=DAY_SECONDS, retry_after=DAY_SECONDS
                )
            case [int(how), int(removed), _]:
                if more := self._consequences(record, rating, first=how == 1, wrong=wrong_cache_hit and bool(removed)):
                    await self._store.run_many(more)
                shown: JsonObject = {"requestId": request_id, "rating": rating, "replaced": how == 2}
                return {**shown, "cacheEntryRemoved": removed > 0, "model": record.model, "task": record.task}
            case _:
                raise StoreError("the vote script answered with something else")

    def _consequences(self, record: UsageRecord, rating: str, *, first: bool, wrong: bool) -> list[Command]:
        """What else a vote is counted under. `wrong`: it has removed an answer from the cache."""
        ratings = [*([rating] if first else []), *([WRONG] if wrong else [])]
        commands: list[Command] = []
        if record.variant and ratings:
            name = self._keys.arm_votes(record.variant)
            commands += [("HINCRBY", name, each, 1) for each in ratings]
            commands.append(("EXPIRE", name, RETENTION.totals_seconds))
        if wrong and self._near:
            commands += self._near.called_wrong(record.answer_digest, record.near, record.person)
        return commands

    async def _count(self, record: UsageRecord, vote: tuple[str | int, ...]) -> Reply:
        keys, day = self._keys, day_of(record.at)
        votes = keys.user_votes(record.person, day)
        named = (
            votes,
            keys.model_votes(record.model, day),
            keys.task_votes(record.task or "-"),
            keys.answer(record.answer_digest) if record.answer_digest else votes + ":-",
            keys.tombstone(record.person),
            keys.user_lessons(record.person),
        )
        lifetimes = (VOTES_KEPT, RETENTION.totals_seconds)
        teaches = f"{record.routed.bucket}|{record.model}" if record.routed and record.routed.bucket else ""
        fields = (f"{record.task or '-'}|", teaches, record.task, MOST_A_CELL, HALVED_ABOVE)
        return await self._store.run(
            *("EVAL", self._script, len(named), *named, *vote, MOST_A_DAY, *lifetimes, *fields)
        )

    def keys_of(self, user_id: str) -> list[str]:
        """Every key that may hold votes of this user, for their deletion; what is counted names nobody."""
        person = self._keys.person(user_id)
        return [
            self._keys.user_lessons(person),
            *(self._keys.user_votes(person, day) for day in vote_days(self._clock.now())),
        ]


def vote_days(now: float) -> list[str]:
    """The days whose answers may have votes in the store."""
    days = int(VOTES_KEPT + VOTED_WITHIN) // DAY_SECONDS + 1
    return [day_of(now - back * DAY_SECONDS) for back in range(-1, days + 1)]
