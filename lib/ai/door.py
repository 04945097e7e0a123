"""Steps 1 to 3: rate limits, de-duplication and the exact cache, asked in one round trip.

Without the KV this instance decides alone (`lib.ai.away`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lib.ai.away import Away
from lib.ai.budgets import NOTHING_HELD, budget_of, renewed, share_of, shared_budgets
from lib.ai.experiment_board import ExperimentBoard
from lib.ai.health import HealthBoard
from lib.ai.lesson_book import LessonBook
from lib.ai.near.tier import Asked, NearTier
from lib.ai.observability.record import UsageRecord, head_of, intent_of
from lib.ai.plan import Plan
from lib.ai.run import Run
from lib.ai.verdicts import other_body, over_budget, refused
from lib.answer import CacheKind, Usage
from lib.clock import Clock
from lib.contract import Caller, CallerKind
from lib.errors import StoreError, StoreUnavailable
from lib.kv.admission import Admitted, Ask, Cached, Gate, InFlight, OtherBody, OverBudget, Verdict
from lib.kv.budget_book import BudgetBook
from lib.kv.cache import (
    Entry,
    body_digest,
    cache_key,
    dedup_key,
    idempotency_digest,
    lone_question,
    opened,
    read_eligible,
    scope_fingerprint,
)
from lib.kv.keys import Keys
from lib.kv.rate_limit import Limit, Refusal, limits_for
from lib.kv.replies import Command, Reply
from lib.kv.seal import Seal
from lib.kv.spending import user_budget
from lib.kv.vault import Vault
from lib.tiers import LimitTable

HOLD_EXTRA_MS: Final = 60_000
"""A hold outlives its request's deadline by this, then expires by itself."""


@dataclass(frozen=True, slots=True)
class DoorRules:
    """What the door goes by, beside the tiers."""

    lease_ms: int = 10_000
    cache_enabled: bool = True
    shared_cache: bool = False
    """One cache for all users, instead of one each."""
    dedup_enabled: bool = True


Rider: TypeAlias = "tuple[Command, Callable[[Reply | StoreError], object]]"
"""A read that shares admission's round trip, and who takes in its reply."""


@dataclass(frozen=True, slots=True)
class Doorkeepers:
    """Those the door asks."""

    gate: Gate
    health: HealthBoard
    away: Away
    budgets: BudgetBook
    vault: Vault
    lessons: LessonBook
    near: NearTier | None = None
    """None where only the same question is a hit."""
    experiments: ExperimentBoard | None = None


