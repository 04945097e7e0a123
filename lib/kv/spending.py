"""What budgets stand at: read out of packed states, and out of what a settlement tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.admission import MONEY, TOKENS, SharedBudget
from lib.kv.budget_book import BudgetBook
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Reply
from lib.kv.store import Store
from lib.tiers import Budget, LimitTable

MARKS: Final = (80, 90, 100)
"""Percent of a budget that somebody wants to hear of."""
PERIODS: Final = ("day", "month")
ROWS: Final = 4
"""Of a budget: day and month, in money and in tokens."""
TOKENS_AT: Final = 3
"""Where a hold tells its tokens, after amount, expiry and expected amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One budget in one period, in its unit."""

    scope: str
    """`user`, `key`, `tier` or `deployment`."""
    name: str
    """The user's hash, the key's public id, the tier's name; empty for the deployment."""
    period: str
    """`day` or `month`."""
    stamp: str
    """Which one: `20261124`, `202611`."""
    spent: int
    limit: int
    """0 for none."""
    unit: str = MONEY
    """`usd`, counted in micro-dollars, or `tokens`."""
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
        """Of each what `standings_of` tells, in one round trip. Raises StoreError."""
        replies = await self._store.run_many([("GET", self._name(whose)) for whose in budgets])
        now = self._clock.now()
        found: list[Standing] = []
        for whose, reply in zip(budgets, replies, strict=True):
            if isinstance(reply, StoreError):
                raise reply
            found += standings_of(whose, reply if isinstance(reply, str) else "", now)
        return found

    async def of_all(self, budgets: BudgetBook) -> list[Standing]:
        """Of the deployment and the tiers, by the budgets that hold now. Raises StoreError."""
        await budgets.read()
        return await self.standings(everybodys(budgets.table))

    def _name(self, whose: SharedBudget) -> str:
        if whose.scope == "user":
            return self._keys.user_state(whose.name)
        return self._keys.shared_spend(whose.scope, whose.name)


def standings_of(whose: SharedBudget, text: str, now: float) -> tuple[Standing, ...]:
    """Of day and month, and in tokens where they are limited, read from a packed state (`lua/state.lua`).

    An empty text is one that nothing was spent of.
    """
    clock, of_day, of_month, holds = [*text.split("|"), "", "", "", ""][:4]
    at = max(int(now * 1000), int(clock or 0))
    held = [0, 0]
    for amount, expiry, tokens in _holds(holds):
        if expiry > at:
            held[0], held[1] = held[0] + amount, held[1] + tokens
    day = day_of(now)
    of = {"day": _spent(of_day, day), "month": _spent(of_month, day[:6])}
    sums = [of[period][unit] for unit in (0, 1) for period in PERIODS]
    found = _standings(whose, sums, now)
    return tuple(replace(each, held=held[each.unit == TOKENS]) for each in found if each.unit == MONEY or each.limit)


def crossed(budgets: Sequence[SharedBudget], sums: Reply, added: tuple[int, int], now: float) -> tuple[Standing, ...]:
    """The budgets that a settlement has brought over a mark: it books all at once, so each is told once.

    `added` is its cost and its tokens, `sums` its reply: per budget what day and month have cost, then their tokens,
    and nothing where it had been done before.
    """
    spent = [each for each in sums if isinstance(each, int)] if isinstance(sums, list) else []
    if len(spent) != ROWS * len(budgets):
        return ()
    found = [each for at, whose in enumerate(budgets) for each in _standings(whose, spent[ROWS * at :], now)]
    limited = [each for each in found if each.limit]
    return tuple(each for each in limited if each.mark(each.spent) > each.mark(each.spent - added[each.unit == TOKENS]))


def _standings(whose: SharedBudget, sums: Sequence[int], now: float) -> list[Standing]:
    """One for each row of a budget, in its order."""
    day = day_of(now)
    rows = [(unit, period) for unit in (MONEY, TOKENS) for period in PERIODS]
    return [
        Standing(
            scope=whose.scope,
            name=whose.name,
            period=period,
            stamp=day if period == "day" else day[:6],
            spent=spent,
            limit=limit,
            unit=unit,
        )
        for (unit, period), spent, limit in zip(rows, sums, whose.budget.rows, strict=False)
    ]


def user_budget(person: str, budget: Budget) -> SharedBudget:
    """A user's own budget in the words of the others."""
    return SharedBudget("user", person, budget)


def everybodys(table: LimitTable) -> list[SharedBudget]:
    """The budgets that are no single user's: the deployment's, and those of tiers that have one."""
    tiers = [SharedBudget("tier", tier.name, tier.total) for tier in table.tiers if tier.total]
    return [SharedBudget("deployment", "", table.budget), *tiers]


def _holds(text: str) -> list[tuple[int, int, int]]:
    """Amount, expiry and tokens of each."""
    parts = [[*map(int, piece.split(",")[1:])] for piece in text.split(";")]
    return [(part[0], part[1], part[3] if len(part) > TOKENS_AT else 0) for part in parts if len(part) > 1]


def _spent(text: str, stamp: str) -> tuple[int, int]:
    """Micro-dollars and tokens of a period; none of one that is past."""
    period, *sums = text.split(",")
    amount, tokens = [*map(int, sums), 0, 0][:2]
    return (amount, tokens) if period >= stamp else (0, 0)
