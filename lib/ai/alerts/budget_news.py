"""Alerts at 80, 90 and 100 % of a budget (pure). Told once per budget, period and mark, the highest mark alone."""

from __future__ import annotations

from typing import Final

from lib.ai.alerts.alert import Alert, Severity
from lib.ai.alerts.anomalies import DAY, dollars
from lib.errors import BudgetExceeded
from lib.kv.admission import TOKENS
from lib.kv.keys import day_of
from lib.kv.spending import MARKS, Standing

PERSONAL: Final = frozenset({"user", "key"})
"""Scopes of single users: told as the operator wishes, by default in the digest."""
LIFETIMES: Final = {"day": 3 * DAY, "month": 40 * DAY}
DIGEST, NOW, OFF = "digest", "now", "off"


def budget_alert(
    standing: Standing, person: str = "", personal: str = DIGEST, *, refused: bool = False
) -> Alert | None:
    """The alert at the highest mark that is reached; None below all of them, or where nobody wants to hear.

    `person` is the hash of the user that a budget of theirs or of their key belongs to. With `refused` it is used up:
    what is left is too little for a request.
    """
    of_user = standing.scope in PERSONAL
    mark = MARKS[-1] if refused else standing.mark(standing.spent)
    if not mark or (of_user and personal == OFF):
        return None
    whose = _whose(standing)
    what = f"for the {standing.period} {standing.stamp}"
    kind, unit = ("token budget", " in tokens") if standing.unit == TOKENS else ("budget", "")
    text = f"{mark} % of the {kind} of {whose} {what} is used: {_amounts(standing)}."
    if refused:
        text = f"The {kind} of {whose} {what} is used up, and requests are refused: {_amounts(standing)}."
    return Alert(
        kind="budget",
        severity=Severity.CRITICAL if mark == MARKS[-1] and not of_user else Severity.WARNING,
        subject=f"{mark} % of {whose}'s {standing.period}{unit}",
        text=text,
        once=f"budget {standing.scope} {standing.name} {standing.period} {standing.stamp} {mark}{unit}",
        seconds=LIFETIMES.get(standing.period, LIFETIMES["month"]),
        person=person if of_user else "",
        later=of_user and personal == DIGEST,
    )


def used_up(error: Exception | None, names: dict[str, str], now: float) -> Standing | None:
    """The budget that a request was refused for, if it is nearly gone.

    None where it waits for others in flight, or asked for more than most of a budget at once. `names` is by scope.
    """
    if not isinstance(error, BudgetExceeded) or error.budget is None or error.retry_after is not None:
        return None
    budget, day = error.budget, day_of(now)
    standing = Standing(
        scope=budget.scope,
        name=names.get(budget.scope, ""),
        period=budget.period,
        stamp=day if budget.period == "day" else day[:6],
        spent=budget.spent - budget.held,
        limit=budget.limit,
        unit=budget.unit,
    )
    return standing if standing.mark(standing.spent) else None


def _amounts(standing: Standing) -> str:
    if standing.unit == TOKENS:
        return f"{standing.spent:,} of {standing.limit:,} tokens"
    return f"{dollars(standing.spent)} of {dollars(standing.limit)}"


def _whose(standing: Standing) -> str:
    return "the whole deployment" if standing.scope == "deployment" else f"{standing.scope} {standing.name}"
