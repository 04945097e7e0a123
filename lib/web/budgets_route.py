"""/api/ai/admin/budgets: what every budget stands at, and setting them at run time. Money is in dollars here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from lib.access.api_keys import ApiKeys
from lib.contract import Json, JsonObject
from lib.errors import NotFound, StoreError
from lib.kv.admission import TOKENS, SharedBudget
from lib.kv.budget_book import DEPLOYMENT, REMEMBERED_SECONDS, BudgetBook
from lib.kv.spending import SpendingBook, Standing, everybodys, user_budget
from lib.tiers import NO_BUDGET, Budget, Ceilings
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.key_bodies import Dollars, Tokens, dollars, micro
from lib.web.stats_query import chosen
from lib.web.stats_route import unreadable
from lib.web.validation import invalid

Scope: TypeAlias = Literal["deployment", "tier", "tierUsers", "user", "key"]


class BudgetBody(BaseModel):
    """PUT: one budget. What is `null` or missing is as the settings have it, 0 is no ceiling."""

    model_config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, alias_generator=to_camel, validate_by_name=True
    )

    scope: Scope
    name: Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    """The tier, user id or key id; empty for the deployment."""
    daily_usd: Dollars | None = None
    monthly_usd: Dollars | None = None
    daily_tokens: Tokens | None = None
    monthly_tokens: Tokens | None = None

    @property
    def ceilings(self) -> Ceilings:
        """What it sets."""
        return Ceilings(micro(self.daily_usd), micro(self.monthly_usd), self.daily_tokens, self.monthly_tokens)


@dataclass(frozen=True, slots=True)
class BudgetsRoute:
    """Each method raises AuthenticationFailed, PermissionDenied, InvalidRequest, NotFound, Overloaded."""

    spending: SpendingBook
    budgets: BudgetBook
    keys: ApiKeys
    person: Callable[[str], str]
    """The hash of a user id."""
    access: Access

    async def __call__(self, call: Call) -> Reply:
        """GET `?user=&tier=&key=`: the deployment's and the tiers' budgets, and those of a user (in a tier) and of a
        key, where named. PUT sets one.
        """
        self.access.require_admin(call.headers)
        try:
            if call.method == "PUT":
                return await self._set(_read(await call.body()))
            return await self._shown(call.query())
        except StoreError as error:
            raise unreadable(error) from error

    async def _shown(self, query: Mapping[str, str]) -> Reply:
        known = await self.budgets.read()
        found = await self.spending.standings(await self._asked(query))
        tiers: list[Json] = [
            {"tier": tier.name, **_shown_budget(tier.budget), "total": _shown_budget(tier.total)}
            for tier in self.budgets.table.tiers
        ]
        named = ((*name.partition(":"), own) for name, own in known.items())
        told: list[Json] = [
            {"scope": scope, "name": name, **_shown_ceilings(own)} for scope, _, name, own in sorted(named, key=str)
        ]
        return Reply({
            "budgets": [shown(standing) for standing in found],
            "tiers": tiers,
            "set": told,
            "takenUpWithinSeconds": int(REMEMBERED_SECONDS),
        })  # fmt: skip

    async def _asked(self, query: Mapping[str, str]) -> list[SharedBudget]:
        table = self.budgets.table
        asked = everybodys(table)
        names = [tier.name for tier in table.tiers]
        tier = chosen(query, "tier", names, names[0])
        if user := query.get("user"):
            person = self.person(user)
            asked.append(user_budget(person, table.budget_of(tier, person)))
        if key_id := query.get("key"):
            terms = (await self.keys.get(key_id)).terms
            rows = (
                *(terms.daily_budget_micro_usd, terms.monthly_budget_micro_usd),
                *(terms.daily_tokens, terms.monthly_tokens),
            )
            asked.append(SharedBudget("key", key_id, Ceilings(*rows).over(NO_BUDGET)))
        return asked

    async def _set(self, body: BudgetBody) -> Reply:
        ceilings, name = body.ceilings, self._name(body)
        if body.scope == "key":
            day, month, day_tokens, month_tokens = ceilings.rows
            await self.keys.change(
                body.name,
                lambda terms: replace(
                    terms,
                    daily_budget_micro_usd=day,
                    monthly_budget_micro_usd=month,
                    daily_tokens=day_tokens,
                    monthly_tokens=month_tokens,
                ),
            )
        else:
            await self.budgets.set(name, ceilings if any(row is not None for row in ceilings.rows) else None)
        return Reply({
            "scope": body.scope,
            "name": name.partition(":")[2],
            **_shown_ceilings(ceilings),
            "takenUpWithinSeconds": int(REMEMBERED_SECONDS),
        })  # fmt: skip

    def _name(self, body: BudgetBody) -> str:
        """What the budget is called in the document; users go by their hash. Raises NotFound for `name`."""
        tiers = [tier.name for tier in self.budgets.table.tiers]
        if body.scope == DEPLOYMENT:
            if body.name:
                raise NotFound("The deployment has no name.", param="name")
            return DEPLOYMENT
        if body.scope in ("tier", "tierUsers") and body.name not in tiers:
            raise NotFound(f"name must be one of {', '.join(tiers)}", param="name")
        if not body.name:
            raise NotFound(f"name must say which {body.scope}", param="name")
        return f"{body.scope}:{self.person(body.name) if body.scope == 'user' else body.name}"


def shown(standing: Standing) -> JsonObject:
    """One budget, its amounts in dollars or tokens; limit and `usedPercent` are null where there is none."""
    percent = round(100 * standing.spent / standing.limit, 1) if standing.limit else None
    in_tokens = standing.unit == TOKENS
    parts = (("spent", standing.spent), ("held", standing.held), ("limit", standing.limit or None))
    amounts: JsonObject = {
        f"{name}{'Tokens' if in_tokens else 'Usd'}": amount if in_tokens else dollars(amount) for name, amount in parts
    }
    return {
        "scope": standing.scope,
        "name": standing.name,
        "period": standing.period,
        "stamp": standing.stamp,
        "unit": standing.unit,
        **amounts,
        "usedPercent": percent,
    }


def _read(data: bytes) -> BudgetBody:
    try:
        return BudgetBody.model_validate_json(data or b"{}")
    except ValidationError as error:
        raise invalid(error) from None


def _shown_ceilings(own: Ceilings) -> JsonObject:
    day, month, day_tokens, month_tokens = own.rows
    return {
        "dailyUsd": dollars(day),
        "monthlyUsd": dollars(month),
        "dailyTokens": day_tokens,
        "monthlyTokens": month_tokens,
    }


def _shown_budget(budget: Budget) -> JsonObject:
    """Null where there is none."""
    return _shown_ceilings(Ceilings(*(amount or None for amount in budget.rows)))
