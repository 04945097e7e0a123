"""The query parameters of /api/ai/stats, checked: each error names its parameter."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from lib.errors import InvalidRequest
from lib.usage_query import ALL, DAY, GRANULARITIES, GROUPS, HOUR, MONTH, WITH_HOURS, UsageQuery

A_DAY: Final = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)", re.ASCII)
A_MONTH: Final = re.compile(r"(20\d\d)-?(\d\d)", re.ASCII)
NONE: Final = "none"
OF_A_RANGE: Final = ("from", "to", "granularity", "groupBy", "format", "limit")
"""Any of them makes the question one about a range."""
FORMATS: Final = ("json", "csv")
MOST: Final = 1_000
LONGEST_DAYS: Final = 400
LONGEST_FINE_DAYS: Final = 31
"""By hour, or by user or key and day."""
LONGEST_MONTHS_DAYS: Final = 1_200
BEFORE: Final = {HOUR: 0, DAY: 29, MONTH: 330}
"""Days before the last one at which a range begins that says no begin."""


def dated(query: Mapping[str, str], name: str, form: re.Pattern[str]) -> str | None:
    """A date parameter without its dashes, or None. Raises InvalidRequest naming it."""
    given = query.get(name)
    if not given:
        return None
    found = form.fullmatch(given)
    if found is None or not _is_date(found.groups()):
        raise InvalidRequest(f"{name} must look like {'2026-11-24' if form is A_DAY else '2026-11'}", param=name)
    return "".join(found.groups())


def chosen(query: Mapping[str, str], name: str, values: Sequence[str], default: str) -> str:
    """A parameter that takes certain words. Raises InvalidRequest naming it."""
    given = query.get(name) or default
    if given not in values:
        raise InvalidRequest(f"{name} must be {', '.join(values[:-1])} or {values[-1]}", param=name)
    return given


def whole_number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A parameter that is a number from 1 to `most`. Raises InvalidRequest naming it."""
    given = query.get(name) or str(default)
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given[:9]) <= most:
        raise InvalidRequest(f"{name} must be a number from 1 to {most:,}", param=name)
    return int(given)


def usage_query(query: Mapping[str, str], now: float, user_id: str) -> UsageQuery:
    """The question about a range; `user_id` is the only user it is about, empty for all. Raises InvalidRequest."""
    granularity = chosen(query, "granularity", GRANULARITIES, DAY)
    group = chosen(query, "groupBy", (*GROUPS, NONE), NONE)
    group_by = ALL if group == NONE else group
    _check_kept(granularity, group_by, user_id)
    last = _bound(query, "to") or datetime.fromtimestamp(now, UTC).date()
    first = _bound(query, "from") or last - timedelta(days=BEFORE[granularity])
    if first > last:
        raise InvalidRequest("from must not be after to", param="from")
    longest = _longest(granularity, group_by)
    if (last - first).days >= longest:
        raise InvalidRequest(f"this may span {longest:,} days at most", param="from")
    return UsageQuery(
        first=f"{first:%Y%m%d}",
        last=f"{last:%Y%m%d}",
        granularity=granularity,
        group_by=group_by,
        user_id=user_id,
        most=whole_number(query, "limit", 100, MOST),
    )


def _check_kept(granularity: str, group_by: str, user_id: str) -> None:
    """Refuse what no view holds."""
    if user_id and group_by != ALL:
        raise InvalidRequest("usage of one user is not split further", param="groupBy")
    if granularity == HOUR and (user_id or group_by not in WITH_HOURS):
        raise InvalidRequest("usage by user or key is kept by day and month, not by hour", param="granularity")


def _bound(query: Mapping[str, str], name: str) -> date | None:
    """A day; a month stands for its first or last one."""
    given = query.get(name, "")
    if A_MONTH.fullmatch(given):
        month = dated(query, name, A_MONTH) or ""
        year, number = int(month[:4]), int(month[4:])
        return date(year, number, monthrange(year, number)[1] if name == "to" else 1)
    day = dated(query, name, A_DAY)
    return date(int(day[:4]), int(day[4:6]), int(day[6:])) if day else None


def _longest(granularity: str, group_by: str) -> int:
    if granularity == MONTH:
        return LONGEST_MONTHS_DAYS
    fine = granularity == HOUR or group_by not in WITH_HOURS
    return LONGEST_FINE_DAYS if fine else LONGEST_DAYS


def _is_date(parts: Sequence[str]) -> bool:
    """Whether year, month and day, or year and month, are in the calendar."""
    year, month, day = map(int, (*parts, "1")[:3])
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
