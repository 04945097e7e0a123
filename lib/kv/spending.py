"""What budgets stand at: read out of packed states, and out of what a settlement tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.admission import Budget, SharedBudget
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Reply
from lib.kv.store import Store
from lib.tiers import LimitTable

MARKS: Final = (80, 90, 100)
"""Percent of a budget that somebody wants to hear of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One budget in one period, in micro-dollars."""

    scope: str
    """`user`, `key` or `deployment`."""
    name: str
    """The user's hash, the key's public id; empty for the deployment."""
    period: str
    """`day` or `month`."""
    stamp: str
    """Which one: `20261124`, `202611`."""
    spent: int
    limit: int
    """0 for none."""
    held: int = 0
    """By requests in flight, beside what is spent."""

    def mark(self, spent: int) -> int:
        """The highest mark that such a sum has reached; 0 below all."""
        return max((mark for mark in MARKS if self.limit and spent * 100 >= mark * self.limit), default=0)


class SpendingBook:
    """Reads what budgets stand at."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def standings(self, budgets: Sequence[SharedBudget]) -> list[Standing]:
        """Of day and month each, in one round trip. Raises StoreError."""
        replies = await self._store.run_many([("GET", self._name(whose)) for whose in budgets])
        now = self._clock.now()
        found: list[Standing] = []
        for whose, reply in zip(budgets, replies, strict=True):
            if isinstance(reply, StoreError):
                raise reply
            found += standings_of(whose, reply if isinstance(reply, str) else "", now)
        return found

    def _name(self, whose: SharedBudget) -> str:
        if whose.scope == "user":
            return self._keys.user_state(whose.name)
        return self._keys.shared_spend(whose.scope, whose.name)


def standings_of(whose: SharedBudget, text: str, now: float) -> tuple[Standing, Standing]:
    """Of day and month, read from a packed state (`lua/state.lua`); an empty text is one that nothing was spent of."""
    day = day_of(now)
    clock, of_day, of_month, holds = [*text.split("|"), "", "", "", ""][:4]
    at = max(int(now * 1000), int(clock or 0))
    held = sum(int(amount) for amount, expiry in _holds(holds) if int(expiry) > at)
    budget = whose.budget
    rows = (("day", day, of_day, budget.per_day), ("month", day[:6], of_month, budget.per_month))
    first, second = (
        Standing(
            scope=whose.scope, name=whose.name, period=period, stamp=stamp, limit=limit, held=held,
            spent=_spent(spent, stamp),
        )
        for period, stamp, spent, limit in rows
    )  # fmt: skip
    return first, second


def crossed(budgets: Sequence[SharedBudget], sums: Reply, cost: int, now: float) -> tuple[Standing, ...]:
    """The budgets that a settlement of `cost` has brought over a mark: it books all at once, so each is told once.

    `sums` is its reply: per budget what day and month have cost, and nothing where it had been done before.
    """
    spent = [each for each in sums if isinstance(each, int)] if isinstance(sums, list) else []
    if len(spent) != 2 * len(budgets):
        return ()
    day = day_of(now)
    found: list[Standing] = []
    for at, whose in enumerate(budgets):
        rows = (("day", day, whose.budget.per_day), ("month", day[:6], whose.budget.per_month))
        for after, (period, stamp, limit) in zip(spent[2 * at :], rows, strict=False):
            standing = Standing(
                scope=whose.scope, name=whose.name, period=period, stamp=stamp, spent=after, limit=limit
            )
            if standing.mark(after) > standing.mark(after - cost):
                found.append(standing)
    return tuple(found)


def user_budget(person: str, budget: Budget) -> SharedBudget:
    """A user's own budget in the words of the others."""
    return SharedBudget("user", person, budget)


def deployment_budget(table: LimitTable) -> Budget:
    """What everything together may cost."""
    return Budget(table.daily_budget_micro_usd, table.monthly_budget_micro_usd)


def _holds(text: str) -> list[tuple[str, str]]:
    parts = [piece.split(",") for piece in text.split(";")]
    return [(part[1], part[2]) for part in parts if len(part) > 2]


def _spent(text: str, stamp: str) -> int:
    period, _, amount = text.partition(",")
    return int(amount) if period >= stamp and amount else 0
