"""Answers to questions that mean the same: found by postings, judged by their texts, served only where certified.

The postings are read in the admission's round trip. Only where one of them may mean the same are texts read, in one
more. What is not served is compared with what the model then answers, which is how a deployment learns what it may.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.near.comparison import Outcome, compare
from lib.ai.near.look import Kept, Look, Match
from lib.ai.near.pools import ALL, FEEDBACK, LOOKED, SAVED, SERVED, Pools, arm_pool, bin_of
from lib.ai.near.text import kept_text, read_kept
from lib.contract import CacheWish
from lib.errors import StoreError
from lib.experiment import NO_ARM, Assigned
from lib.kv.cache import decode
from lib.kv.cache.near import Posting, candidates, entry_id, read, score
from lib.kv.cache.near.postings import MOST_RECORDS, WIDTH
from lib.kv.kept import kept
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.seal import Seal
from lib.kv.store import Store

SLOT_SECONDS: Final = 86_400
"""Postings are begun anew each day; those of the day before are read as well."""
MOST_TERMS: Final = 16_384
"""Of one scope and day: beyond these no further term is noted."""
CHECKED: Final = 0.03
"""Share of the hits that could be served which are compared all the same."""
COUNTED_ONE_IN: Final = 16
"""Questions looked up are counted by a sample."""
WRONG_SECONDS: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class NearRules:
    """How this deployment has it."""

    mode: str = "shadow"
    """`near` serves what is certified, `shadow` only compares; `exact` does neither where no experiment says so."""
    max_wrong: float = 0.01
    per_scope: bool = False
    """Whether each scope has to be certified by its own comparisons, in the place of the deployment's together."""
    shared: bool = False
    """Whether scopes are shared by users."""
    judged: bool = False
    """Whether somebody else judges what words leave open."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose question it is, and what an answer to it is kept under."""

    scope: str
    digest: str
    person: str
    wish: CacheWish


