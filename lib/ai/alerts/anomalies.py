"""Alerts on hours in which more fails, or more is spent, than the hours before them let expect (pure).

Both rules are made to be silent on little traffic: a few failures, or a first dear request, prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from lib.ai.alerts.alert import Alert, Severity

HOUR: Final = 3_600
HOURS_BEFORE: Final = 24
DAYS_BEFORE: Final = 7
HISTORY: Final = DAYS_BEFORE * 24 + 1
"""Hours before one that are needed to judge it."""
LEAST_ERRORS: Final = 5
LEAST_REQUESTS: Final = 20
POINTS: Final = 0.05
Z: Final = 3.29
"""One-sided 0.05 %."""
TIMES: Final = 3
MAD_TO_SIGMA: Final = 1.4826
"""Makes the median absolute deviation estimate a normal distribution's standard deviation."""
DEVIATIONS: Final = 3.0
LEAST_DAYS: Final = 4
"""Of the days before, with anything spent: a deployment's first days have no usual spend."""
DAY: Final = 86_400
PERIOD_HOURS: Final = 6
"""An incident that lasts is told so often."""


@dataclass(frozen=True, slots=True)
class HourFigures:
    """One hour of the whole deployment."""

    served: int = 0
    """Requests that were not refused."""
    errors: int = 0
    cost_micro_usd: int = 0


NOTHING: Final = HourFigures()


@dataclass(frozen=True, slots=True)
class Hours:
    """Figures by the hour they begin in (hours since the epoch); what is missing had no requests."""

    figures: Mapping[int, HourFigures]

    def at(self, hour: int) -> HourFigures:
        """One hour."""
        return self.figures.get(hour, NOTHING)

    def before(self, hour: int) -> list[HourFigures]:
        """The day before an hour."""
        return [self.at(hour - n) for n in range(1, HOURS_BEFORE + 1)]

    def same_time(self, hour: int) -> list[list[HourFigures]]:
        """The same time of the seven days before, each with the hours around it."""
        return [[self.at(hour - 24 * n + d) for d in (-1, 0, 1)] for n in range(1, DAYS_BEFORE + 1)]


def wilson_low(part: int, whole: int, z: float = Z) -> float:
    """The lower end of Wilson's score interval for a share (Wilson 1927; Brown, Cai and DasGupta 2001)."""
    if not whole:
        return 0.0
    share, square = part / whole, z * z
    middle = share + square / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return (middle - spread) / (1 + square / whole)


def error_alert(hours: Hours, hour: int) -> Alert | None:
    """More fails than the day before: even the least share that the figures allow is twice that day's, and 5 points up.

    An hour with fewer than 20 requests or 5 errors is not judged.
    """
    now, day = hours.at(hour), hours.before(hour)
    if now.served < LEAST_REQUESTS or now.errors < LEAST_ERRORS:
        return None
    served, errors = sum(h.served for h in day), sum(h.errors for h in day)
    usual = errors / served if served else 0.0
    if wilson_low(now.errors, now.served) <= max(2 * usual, usual + POINTS):
        return None
    share = now.errors / now.served
    return Alert(
        kind="error_rate",
        severity=Severity.CRITICAL,
        subject=f"{share:.0%} of requests fail",
        text=f"{now.errors} of {now.served} requests failed in the hour of {clock_time(hour)};"
        f" in the 24 hours before it was {usual:.1%}.",
        once=f"error_rate {hour // PERIOD_HOURS}",
        seconds=2 * DAY,
    )


def spend_alert(hours: Hours, hour: int, floor_micro_usd: int) -> Alert | None:
    """More is spent than is usual at this time of the day, by the 21 hours around it over the week before.

    It must be above the floor, thrice their median, their median and 3 deviations (as estimated from the median
    absolute deviation: Hampel 1974; Leys et al. 2013), and each single one of them.
    """
    spent = hours.at(hour).cost_micro_usd
    days = hours.same_time(hour)
    if sum(any(h.cost_micro_usd for h in day) for day in days) < LEAST_DAYS:
        return None
    usual = [h.cost_micro_usd for day in days for h in day]
    bound = max(floor_micro_usd, *usual, round(_bound(usual)))
    if spent <= bound:
        return None
    return Alert(
        kind="spend",
        severity=Severity.CRITICAL,
        subject=f"{dollars(spent)} in an hour",
        text=f"{dollars(spent)} was spent in the hour of {clock_time(hour)};"
        f" usual at this time is {dollars(round(median(usual)))}, the most in a week {dollars(max(usual))}.",
        once=f"spend {hour // 24}",
        seconds=2 * DAY,
    )


def _bound(usual: Sequence[int]) -> float:
    middle = median(usual)
    deviation = MAD_TO_SIGMA * median(abs(each - middle) for each in usual)
    return max(TIMES * middle, middle + DEVIATIONS * deviation)


def dollars(micro_usd: int) -> str:
    """`$12.34`; more places below a cent."""
    amount = micro_usd / 1_000_000
    return f"${amount:,.2f}" if amount >= 0.01 or not amount else f"${amount:.6f}"


def clock_time(hour: int) -> str:
    """`13:00 UTC`."""
    return f"{hour % 24:02}:00 UTC"
