"""Steps 7 and 8: the cache write, the hand-over to duplicates and the usage record, in one write-back.

It is sent after the last byte of the answer, also after errors, hang-ups and cut streams. What the KV certainly did
not take is kept for the next write-back; each record is also a line in the process log. Where it is unknown whether the
KV took them, records are logged to be imported (`unbooked …`), and other writes repeated in a form that acts once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from lib.ai.away import Away
from lib.ai.health import HealthBoard
from lib.ai.near.look import Kept
from lib.ai.near.tier import NearTier
from lib.ai.observability.baseline import Baseline
from lib.ai.observability.log import Append, UsageLog
from lib.ai.observability.record import UsageRecord, encode
from lib.ai.owed import Debts, Owed
from lib.ai.plan import Plan
from lib.ai.refusals import Refusals
from lib.ai.run import Run
from lib.ai.verdicts import error_text
from lib.answer import Answer, Attempt, CacheKind, Usage
from lib.clock import Clock
from lib.errors import StoreError, StoreUnavailable
from lib.kv.admission import Settlement, settle_command
from lib.kv.cache import EntryMeta, Lifetimes, TtlClass, jittered, store_eligible, ttl_for
from lib.kv.cache import encode as encode_entry
from lib.kv.deduplication import Deduplication, Windows
from lib.kv.kept import kept
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply
from lib.kv.spending import crossed
from lib.kv.store import Store
from lib.messages import last_user_text

OWED_SECONDS: Final = 86_400.0
"""A settlement that is later than this finds its day's budget past."""


@dataclass(frozen=True, slots=True)
class BookingRules:
    """How long results are kept."""

    windows: Windows = field(default_factory=Windows)
    lease_ms: int = 10_000
    max_entry_bytes: int = 262_144
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    log_prompts: bool = False
    """Whether the last prompt and the answer go to the process log, which they otherwise never do."""


class Watcher(Protocol):
    """Told of each finished request once it is booked, after its answer."""

    async def finished(self, run: Run, record: UsageRecord) -> None:
        """Must not raise, nor take long."""
        ...


@dataclass(frozen=True, slots=True)
class Bookkeepers:
    """Those whose writes make up the write-back, and those who only look on."""

    store: Store
    dedup: Deduplication
    log: UsageLog
    health: HealthBoard
    away: Away
    near: NearTier | None = None
    watchers: tuple[Watcher, ...] = ()
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class _Texts:
    """Writes of an answer, for duplicates and into the cache: at most one each, with the digest it goes under."""

    published: tuple[Command, ...] = ()
    cached: tuple[Command, ...] = ()
    duplicate_digest: str = ""
    answer_digest: str = ""

    @property
    def writes(self) -> tuple[Command, ...]:
        """Both."""
        return (*self.published, *self.cached)


