"""Steps 1 to 3: rate limits, de-duplication and the exact cache, asked in one round trip.

Without the KV the door stays open: limits hold per instance at a share, nothing is cached or shared, and the answer
says so (`x-ai-degraded: kv`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from lib.ai.health import HealthBoard
from lib.ai.observability.record import UsageRecord, head_of
from lib.ai.plan import Plan
from lib.ai.run import Run
from lib.clock import Clock
from lib.contract import CacheKind, CallerKind, Json
from lib.errors import BudgetExceeded, GatewayError, InvalidRequest, Overloaded, RateLimited, StoreError, UpstreamFailed
from lib.kv.admission import Admitted, Ask, Budget, Cached, Gate, InFlight, OtherBody, OverBudget, Verdict
from lib.kv.cache import Entry, body_digest, cache_key, decode, dedup_key, idempotency_digest, read_eligible
from lib.kv.deduplication import Deduplication, Failed, Freed, Published, TimedOut
from lib.kv.keys import Keys
from lib.kv.rate_limit import Limit, LocalWindows, Refusal, limits_for
from lib.kv.replies import Command, Reply
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
    closed_tiers: frozenset[str] = frozenset()
    """Tiers that are refused while the KV is away, because their limits and budgets must hold exactly."""


@dataclass(frozen=True, slots=True)
class Doorkeepers:
    """Those the door asks."""

    gate: Gate
    dedup: Deduplication
    health: HealthBoard
    local: LocalWindows


class Door:
    """Lets requests in, or answers them from what is stored, or turns them away."""

    def __init__(self, ask: Doorkeepers, table: LimitTable, keys: Keys, clock: Clock, rules: DoorRules) -> None:
        self._ask = ask
        self._table = table
        self._keys = keys
        self._clock = clock
        self._rules = rules

    async def enter(self, run: Run, plan: Plan) -> Entry | None:
        """The stored answer that serves this request, or None: go on and call a model.

        Raises RateLimited, BudgetExceeded, InvalidRequest, or the error of the original this request duplicates.
        """
        self._name_keys(run, plan)
        limits = self._limits(run, plan)
        while True:
            try:
                verdict = await self._admit(run, plan, limits)
            except StoreError:
                self._enter_without_kv(run, limits)
                return None
            if isinstance(verdict, InFlight):
                run.admitted = True
                entry = await self._follow(run, verdict)
                if entry is not None or "kv" in run.degraded:
                    return entry
                limits = tuple(limit for limit in limits if limit.calls_only)  # the others are counted already
                continue
            run.admitted = not isinstance(verdict, Refusal | OverBudget | OtherBody)
            return self._take(run, plan, verdict)

    def _name_keys(self, run: Run, plan: Plan) -> None:
        request, tenant = run.job.request, "" if self._rules.shared_cache else run.person
        if self._rules.cache_enabled and read_eligible(request) is None:
            run.answer_digest = cache_key(request, tenant=tenant, model=plan.model.id)
        if request.idempotency_key:
            run.duplicate_digest = idempotency_digest(run.person, request.idempotency_key)
            run.body_digest = body_digest(request)
        elif request.use_dedup and self._rules.dedup_enabled:
            run.duplicate_digest = dedup_key(request, user=run.person, model=plan.model.id)

    def _limits(self, run: Run, plan: Plan) -> tuple[Limit, ...]:
        caller = run.job.caller
        if caller.kind is CallerKind.ADMIN:
            return ()
        by_address = caller.address is not None and caller.kind is not CallerKind.SERVICE
        return limits_for(self._table, caller.tier, plan.model.limit_class, by_address=by_address)

    async def _admit(self, run: Run, plan: Plan, limits: Sequence[Limit]) -> Verdict:
        ask, now = self._question(run, plan, limits), self._clock.now()
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
        record = UsageRecord(
            request_id=job.request_id,
            person=run.person,
            tier=job.caller.tier,
            at=self._clock.now(),
            kind="",
            model="",
            requested=job.request.model,
            task=plan.task.value,
            tags=job.request.tags,
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
            hold_micro_usd=self._hold(run, plan),
            hold_ms=int((job.deadline - self._clock.now()) * 1000) + HOLD_EXTRA_MS,
            budget=self._budget(run),
            record=head_of(record),
        )

    def _hold(self, run: Run, plan: Plan) -> int:
        """What is reserved before the call: its estimated cost, where a budget holds."""
        return max(1, plan.cost.total) if self._budget(run) else 0

    def _budget(self, run: Run) -> Budget:
        tier = self._table.tier_named(run.job.caller.tier)
        return Budget(tier.daily_budget_micro_usd, tier.monthly_budget_micro_usd)

    def _take(self, run: Run, plan: Plan, verdict: Verdict) -> Entry | None:
        match verdict:
            case Admitted():
                run.claim = verdict.claim if run.duplicate_digest else ""
                run.hold_micro_usd = self._hold(run, plan)
                run.limit = verdict.limit or run.limit
                return None
            case Cached():
                run.limit = verdict.limit or run.limit
                run.log_length = verdict.log_length
                return self._replay(run, verdict.entry, duplicate=verdict.duplicate)
            case Refusal():
                raise refused(verdict)
            case OverBudget():
                raise over_budget(verdict)
            case OtherBody() | InFlight():
                message = "this Idempotency-Key was used with another request body"
                raise InvalidRequest(message, param="Idempotency-Key", code="idempotency_key_reused")

    def _replay(self, run: Run, text: str, *, duplicate: bool) -> Entry | None:
        entry = decode(text)
        if entry is None:
            return None  # a damaged entry is a miss
        run.replayed = CacheKind.DUPLICATE if duplicate else CacheKind.EXACT
        run.replay_booked = True
        return entry

    async def _follow(self, run: Run, flight: InFlight) -> Entry | None:
        """The original's answer; None when this request has to run itself."""
        run.limit = flight.limit or run.limit
        try:
            outcome = await self._ask.dedup.follow(run.duplicate_digest, flight.claim, run.job.deadline)
        except StoreError:
            self._without_kv(run)
            return None
        match outcome:
            case Published(text):
                entry = decode(text)
                if entry is not None:
                    run.replayed = CacheKind.DUPLICATE
                return entry
            case Failed(text):
                raise error_from(text)
            case TimedOut():
                raise UpstreamFailed("the identical request in flight did not finish in time", status=504)
            case Freed():
                return None

    def _enter_without_kv(self, run: Run, limits: Sequence[Limit]) -> None:
        self._without_kv(run)
        if run.job.caller.tier in self._rules.closed_tiers:
            raise Overloaded("limits cannot be checked at the moment; try again soon", retry_after=5.0)
        address = run.job.caller.address or ""
        owners = [(self._keys.person(address) if limit.by_address else run.person, limit) for limit in limits]
        refusal = self._ask.local.admit(owners, int(self._clock.now() * 1000))
        if refusal is not None:
            raise refused(refusal)

    @staticmethod
    def _without_kv(run: Run) -> None:
        run.degraded.add("kv")
        run.answer_digest = run.duplicate_digest = run.claim = ""


