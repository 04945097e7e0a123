"""Steps 1 and 2 without the KV: limits, budgets and de-duplication within this instance, with bounded memory.

Limits hold at a share, a user may spend a share of the day's budget, and identical requests in flight here share one
provider call. Nothing is cached. The answer says so (`x-ai-degraded: kv`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lib.ai.run import Run
from lib.ai.verdicts import error_text, followed, other_body, over_budget, refused
from lib.clock import Clock
from lib.errors import Overloaded
from lib.kv.admission import MONEY, TOKENS, Ask, OverBudget, SharedBudget, claim_value
from lib.kv.cache import Entry
from lib.kv.deduplication import ERROR_SHOWN_MS, Published, Windows, answer_record, body_of, error_record
from lib.kv.keys import day_of
from lib.kv.local_claims import LocalClaims
from lib.kv.local_spend import LocalSpend
from lib.kv.rate_limit import Limit, LocalWindows
from lib.kv.spending import user_budget
from lib.tiers import Budget

DAYS_OF_A_MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class AwayRules:
    """What holds while the KV is away."""

    closed_tiers: frozenset[str] = frozenset()
    """Tiers that are refused, because their limits and budgets must hold exactly."""
    budget_percent: int = 10
    """What one instance lets a user spend a day, as a share of the daily budget (or of a thirtieth of the monthly)."""
    windows: Windows = field(default_factory=Windows)


class Away:
    """This instance's own admission. Knows the originals that run here also while the KV answers."""

    def __init__(self, clock: Clock, rules: AwayRules) -> None:
        self._clock = clock
        self._rules = rules
        self._windows = LocalWindows()
        self._claims = LocalClaims(clock)
        self._spend = LocalSpend()

    async def enter(self, run: Run, ask: Ask, *, perhaps_admitted: bool) -> Entry | None:
        """An identical request's answer, or None: go on and call a model.

        `perhaps_admitted`: the KV may have admitted the request without our learning it. Its claim and hold are then
        ended with the others at the end. Raises like `Door.enter`, and Overloaded for a closed tier.
        """
        self.missed(run, ask, perhaps_admitted=perhaps_admitted)
        if run.job.caller.tier in self._rules.closed_tiers:
            raise Overloaded("limits cannot be checked at the moment; try again soon", retry_after=5.0)
        limits = ask.limits
        while record := self._relevant(ask):
            self._count(ask, [limit for limit in limits if not limit.calls_only])
            limits = tuple(limit for limit in limits if limit.calls_only)
            run.admitted = True
            entry = await self._answer_of(run, ask, record)
            if entry is not None:
                return entry
            if not record.startswith("F"):
                break  # unreadable, which is as good as none
        self._check_budget(ask)
        self._count(ask, limits)
        run.admitted = True
        self._reserve(run, ask)
        self.claim(run, ask)
        return None

    def claim(self, run: Run, ask: Ask) -> None:
        """Note that this request runs here, so that duplicates find it if the KV goes away meanwhile."""
        claim = claim_value(ask.body_digest, ask.token)
        if ask.duplicate_digest and self._claims.claim(ask.duplicate_digest, claim, run.job.deadline):
            run.local_claim = claim

    def leave(self, run: Run, entry: str) -> None:
        """The end of a run: duplicates here get its answer (as stored; empty for none), its error, or their turn."""
        for whose in run.budgets:
            self._spend.settle(account(whose), run.job.request_id, run.cost_micro_usd)
            self._spend.settle(account(whose, TOKENS), run.job.request_id, run.tokens)
        if not run.local_claim:
            return
        record, milliseconds = "", 0
        if entry:
            milliseconds = self._rules.windows.of(keyed=bool(run.job.request.idempotency_key))
            record = answer_record(run.body_digest, entry)
        elif run.error is not None:
            record, milliseconds = error_record(run.body_digest, error_text(run.error)), ERROR_SHOWN_MS
        self._claims.end(run.duplicate_digest, run.local_claim, record, milliseconds)

    @staticmethod
    def missed(run: Run, ask: Ask, *, perhaps_admitted: bool) -> None:
        """Note that the KV's verdict did not come."""
        run.degraded.add("kv")
        run.answer_digest = ""
        run.perhaps_admitted = perhaps_admitted
        if perhaps_admitted:
            run.claim = claim_value(ask.body_digest, ask.token) if ask.duplicate_digest else ""
            run.hold_micro_usd = ask.hold_micro_usd

    def _relevant(self, ask: Ask) -> str | None:
        """The record of an identical request to wait for or to replay. Raises InvalidRequest for a reused key."""
        record = self._claims.read(ask.duplicate_digest) if ask.duplicate_digest else None
        if record is None or record.startswith("E"):
            return None
        if body_of(record) != ask.body_digest:
            raise other_body()
        return record if record.startswith("F") or ask.replay_finished else None

    async def _answer_of(self, run: Run, ask: Ask, record: str) -> Entry | None:
        if record.startswith("F"):
            return followed(run, await self._claims.follow(ask.duplicate_digest, record, run.job.deadline))
        return followed(run, Published(record.partition("\n")[2]))

    def _count(self, ask: Ask, limits: Sequence[Limit]) -> None:
        owners = [(ask.address if limit.by_address else ask.person, limit) for limit in limits]
        refusal = self._windows.admit(owners, int(self._clock.now() * 1000))
        if refusal is not None:
            raise refused(refusal)

    def _check_budget(self, ask: Ask) -> None:
        now = self._clock.now()
        needs = ((MONEY, ask.need_micro_usd or ask.hold_micro_usd), (TOKENS, ask.need_tokens))
        for whose in (user_budget(ask.person, ask.budget), *ask.shared):
            for unit, need in needs:
                cap = daily_cap(whose.budget, self._rules.budget_percent, unit)
                taken = self._spend.taken(account(whose, unit), day_of(now))
                if cap is not None and taken + need > cap:
                    verdict = OverBudget("day without the store", taken, cap, scope=whose.scope, unit=unit)
                    raise over_budget(verdict, now)

    def _reserve(self, run: Run, ask: Ask) -> None:
        run.hold_micro_usd = ask.hold_micro_usd
        if ask.hold_micro_usd:
            day = day_of(self._clock.now())
            for whose in run.budgets:
                self._spend.hold(account(whose), ask.token, ask.hold_micro_usd, day=day)
                self._spend.hold(account(whose, TOKENS), ask.token, ask.hold_tokens, day=day)


def account(whose: SharedBudget, unit: str = MONEY) -> str:
    """The name under which a budget is counted here."""
    return f"{whose.scope} {whose.name} {unit}"


def daily_cap(budget: Budget, percent: int, unit: str = MONEY) -> int | None:
    """What one instance lets a user spend a day by itself; None where no budget holds."""
    per_day, per_month = budget.rows[2:] if unit == TOKENS else budget.rows[:2]
    days = [amount for amount in (per_day, per_month // DAYS_OF_A_MONTH) if amount]
    return min(days) * percent // 100 if days else None
