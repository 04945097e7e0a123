"""Alerts at 80, 90 and 100 % of a budget (pure). Told once per budget, period and mark, the highest mark alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.ai.alerts.alert import Alert, Severity
from lib.ai.alerts.anomalies import DAY, dollars

MARKS: Final = (100, 90, 80)
PERSONAL: Final = frozenset({"user", "key"})
"""Scopes of single users: told as the operator wishes, by default in the digest."""
LIFETIMES: Final = {"day": 3 * DAY, "month": 40 * DAY}
DIGEST, NOW, OFF = "digest", "now", "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """How much of one budget is gone."""

    scope: str
    """`deployment`, `tier`, `user` or `key`."""
    name: str = ""
    """Which one: a tier, a user's hash, the public id of a key."""
    period: str
    """`day` or `month`."""
    stamp: str
    """Which one: `20261124`, `202611`."""
    spent: int
    limit: int
    """Both in micro-dollars or tokens; 0 for no limit."""
    unit: str = "usd"
    """`usd` or `tokens`."""
    person: str = ""
    """The hash of the user it belongs to, if to one."""


def budget_alert(state: BudgetState, personal: str = DIGEST) -> Alert | None:
    """The alert at the highest mark that is reached; None below all of them, or where nobody wants to hear."""
    of_user = state.scope in PERSONAL
    mark = next((mark for mark in MARKS if state.limit > 0 and state.spent * 100 >= mark * state.limit), 0)
    if not mark or (of_user and personal == OFF):
        return None
    whose = "the whole deployment" if state.scope == "deployment" else f"{state.scope} {state.name}"
    amounts = [dollars(n) if state.unit == "usd" else f"{n:,} tokens" for n in (state.spent, state.limit)]
    return Alert(
        kind="budget",
        severity=Severity.CRITICAL if mark == MARKS[0] and not of_user else Severity.WARNING,
        subject=f"{mark} % of {whose}'s {state.period}",
        text=f"{mark} % of the budget of {whose} for the {state.period} {state.stamp} is used:"
        f" {amounts[0]} of {amounts[1]}.",
        once=f"budget {state.scope} {state.name} {state.period} {state.stamp} {state.unit} {mark}",
        seconds=LIFETIMES.get(state.period, LIFETIMES["month"]),
        person=state.person,
        later=of_user and personal == DIGEST,
    )
