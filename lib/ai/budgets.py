"""Which budgets a request draws on, and how much of them is set aside for it. Pure."""

from __future__ import annotations

from lib.ai.run import Run
from lib.kv.admission import Budget, SharedBudget
from lib.kv.spending import deployment_budget
from lib.tiers import LimitTable


def budget_of(run: Run, table: LimitTable) -> Budget:
    """The user's, by their tier, unless their credential has its own; none for who brings their own provider keys."""
    if run.own_keys:
        return Budget()
    tier, grant = table.tier_named(run.job.caller.tier), run.job.caller.grant
    return Budget(
        tier.daily_budget_micro_usd if grant.daily_budget_micro_usd is None else 0,
        tier.monthly_budget_micro_usd if grant.monthly_budget_micro_usd is None else 0,
    )


def shared_budgets(run: Run, table: LimitTable) -> tuple[SharedBudget, ...]:
    """The budgets that the request draws on together with others: its key's, and the whole deployment's."""
    if run.own_keys:
        return ()
    grant = run.job.caller.grant
    of_key = Budget(grant.daily_budget_micro_usd or 0, grant.monthly_budget_micro_usd or 0)
    rows = (
        SharedBudget("key", grant.key_id, of_key if grant.key_id else Budget()),
        SharedBudget("deployment", "", deployment_budget(table)),
    )
    return tuple(row for row in rows if row.budget)
