"""Steps 1 to 3: rate limits, de-duplication and the exact cache, asked in one round trip.

Without the KV this instance decides alone (`lib.ai.away`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.away import Away
from lib.ai.budgets import budget_of, shared_budgets
from lib.ai.health import HealthBoard
from lib.ai.observability.record import UsageRecord, head_of, intent_of
from lib.ai.plan import Plan
from lib.ai.run import Run
from lib.ai.verdicts import other_body, over_budget, refused
from lib.answer import CacheKind, Usage
from lib.clock import Clock
from lib.contract import Caller, CallerKind
from lib.errors import StoreError, StoreUnavailable
from lib.kv.admission import Admitted, Ask, Cached, Gate, InFlight, OtherBody, OverBudget, Verdict
from lib.kv.cache import Entry, body_digest, cache_key, decode, dedup_key, idempotency_digest, read_eligible
from lib.kv.keys import Keys
from lib.kv.rate_limit import Limit, Refusal, limits_for
from lib.kv.replies import Command
from lib.kv.spending import user_budget
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


@dataclass(frozen=True, slots=True)
class Doorkeepers:
    """Those the door asks."""

    gate: Gate
    health: HealthBoard
    away: Away


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
        if not run.followed:
            self._name_keys(run, plan)
        limits = limits_of(run.job.caller, plan.model.limit_class, self._table)
        if run.followed:
            limits = tuple(limit for limit in limits if limit.calls_only)  # the others are counted already
        ask = self._question(run, plan, limits)
        try:
            verdict = await self._heard(run, ask, plan)
        except StoreError as error:
            return await self._ask.away.enter(run, ask, perhaps_admitted=not isinstance(error, StoreUnavailable))
        run.admitted = not isinstance(verdict, Refusal | OverBudget | OtherBody)
        if isinstance(verdict, InFlight):
            run.followed, run.limit = True, verdict.limit or run.limit
            return verdict
        return self._take(run, ask, verdict)

    def _name_keys(self, run: Run, plan: Plan) -> None:
        request, user = run.job.request, tenant_of(run)
        tenant = "" if self._rules.shared_cache and not run.own_keys else user
        run.asked_model = plan.model.id
        # Where the caller may not use every model, their requests are no twins of those that may.
        owner = "|".join((user, *run.job.caller.grant.models))
        if self._rules.cache_enabled and read_eligible(request) is None:
            run.answer_digest = cache_key(request, tenant=tenant, model=plan.model.id)
        if request.idempotency_key:
            run.duplicate_digest = idempotency_digest(owner, request.idempotency_key)
            run.body_digest = body_digest(request)
        elif request.use_dedup and self._rules.dedup_enabled:
            run.duplicate_digest = dedup_key(request, user=owner, model=plan.model.id)

    async def _heard(self, run: Run, ask: Ask, plan: Plan) -> Verdict:
        """The verdict. A caller that hangs up does not take it back: what it claimed is then ended with the run."""
        asking = asyncio.ensure_future(self._admit(ask, plan))

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

    async def _admit(self, ask: Ask, plan: Plan) -> Verdict:
        now = self._clock.now()
        models = [m.id for m in plan.chain]
        read = self._ask.health.read_command(models, now)
        ride: list[Command] = [read] if read else []
        verdict, replies = await self._ask.gate.admit(ask, ride)
        for reply in replies:
            self._ask.health.learn(models, reply, now)
        return verdict

    def _question(self, run: Run, plan: Plan, limits: Sequence[Limit]) -> Ask:
        job = run.job
        address = job.caller.address
        budget, shared = budget_of(run, self._table), shared_budgets(run, self._table)
        run.budgets = (user_budget(run.person, budget), *shared)
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
        )
        return Ask(
            person=run.person,
            token=job.request_id,
            address=self._keys.person(address) if address else "",
            limits=tuple(limits),
            answer_digest=run.answer_digest if job.request.read_cache else "",
            duplicate_digest=run.duplicate_digest,
            body_digest=run.body_digest,
            replay_finished=job.request.read_cache or bool(job.request.idempotency_key),
            lease_ms=self._rules.lease_ms,
            hold_micro_usd=max(1, plan.cost.total, plan.cost.most) if budget or shared else 0,
            need_micro_usd=max(1, plan.cost.total) if budget or shared else 0,
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
        entry = decode(text)
        if entry is None:
            return None  # a damaged entry is a miss
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