class Door:
    """Lets requests in, or answers them from what is stored, or turns them away."""

    def __init__(self, ask: Doorkeepers, table: LimitTable, keys: Keys, clock: Clock, rules: DoorRules) -> None:
        self._ask = ask
        self._table = table
        self._keys = keys
        self._clock = clock
        self._rules = rules

    async def enter(self, run: Run, plan: Plan) -> Entry | InFlight | None:
        """The stored answer that serves this request, or None: go on and call a model.

        While an identical request is in flight, that: wait for its end and, unless it brings an answer, enter again.
        Raises RateLimited, BudgetExceeded, InvalidRequest, or the error of the original this request duplicates.
        """
        if not run.followed or run.asked_model != plan.model.id:
            self._name_keys(run, plan)
        self._take_seal(run, self._ask.vault.known(run.person))
        limits = limits_of(run.job.caller, plan.model.limit_class, self._table)
        if run.followed or run.misread:
            limits = tuple(limit for limit in limits if limit.calls_only)  # the others are counted already
        table, ask = self._ask.budgets.table, self._question(run, plan, limits)
        try:
            verdict = await self._heard(run, ask, plan)
            run.admitted = not isinstance(verdict, Refusal | OverBudget | OtherBody)
            if isinstance(verdict, Admitted) and table is not self._ask.budgets.table:
                self._let_in(run, ask, verdict)
                ask = renewed(run, ask, self._ask.budgets.table, share_of(plan, run.job.request)) or ask
                verdict = verdict if ask.gives_back is None else await self._heard(run, ask, plan)
        except StoreError as error:
            return await self._ask.away.enter(run, ask, perhaps_admitted=not isinstance(error, StoreUnavailable))
        if isinstance(verdict, InFlight):
            run.followed, run.limit = True, verdict.limit or run.limit
            return verdict
        entry = self._take(run, ask, verdict)
        if entry is None and isinstance(verdict, Cached):
            run.misread = True  # which is a miss: ask again, without what is stored
            return await self.enter(run, plan)
        return entry or await self._near_hit(run)

    def _take_seal(self, run: Run, seal: Seal | None) -> None:
        run.seal = seal
        run.answer_seal = self._ask.vault.shared if self._is_shared(run) else seal

    def _is_shared(self, run: Run) -> bool:
        """Whether the answer is anybody's."""
        return self._rules.shared_cache and not run.own_keys and not run.job.request.cache.private

    def _name_keys(self, run: Run, plan: Plan) -> None:
        request, user = run.job.request, tenant_of(run)
        tenant = "" if self._is_shared(run) else user
        run.asked_model = plan.model.id
        # Where the caller may not use every model, their requests are no twins of those that may.
        owner = "|".join((user, *run.job.caller.grant.models))
        run.variant = self._ask.experiments.arm_of(run.person) if self._ask.experiments else None
        cached = self._rules.cache_enabled and (run.variant is None or run.variant.arm.mode != "off")
        if cached and read_eligible(request) is None:
            run.answer_digest = cache_key(request, tenant=tenant, model=plan.model.id)
            self._begin_look(run, tenant)
        if request.idempotency_key:
            run.duplicate_digest = idempotency_digest(owner, request.idempotency_key)
            run.body_digest = body_digest(request)
        elif request.use_dedup and self._rules.dedup_enabled:
            run.duplicate_digest = dedup_key(request, user=owner, model=plan.model.id)

    def _begin_look(self, run: Run, tenant: str) -> None:
        request, near = run.job.request, self._ask.near
        text = lone_question(request.messages) if near else None
        if near and text and not request.tools:
            scope = scope_fingerprint(request, tenant=tenant, model=run.asked_model)
            run.look = near.begin(text, Asked(scope, run.answer_digest, run.person, request.cache), run.variant)

    async def _near_hit(self, run: Run) -> Entry | None:
        """An answer to a question that means the same, where such hits are certified; what was admitted is given back
        when the run is settled.
        """
        if not (self._ask.near and run.look):
            return None
        match = await self._ask.near.match(run.look, run.answer_seal)
        if match is None:
            return None
        run.replayed = CacheKind.SEMANTIC
        return match.entry

    async def _heard(self, run: Run, ask: Ask, plan: Plan) -> Verdict:
        """The verdict. A caller that hangs up does not take it back: what it claimed is then ended with the run."""
        asking = asyncio.ensure_future(self._admit(run, ask, plan))

        async def hear() -> None:
            try:
                verdict = await asking
            except StoreError as error:
                self._ask.away.missed(run, ask, perhaps_admitted=not isinstance(error, StoreUnavailable))
                return
            if isinstance(verdict, Admitted):
                run.admitted = True
                self._let_in(run, ask, verdict)
            run.replay_booked = isinstance(verdict, Cached)

        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            run.unheard = hear
            raise

    async def _admit(self, run: Run, ask: Ask, plan: Plan) -> Verdict:
        riders = list(self._riders(run, plan))
        verdict, replies = await self._ask.gate.admit(ask, [command for command, _ in riders])
        for (_, take), reply in zip(riders, replies, strict=True):
            take(reply)
        return verdict

    def _riders(self, run: Run, plan: Plan) -> Iterator[Rider]:
        """What is read together with the verdict, and who takes it in."""
        now, who, models = self._clock.now(), self._ask, [m.id for m in plan.chain]
        if read := who.health.read_command(models, now):
            yield read, lambda reply: who.health.learn(models, reply, now)
        if plan.bucket and (lesson := who.lessons.read_command(plan.task, now)):
            yield lesson, lambda reply: who.lessons.learn(plan.task, reply)
        if who.experiments and (arms := who.experiments.asking()):
            yield arms, who.experiments.learn
        if who.near and run.look:
            yield from who.near.riders(run.look)
        if run.seal is None:
            asking = who.vault.asking(run.person)
            yield asking, lambda reply: self._take_seal(run, who.vault.learn(run.person, reply))

    def _question(self, run: Run, plan: Plan, limits: Sequence[Limit]) -> Ask:
        job = run.job
        address = job.caller.address
        table = self._ask.budgets.table
        budget, shared = budget_of(run, table), shared_budgets(run, table)
        run.budgets = (user_budget(run.person, budget), *shared)
        share = share_of(plan, job.request) if budget or shared else NOTHING_HELD
        record = UsageRecord(
            request_id=job.request_id,
            person=run.person,
            tier=job.caller.tier,
            at=self._clock.now(),
            kind="open",
            model=plan.model.id,
            requested=job.request.model,
            task=plan.task.value,
            usage=Usage(input_tokens=plan.input_tokens, estimated=True),
            cost_micro_usd=plan.cost.total,
            tags=job.tags,
            arm=job.arm,
            own_keys=run.own_keys,
            key_id=job.caller.grant.key_id,
            routed=plan.routed,
            variant=run.variant.label if run.variant else "",
        )
        return Ask(
            person=run.person,
            token=job.request_id,
            address=self._keys.person(address) if address else "",
            limits=tuple(limits),
            answer_digest=run.answer_digest if job.request.read_cache and not run.misread else "",
            duplicate_digest=run.duplicate_digest,
            body_digest=run.body_digest,
            replay_finished=(job.request.read_cache or bool(job.request.idempotency_key)) and not run.misread,
            lease_ms=self._rules.lease_ms,
            hold_micro_usd=share.hold_micro_usd,
            need_micro_usd=share.need_micro_usd,
            hold_tokens=share.hold_tokens,
            need_tokens=share.need_tokens,
            hold_ms=int((job.deadline - self._clock.now()) * 1000) + HOLD_EXTRA_MS,
            budget=budget,
            shared=shared,
            record=head_of(record),
            intent=intent_of(record),
        )

    def _take(self, run: Run, ask: Ask, verdict: Verdict) -> Entry | None:
        match verdict:
            case Admitted():
                self._let_in(run, ask, verdict)
                self._ask.away.claim(run, ask)
                return None
            case Cached():
                run.limit = verdict.limit or run.limit
                run.log_length = verdict.log_length
                return self._replay(run, verdict.entry, duplicate=verdict.duplicate)
            case Refusal():
                raise refused(verdict)
            case OverBudget():
                raise over_budget(verdict, self._clock.now())
            case OtherBody() | InFlight():
                raise other_body()

    @staticmethod
    def _let_in(run: Run, ask: Ask, verdict: Admitted) -> None:
        run.claim = verdict.claim if run.duplicate_digest else ""
        run.hold_micro_usd = ask.hold_micro_usd
        run.limit = verdict.limit or run.limit
        run.log_length = verdict.log_length

    def _replay(self, run: Run, text: str, *, duplicate: bool) -> Entry | None:
        name = self._keys.duplicate(run.duplicate_digest) if duplicate else self._keys.answer(run.answer_digest)
        entry = opened(run.seal if duplicate else run.answer_seal, name, text)
        oldest = run.job.request.cache.max_age_seconds
        if entry is None or (oldest is not None and entry.age(self._clock.now()) > oldest):
            return None
        run.replayed = CacheKind.DUPLICATE if duplicate else CacheKind.EXACT
        run.replay_booked = True
        return entry


def limits_of(caller: Caller, model_class: str, table: LimitTable) -> tuple[Limit, ...]:
    """The limits that count for a caller's request to a model of that class."""
    if caller.kind is CallerKind.ADMIN:
        return ()
    by_address = caller.address is not None and caller.kind is not CallerKind.SERVICE
    return limits_for(table, caller.tier, model_class, by_address=by_address)


def tenant_of(run: Run) -> str:
    """Who may share an answer: the user, and apart from that the user with their own keys, since others pay then."""
    return f"{run.person}+own" if run.own_keys else run.person