def refused(refusal: Refusal) -> RateLimited:
    """The error that says which limit and when."""
    limit, seconds = refusal.limit, max(1, -(-refusal.wait_ms // 1000))
    owner = "address" if limit.by_address else "user"
    locked = "locked out after going over" if refusal.locked or limit.lockout_ms else "over"
    message = (
        f"{locked} the limit '{limit.name}': {limit.maximum} requests in {limit.window_ms // 1000} s per {owner}; "
        f"try again in {seconds} s"
    )
    return RateLimited(
        message,
        limit_name=limit.name,
        limit=limit.maximum,
        window_seconds=limit.window_ms // 1000,
        retry_after=refusal.wait_ms / 1000,
    )


def over_budget(verdict: OverBudget) -> BudgetExceeded:
    """The error that says which budget and how much is spent."""
    spent, budget = verdict.spent_micro_usd / 1e6, verdict.budget_micro_usd / 1e6
    message = (
        f"this request does not fit into the budget of the {verdict.period}: ${spent:.6f} of ${budget:.6f} are spent"
    )
    return BudgetExceeded(message)


def error_text(error: GatewayError) -> str:
    """An original's error as its duplicates read it."""
    fields: dict[str, Json] = {
        "status": error.status,
        "message": error.message,
        "param": error.param,
        "code": error.code,
        "retry_after": error.retry_after,
    }
    return orjson.dumps(fields).decode()


def error_from(text: str) -> GatewayError:
    """The error read back."""
    value: Reply | Json = orjson.loads(text)
    fields = value if isinstance(value, dict) else {}
    message, status = str(fields.get("message")), fields.get("status")
    after, param = fields.get("retry_after"), fields.get("param")
    if isinstance(status, int) and status < 429:
        return InvalidRequest(message, param=param if isinstance(param, str) else None, code=str(fields.get("code")))
    seconds = float(after) if isinstance(after, int | float) else None
    return UpstreamFailed(message, status=status if isinstance(status, int) else 502, retry_after=seconds)
