"""Limits, budget, de-duplication and the cached vectors of one request, asked in one round trip."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from lib.ai.away import Away
from lib.ai.budgets import Share, budget_of, renewed, shared_budgets
from lib.ai.door import HOLD_EXTRA_MS, limits_of, tenant_of
from lib.ai.embeddings.keys import request_digest
from lib.ai.embeddings.price import cost_of
from lib.ai.embeddings.vector_cache import VectorCache
from lib.ai.embeddings.work import Work
from lib.ai.health import HealthBoard
from lib.ai.observability.record import UsageRecord, head_of, intent_of
from lib.ai.verdicts import followed, other_body, over_budget, refused
from lib.answer import Usage
from lib.catalog import PriceBook
from lib.clock import Clock
from lib.errors import StoreError, StoreUnavailable
from lib.kv.admission import Admitted, Ask, Cached, Gate, InFlight, OtherBody, OverBudget, Verdict
from lib.kv.budget_book import BudgetBook
from lib.kv.deduplication import Deduplication
from lib.kv.keys import Keys
from lib.kv.rate_limit import Refusal
from lib.kv.replies import Command
from lib.kv.spending import user_budget
from lib.tiers import NO_BUDGET, LimitTable

TASK: Final = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Lets requests in with whatever vectors are there already, or turns them away."""

    gate: Gate
    dedup: Deduplication
    away: Away
    health: HealthBoard
    cache: VectorCache
    prices: PriceBook
    table: LimitTable
    budgets: BudgetBook
    keys: Keys
    clock: Clock
    lease_ms: int = 0
    """0 where requests in flight are not joined."""

    async def enter(self, work: Work) -> None:
        """Fill in the cached vectors. What is missing then is this request's to compute.

        Raises RateLimited, BudgetExceeded, or the error of the original this request duplicates.
        """
        question: Ask | None = self._question(work)
        while question is not None:
            try:
                verdict = await self._heard(work, question)
            except StoreError as error:
                perhaps = not isinstance(error, StoreUnavailable)
                alone = replace(question, duplicate_digest="")
                await self.away.enter(work.run, alone, perhaps_admitted=perhaps)
                return
            question = await self._take(work, question, verdict)

    async def _take(self, work: Work, ask: Ask, verdict: Verdict) -> Ask | None:
        """What to ask next; None when the request is in."""
        match verdict:
            case Admitted():
                self._let_in(work, ask, verdict)
                if not work.missing or ask.gives_back is not None:
                    return None
                cost, tokens = max(1, self.hold(work, work.missing)), work.tokens(work.missing)
                return renewed(work.run, ask, self.budgets.table, Share(cost, cost, tokens, tokens))
            case InFlight():
                work.run.admitted, work.run.limit = True, verdict.limit or work.run.limit
                if not work.missing:
                    return None
                await self._follow(work, verdict)
                return replace(ask, limits=tuple(limit for limit in ask.limits if limit.calls_only))
            case OverBudget():
                return self._for_what_is_missing(work, ask, verdict)
            case Refusal():
                raise refused(verdict)
            case Cached() | OtherBody():  # neither can be: no answer is asked for, and no body
                raise other_body()

    async def _heard(self, work: Work, ask: Ask) -> Verdict:
        """The verdict, the vectors taken in. A caller that hangs up meanwhile may have been admitted all the same."""
        try:
            return await self._ask(work, ask)
        except asyncio.CancelledError:
            self.away.missed(work.run, ask, perhaps_admitted=True)
            raise

    async def _ask(self, work: Work, ask: Ask) -> Verdict:
        now, models = self.clock.now(), [model.id for model in work.chosen.chain]
        vectors, health = self.cache.read_command(work), self.health.read_command(models, now)
        ride: list[Command] = [command for command in (vectors, health) if command]
        verdict, replies = await self.gate.admit(ask, ride)
        if vectors:
            found = self.cache.found(work, replies.pop(0))
            work.vectors |= found
            work.cached |= found.keys()
        for reply in replies:
            self.health.learn(models, reply, now)
        return verdict

    def _let_in(self, work: Work, ask: Ask, verdict: Admitted) -> None:
        run = work.run
        run.admitted = True
        run.claim = verdict.claim if ask.duplicate_digest else run.claim
        run.hold_micro_usd = ask.hold_micro_usd
        run.limit = verdict.limit or run.limit
        run.log_length = verdict.log_length

    async def _follow(self, work: Work, flight: InFlight) -> None:
        """Wait for the same request elsewhere, whose vectors are then in the cache. Raises its error."""
        try:
            outcome = await self.dedup.follow(work.run.duplicate_digest, flight.claim, work.run.job.deadline)
        except StoreError:
            return  # admission is asked again, and says what to do without the KV
        followed(work.run, outcome)

    def _for_what_is_missing(self, work: Work, ask: Ask, verdict: OverBudget) -> Ask:
        """The question with a smaller hold, now that it is known what is cached. Raises BudgetExceeded."""
        hold = self.hold(work, work.missing) if work.missing else 0
        if hold >= ask.hold_micro_usd or not (ask.budget or ask.shared):
            raise over_budget(verdict, self.clock.now())
        if not hold:
            return replace(ask, hold_micro_usd=0, hold_tokens=0, need_tokens=0, budget=NO_BUDGET, shared=())
        tokens = work.tokens(work.missing)
        return replace(ask, hold_micro_usd=hold, hold_tokens=tokens, need_tokens=tokens)

    def _question(self, work: Work) -> Ask:
        run = work.run
        table = self.budgets.table
        budget, shared = budget_of(run, table), shared_budgets(run, table)
        run.budgets = (user_budget(run.person, budget), *shared)
        job, cost, tokens = run.job, self.hold(work, work.missing), work.tokens(work.missing)
        now, address = self.clock.now(), job.caller.address
        record = UsageRecord(
            request_id=job.request_id,
            person=run.person,
            tier=job.caller.tier,
            at=now,
            kind="open",
            model=work.chosen.name,
            requested=job.request.model,
            task=TASK,
            usage=Usage(input_tokens=tokens, estimated=True),
            cost_micro_usd=cost,
            tags=job.tags,
            own_keys=run.own_keys,
            key_id=job.caller.grant.key_id,
        )
        if self.lease_ms and self.cache.covers(work):
            run.duplicate_digest = request_digest(tenant_of(run), work.digests)
        return Ask(
            person=run.person,
            token=job.request_id,
            address=self.keys.person(address) if address else "",
            limits=limits_of(job.caller, work.chosen.row.model.limit_class, self.table),
            duplicate_digest=run.duplicate_digest,
            replay_finished=False,
            lease_ms=self.lease_ms,
            hold_micro_usd=max(1, cost) if budget or shared else 0,
            hold_tokens=tokens,
            need_tokens=tokens,
            hold_ms=int((job.deadline - now) * 1000) + HOLD_EXTRA_MS,
            budget=budget,
            shared=shared,
            record=head_of(record),
            intent=intent_of(record),
        )

    def hold(self, work: Work, digests: list[str]) -> int:
        """Micro-dollars that computing these is expected to cost."""
        usage = Usage(input_tokens=work.tokens(digests))
        return cost_of(self.prices, work.chosen.chain[0], usage, self.clock.now()).micro_usd