class NearTier:
    """Looks up, judges, writes and learns. State about a request lives in its Look only."""

    def __init__(self, store: Store, pools: Pools, chance: random.Random, rules: NearRules) -> None:
        self.rules = rules
        self.pools = pools
        self._store = store
        self._keys = pools.keys
        self._clock = pools.clock
        self._chance = chance
        self._note = script("near_note")

    def begin(self, text: str, asked: Asked, variant: Assigned | None = None) -> Look | None:
        """A look for a lone question; None where it has no terms to find it by, or nothing is looked for."""
        arm, wish = variant.arm if variant else NO_ARM, asked.wish
        mode = arm.mode or self.rules.mode
        question = read(text) if wish.near and mode in ("shadow", "near") else None
        if question is None or not question.fields:
            return None
        max_wrong = self.rules.max_wrong if arm.max_wrong is None else arm.max_wrong
        return Look(
            question=question,
            id=entry_id(asked.digest),
            digest=asked.digest,
            scope=asked.scope,
            person=asked.person,
            pool=asked.scope if self.rules.per_scope else ALL,
            arm_pool=arm_pool(variant.label) if variant else "",
            serves=mode == "near",
            max_wrong=max_wrong if wish.max_wrong is None else min(max_wrong, wish.max_wrong),
            max_age_seconds=wish.max_age_seconds,
        )

    def riders(self, look: Look) -> Iterator[tuple[Command, Callable[[Reply | StoreError], None]]]:
        """The reads that share the admission's round trip, and what takes in each reply."""
        slot, fields = self._slot(), look.question.fields
        look.postings.clear()
        for at in (slot, slot - 1):
            yield ("HMGET", self._keys.near_postings(look.scope, at), *fields), look.postings.append
        if pool := self.pools.asking(look.pool):
            yield pool, lambda reply: self.pools.learn(look.pool, reply)

    async def match(self, look: Look, seal: Seal | None) -> Match | None:
        """The answer to serve, or None: ask a model. Raises nothing; what can be compared is left in the look."""
        near = candidates(look.found, look.question, look.id) if seal else ()
        if not near or seal is None:
            return None
        names = [self._keys.near(each.entry) for each in near]
        known_wrong = [self._keys.near_wrong(look.id, each.entry) for each in near]
        try:
            reply = await self._store.run("MGET", *names, *known_wrong)
        except StoreError:
            return None
        texts = reply if isinstance(reply, list) and len(reply) == 2 * len(near) else []
        found = [
            match
            for each, name, text, wrong in zip(near, names, texts, texts[len(near) :], strict=False)
            if wrong is None and isinstance(text, str) and (match := self._judged(look, each.entry, name, seal, text))
        ]
        best = max(found, key=lambda pair: pair[0], default=None)
        if best is None:
            return None
        look.match = best[1]
        look.served = self._may_serve(look, best[1])
        return best[1] if look.served else None

    def _judged(self, look: Look, entry: str, name: str, seal: Seal, text: str) -> tuple[float, Match] | None:
        """What is kept under that id and how well it fits; None where it is another scope's, too old or damaged."""
        read_back = read_kept(seal.open_rest(name, text) or "")
        if read_back is None or read_back.scope != look.scope:
            return None
        stored = decode(read_back.entry)
        if stored is None:
            return None
        if look.max_age_seconds is not None and stored.age(self._clock.now()) > look.max_age_seconds:
            return None
        fits = score(look.question, read(read_back.question))
        at = bin_of(fits)
        return (fits, Match(entry, stored, read_back.digest, at)) if at else None

    def _may_serve(self, look: Look, match: Match) -> bool:
        if not look.serves:
            return False
        cut = self.pools.known(look.pool).cut(look.max_wrong)
        return cut is not None and match.bin >= cut and self._chance.random() >= CHECKED

    def text_of(self, look: Look, kept_answer: Kept) -> Command:
        """The write of an answer together with its question, to go with the record of its request."""
        name = self._keys.near(look.id)
        text = kept_text(look, kept_answer.entry)
        return ("SET", name, kept_answer.seal.seal_rest(name, text), "EX", kept_answer.seconds)

    def served(self, look: Look, saved_micro_usd: int) -> list[Command]:
        """What is counted of a hit."""
        if look.match is None:
            return []
        counts = [(f"{SERVED}{look.match.bin}", 1), (SAVED, saved_micro_usd)]
        return self._counting(look, counts, bounded=False)

    def learned(self, look: Look, answer: str) -> list[Command]:
        """The writes that follow an answer which is kept: the question's posting, and what a comparison came to."""
        commands = [self._posting(look)]
        if self._chance.random() * COUNTED_ONE_IN < 1:
            commands += self._counting(look, [(LOOKED, COUNTED_ONE_IN)], bounded=False)
        if look.match is not None:
            outcome = compare(look.match.entry.answer.text, answer)
            if outcome is Outcome.UNRESOLVED and self.rules.judged:
                look.unresolved = answer
            else:
                commands += self.concluded(look, look.match, outcome)
        return commands

    def concluded(self, look: Look, match: Match, outcome: Outcome) -> list[Command]:
        """The writes of a comparison's outcome."""
        commands = self._counting(look, [(f"{outcome}{match.bin}", 1)], bounded=True)
        return [*commands, self._wrong(look.person, look.id, match.id)] if outcome is Outcome.DIFFERENT else commands

    def called_wrong(self, digest: str, mark: str, person: str) -> list[Command]:
        """The writes after a user has called a cached answer wrong: it answers no other question either.

        Where it was a near hit, whose mark is in its record, that counts against such hits.
        """
        removal = ("DEL", self._keys.near(entry_id(digest)))
        question, entry, at, pool = (mark.split(".") + [""] * 4)[:4]
        if not (at.isdecimal() and pool):
            return [removal]
        counts = [(f"{Outcome.DIFFERENT}{at}", 1), (FEEDBACK, 1)]
        counting = self.pools.counting(pool, counts, "" if self.rules.per_scope else person)
        return [removal, self._wrong(person, question, entry), counting]

    def _counting(self, look: Look, counts: Sequence[tuple[str, int]], *, bounded: bool) -> list[Command]:
        person = look.person if bounded and not self.rules.per_scope else ""
        pools = [look.pool, *([look.arm_pool] if look.arm_pool else [])]
        return [self.pools.counting(pool, counts, person if pool == look.pool else "") for pool in pools]

    def _wrong(self, person: str, question: str, entry: str) -> Command:
        write = ("SET", self._keys.near_wrong(question, entry), "1", "EX", WRONG_SECONDS)
        return kept(self._keys, person, self._clock.now(), [write])

    def _posting(self, look: Look) -> Command:
        keys, posting = self._keys, Posting.of(look.question, look.id)
        named = (keys.near_postings(look.scope, self._slot()), keys.tombstone(look.person), keys.holdings(look.person))
        lifetime = 2 * SLOT_SECONDS
        gone_by = int(self._clock.now() + lifetime) * 1000
        limits = (MOST_RECORDS * WIDTH, MOST_TERMS, lifetime, gone_by, int(self.rules.shared))
        return ("EVAL", self._note, len(named), *named, posting.record, *limits, *posting.fields)

    def _slot(self) -> int:
        return int(self._clock.now() // SLOT_SECONDS)
