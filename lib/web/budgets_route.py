"""GET /api/ai/admin/budgets: what every budget stands at, for the operator. Money is in dollars here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lib.access.api_keys import ApiKeys
from lib.contract import Json, JsonObject
from lib.errors import StoreError
from lib.kv.admission import Budget, SharedBudget
from lib.kv.spending import SpendingBook, Standing, deployment_budget, user_budget
from lib.tiers import LimitTable
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.stats_query import chosen
from lib.web.stats_route import unreadable

MICRO: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class BudgetsRoute:
    """`?user=&tier=&key=`: the deployment's budget, and those of a user (in a tier) and of a key, where named."""

    book: SpendingBook
    keys: ApiKeys
    person: Callable[[str], str]
    """The hash of a user id."""
    table: LimitTable
    access: Access

    async def __call__(self, call: Call) -> Reply:
        """`{budgets, tiers}`. Raises AuthenticationFailed, PermissionDenied, InvalidRequest, NotFound, Overloaded."""
        self.access.require_admin(call.headers)
        try:
            found = await self.book.standings(await self._asked(call.query()))
        except StoreError as error:
            raise unreadable(error) from error
        tiers: list[Json] = [
            {
                "tier": tier.name,
                "dailyUsd": _limit(tier.daily_budget_micro_usd),
                "monthlyUsd": _limit(tier.monthly_budget_micro_usd),
            }
            for tier in self.table.tiers
        ]
        return Reply({"budgets": [shown(standing) for standing in found], "tiers": tiers})

    async def _asked(self, query: Mapping[str, str]) -> list[SharedBudget]:
        asked = [SharedBudget("deployment", "", deployment_budget(self.table))]
        names = [tier.name for tier in self.table.tiers]
        tier = self.table.tier_named(chosen(query, "tier", names, names[0]))
        if user := query.get("user"):
            budget = Budget(tier.daily_budget_micro_usd, tier.monthly_budget_micro_usd)
            asked.append(user_budget(self.person(user), budget))
        if key_id := query.get("key"):
            terms = (await self.keys.get(key_id)).terms
            budget = Budget(terms.daily_budget_micro_usd or 0, terms.monthly_budget_micro_usd or 0)
            asked.append(SharedBudget("key", key_id, budget))
        return asked


def shown(standing: Standing) -> JsonObject:
    """One budget; `limitUsd` and `usedPercent` are null where there is none."""
    percent = round(100 * standing.spent / standing.limit, 1) if standing.limit else None
    return {
        "scope": standing.scope,
        "name": standing.name,
        "period": standing.period,
        "stamp": standing.stamp,
        "spentUsd": standing.spent / MICRO,
        "heldUsd": standing.held / MICRO,
        "limitUsd": _limit(standing.limit),
        "usedPercent": percent,
    }


def _limit(micro_usd: int) -> float | None:
    return micro_usd / MICRO if micro_usd else None