class Booking:
    """Books each request exactly once."""

    def __init__(self, keep: Bookkeepers, keys: Keys, clock: Clock, chance: random.Random, rules: BookingRules) -> None:
        self._keep = keep
        self._keys = keys
        self._clock = clock
        self._chance = chance
        self._rules = rules
        self._refusals = Refusals()
        self._debts = Debts()
        self._lines = logging.getLogger("lib.usage")

    def prepare(self, run: Run, answer: Answer) -> None:
        """Step 7, before the last event so that the answer can tell its lifetime: encode what is to be stored."""
        if not (run.answer_digest or run.claim or run.local_claim):
            return
        request = run.job.request
        ttl = ttl_for(
            last_user_text(request.messages),
            answer.text,
            request,
            now=answer.created_at,
            lifetimes=self._rules.lifetimes,
        )
        run.ttl_class = ttl.kind
        lifetime = ttl.seconds * run.variant.arm.ttl_percent // 100 if run.variant else ttl.seconds
        meta = EntryMeta(at=answer.created_at, kind=ttl.kind, why=ttl.reason, seconds=jittered(lifetime, self._chance))
        entry = encode_entry(answer, meta)
        if len(entry.encode()) <= self._rules.max_entry_bytes:
            run.entry, run.entry_ttl = entry, meta.seconds

    async def write_back(self, run: Run) -> None:
        """Send everything there is to write about a finished run. Never raises: the answer has been given."""
        if run.booked:
            return
        run.booked = True
        self._keep.away.leave(run, run.entry)
        record = self.record_of(run)
        self._lines.info(encode(record))
        if self._rules.log_prompts:
            prompt, answer = last_user_text(run.job.request.messages), run.answer.text if run.answer else ""
            self._lines.info("prompt of %s: %r answered: %r", record.request_id, prompt, answer)
        self._keep.log.keep(self._refusals.due(record.at))
        due = self._due(run, record)
        if due is not None or run.perhaps_admitted or self._keep.log.waiting or self._debts:
            await self._send(run, due)
        with suppress(StoreError):
            await self._keep.log.after_hit(record, run.log_length)
        for watcher in self._keep.watchers:
            await watcher.finished(run, record)

    def _due(self, run: Run, record: UsageRecord) -> UsageRecord | None:
        """What is to be appended: nothing for a hit that admission has booked, refusals a second's together.

        Where admission may have booked a hit for what was then refused, the refusal replaces it at once.
        """
        if run.replay_booked:
            return None
        gathers = record.kind == "refused" and not run.perhaps_hit
        return self._refusals.add(record) if gathers else record

    async def _send(self, run: Run, record: UsageRecord | None) -> None:
        entry = self._entry_for_duplicates(run)
        log, texts, apart = self._keep.log, self._texts(run, entry), list[Command]()
        if record is None or run.perhaps_hit or not all(map(log.outlives, texts.writes)):
            texts, apart = _Texts(), [self._kept(run, write) for write in texts.cached]
        else:
            record = replace(
                record,
                answer_digest=texts.answer_digest or record.answer_digest,
                duplicate_digest=texts.duplicate_digest,
            )
        append = log.append(record, perhaps_booked=run.perhaps_hit, texts=texts.writes)
        before = self._debts.take(now := self._clock.now())
        ended = self._end_of_claim(run, entry)
        published = ended if texts.published else []
        owed = [*before, *(settled := self._settlement(run)), *([] if published else ended)]
        commands = [*append.commands, *(each.command for each in owed), *apart]
        commands += self._keep.health.report_commands([a.model for a in run.attempts], now)
        commands += self._near_writes(run, cached=bool(apart or texts.cached))
        try:
            replies = await self._keep.store.run_many(commands)
        except StoreUnavailable:
            log.keep(append.records)
            self._debts.keep([*owed, *published])
        except StoreError:
            log.doubt(append.records)
            self._debts.doubt([*owed, *published])
        else:
            if published and append.refuses_last(replies):
                self._debts.refused(published)
            ends = replies[len(append.commands) :]
            for reply in ends[len(before) : len(before) + len(settled)]:
                sums = None if isinstance(reply, StoreError) else reply
                run.crossed = crossed(run.budgets, sums, (run.cost_micro_usd, run.tokens), now)
            self._debts.refused(each for each, reply in zip(owed, ends, strict=False) if isinstance(reply, StoreError))
            await self._after_append(append, replies[: len(append.commands)])

    async def _after_append(self, append: Append, replies: list[Reply | StoreError]) -> None:
        try:
            await self._keep.log.after_append(append, replies)
        except StoreError as error:
            self._lines.warning("totals are added up later: %s", error)

    def _entry_for_duplicates(self, run: Run) -> str:
        """The answer as it is published; empty where there is none, or nothing of the user's can be kept."""
        if not (run.claim and run.entry and run.seal):
            return ""
        return run.seal.seal_rest(self._keys.duplicate(run.duplicate_digest), run.entry)

    def _texts(self, run: Run, entry: str) -> _Texts:
        """What is to be kept of the answer."""
        published = (self._publication(run, entry),) if entry else ()
        cached = self._cache_write(run)
        return _Texts(published, cached, run.duplicate_digest if published else "", run.answer_digest if cached else "")

    def _publication(self, run: Run, entry: str) -> Command:
        window = self._rules.windows.of(keyed=bool(run.job.request.idempotency_key))
        return self._keep.dedup.publish(run.duplicate_digest, run.body_digest, entry, window)

    def _cache_write(self, run: Run) -> tuple[Command, ...]:
        entry, answer, seal = run.entry, run.answer, run.answer_seal
        if not (entry and answer and run.answer_digest and seal):
            return ()
        limit = self._rules.max_entry_bytes
        if store_eligible(run.job.request, answer, asked_model=run.asked_model, max_bytes=limit) is not None:
            return ()
        name = self._keys.answer(run.answer_digest)
        write = ("SET", name, seal.seal_rest(name, entry), "EX", run.entry_ttl)
        near, look = self._keep.near, run.look
        if near is None or look is None or run.ttl_class == TtlClass.TIME_SENSITIVE:
            return (write,)
        return write, near.text_of(look, Kept(entry, run.entry_ttl, seal))

    def _near_writes(self, run: Run, *, cached: bool) -> list[Command]:
        """What the near tier counts of a hit, or notes and learns of an answer that is kept."""
        near, look = self._keep.near, run.look
        if near is None or look is None:
            return []
        if run.replayed is CacheKind.SEMANTIC:
            return near.served(look, run.saved_micro_usd)
        if not cached or run.answer is None or run.ttl_class == TtlClass.TIME_SENSITIVE:
            return []
        return near.learned(look, run.answer.text)

    def _kept(self, run: Run, write: Command) -> Command:
        return kept(self._keys, run.person, self._clock.now(), [write])

    def _end_of_claim(self, run: Run, entry: str) -> list[Owed]:
        """Published, or given up. A claim that is perhaps not ours is ended only if it is."""
        if not run.claim:
            return []
        dedup, digest = self._keep.dedup, run.duplicate_digest
        milliseconds = self._rules.lease_ms
        if entry:
            milliseconds = self._rules.windows.of(keyed=bool(run.job.request.idempotency_key))
            again = dedup.publish_if_ours(run.person, digest, run.claim, entry, milliseconds)
            command = again if run.perhaps_admitted else self._kept(run, self._publication(run, entry))
        elif run.error is not None and run.admitted:
            again = command = dedup.publish_error(digest, run.claim, error_text(run.error))
        else:
            again = command = dedup.release(digest, run.claim)
        return [Owed(command, again, self._clock.now() + milliseconds / 1000)]

    def _settlement(self, run: Run) -> list[Owed]:
        """Books the cost in the place of the hold, also where there was no KV to take a hold."""
        if not run.hold_micro_usd:
            return []
        now = self._clock.now()
        settlement = Settlement(
            person=run.person,
            token=run.job.request_id,
            cost_micro_usd=run.cost_micro_usd,
            tokens=run.tokens,
            shared=run.budgets[1:],
        )
        settle = settle_command(self._keys, settlement, now)
        return [Owed(settle, (*settle, "held"), now + OWED_SECONDS)]

    def _baseline_of(self, run: Run) -> int:
        """What to measure the router's choice by; 0 where it made none, or the price of what it chose is not known."""
        baseline, answer = self._keep.baseline, run.answer
        chosen = run.plan is not None and run.plan.automatic and not run.replayed and not run.own_keys
        if baseline is None or answer is None or not chosen or not answer.price_known:
            return 0
        return baseline.micro_usd(answer.usage, answer.created_at)

    def record_of(self, run: Run) -> UsageRecord:
        """The usage record of a finished run."""
        answer, request, plan = run.answer, run.job.request, run.plan
        return UsageRecord(
            request_id=run.job.request_id,
            person=run.person,
            tier=run.job.caller.tier,
            at=self._clock.now(),
            kind=kind_of(run),
            model=run.model_used or (plan.model.id if plan else ""),
            requested=request.model,
            task=plan.task.value if plan else run.task,
            usage=usage_of(run),
            cost_micro_usd=run.cost_micro_usd,
            saved_micro_usd=run.saved_micro_usd,
            price_known=answer.price_known if answer else True,
            latency_ms=round((self._clock.monotonic() - run.started) * 1000),
            first_token_ms=run.first_token_ms,
            attempts=len(run.attempts),
            fallback=run.fallback,
            error=run.failure,
            tags=run.job.tags,
            arm=run.job.arm,
            own_keys=run.own_keys,
            status=run.error.status if run.error else 0,
            key_id=run.job.caller.grant.key_id,
            routed=plan.routed if plan else None,
            answer_digest=run.look.match.digest if run.look and run.look.match and run.look.served else "",
            near=run.look.mark if run.look else "",
            variant=run.variant.label if run.variant else "",
            wasted_micro_usd=run.wasted_micro_usd,
            baseline_micro_usd=self._baseline_of(run),
            tries=tuple(run.attempts) if tells_of_tries(run.attempts) else (),
            reason=reason_of(plan) if plan and not run.replayed else "",
        )


def usage_of(run: Run) -> Usage:
    """What the provider bills: nothing for an answer that was there, what a cut one had used."""
    if run.replayed:
        return Usage()
    return run.answer.usage if run.answer else run.wasted or Usage()


def reason_of(plan: Plan) -> str:
    """Why this model, in few words, none of which are the prompt's."""
    if plan.budget_downgrade:
        return f"in the place of {plan.budget_downgrade}, for which too little was left of a budget"
    if not plan.automatic:
        return plan.substitution or "asked for"
    complexity = f"{plan.complexity.level} complexity ({plan.complexity.score})"
    return f"{plan.task.value} {plan.task_confidence:.2f}, {complexity}, policy {plan.policy}"


def tells_of_tries(attempts: Sequence[Attempt]) -> bool:
    """Whether a record lists them: not where one try went well, of which the record says all there is to say."""
    return len(attempts) > 1 or any(attempt.outcome != "ok" for attempt in attempts)


def kind_of(run: Run) -> str:
    """The word under which a run is counted."""
    if run.error is not None and not run.admitted:
        return "refused"
    if run.error is not None or run.failure:
        return "error"
    if run.replayed:
        return run.replayed.value
    return "call" if run.answer else "hangup"
