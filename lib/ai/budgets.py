"""Which budgets a request draws on, and how much of them is set aside for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lib.ai.plan import Plan
from lib.ai.router.choice import LONGEST
from lib.ai.run import Run
from lib.contract import ChatRequest, Grant
from lib.kv.admission import Ask, SharedBudget
from lib.kv.spending import user_budget
from lib.tiers import NO_BUDGET, Budget, Ceilings, LimitTable


@dataclass(frozen=True, slots=True)
class Share:
    """What admission sets aside for a request: what it is expected to take, and the most."""

    need_micro_usd: int
    hold_micro_usd: int
    need_tokens: int
    hold_tokens: int


NOTHING_HELD: Final = Share(0, 0, 0, 0)


def budget_of(run: Run, table: LimitTable) -> Budget:
    """The user's, by their tier, unless their credential has its own; none for who brings their own provider keys."""
    if run.own_keys:
        return NO_BUDGET
    caller = run.job.caller
    return of_grant(caller.grant).beside(table.budget_of(caller.tier, run.person))


def shared_budgets(run: Run, table: LimitTable) -> tuple[SharedBudget, ...]:
    """The budgets that the request draws on together with others: its key's, its tier's, the whole deployment's."""
    if run.own_keys:
        return ()
    caller = run.job.caller
    of_key = of_grant(caller.grant).over(NO_BUDGET) if caller.grant.key_id else NO_BUDGET
    rows = (
        SharedBudget("key", caller.grant.key_id, of_key),
        SharedBudget("tier", caller.tier, table.tier_named(caller.tier).total),
        SharedBudget("deployment", "", table.budget),
    )
    return tuple(row for row in rows if row.budget)


def of_grant(grant: Grant) -> Ceilings:
    """What a credential sets in the place of its user's tier."""
    return Ceilings(
        grant.daily_budget_micro_usd, grant.monthly_budget_micro_usd, grant.daily_tokens, grant.monthly_tokens
    )


def renewed(run: Run, ask: Ask, table: LimitTable, share: Share) -> Ask | None:
    """The question to ask once more where other budgets hold than it was admitted with; None where the same do.

    It is counted and has its claim already: this gives back what it holds, and asks of the budgets alone.
    """
    budget, shared = budget_of(run, table), shared_budgets(run, table)
    if (budget, shared) == (ask.budget, ask.shared):
        return None
    run.budgets = (user_budget(run.person, budget), *shared)
    held = share if budget or shared else NOTHING_HELD
    return replace(
        ask,
        limits=(),
        answer_digest="",
        duplicate_digest="",
        budget=budget,
        shared=shared,
        hold_micro_usd=held.hold_micro_usd,
        need_micro_usd=held.need_micro_usd,
        hold_tokens=held.hold_tokens,
        need_tokens=held.need_tokens,
        gives_back=ask.shared,
    )


def share_of(plan: Plan, request: ChatRequest) -> Share:
    """Of a chat: the expected cost and the most, in tokens as in money (see `CostEstimate`)."""
    longest = min(request.max_tokens or plan.output_tokens * LONGEST, max(model.max_output for model in plan.chain))
    need = plan.input_tokens + plan.output_tokens
    return Share(
        max(1, plan.cost.total),
        max(1, plan.cost.total, plan.cost.most),
        need,
        max(need, plan.input_tokens + request.n * longest),
    )
