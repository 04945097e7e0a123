"""What can be asked about usage over a range of time: the words that the route and the reader share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.contract import JsonObject

HOUR, DAY, MONTH = "hour", "day", "month"
ALL, USER, MODEL, TASK, TIER, KEY = "all", "user", "model", "task", "tier", "key"
GRANULARITIES: Final = (HOUR, DAY, MONTH)
GROUPS: Final = (MODEL, USER, TASK, TIER, KEY)
WITH_HOURS: Final = frozenset({ALL, MODEL, TASK, TIER})
"""Groups whose usage is kept by hour too, and with latencies."""
OTHERS: Final = "other"
"""The name of the row for what no other row of its period has: more users than were asked for, requests without key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """Days are `20261124`, both ends included; months are always whole ones."""

    first: str
    last: str
    granularity: str = DAY
    group_by: str = ALL
    user_id: str = ""
    """Only this user's; not together with a group or hours."""
    most: int = 100
    """Users or keys that have rows of their own in a period, those that cost most."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Usage of a period (`2026-11-24T13:00Z`, `2026-11-24`, `2026-11`); `name` says whose, where that was asked.

    A user's is the hash under which the store knows them.
    """

    period: str
    name: str
    figures: JsonObject
    """As in every answer about usage: requests, tokens, money, rates, latencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which of the recent requests are asked for; empty stands for any."""

    most: int = 50
    before: str = ""
    """The mark that a page gave as its `next`."""
    user_id: str = ""
    person: str = ""
    """The hash of a user, as usage by user names them."""
    model: str = ""
    error: str = ""
    """The kind of an error, or `any`."""
    tag: str = ""
    key_id: str = ""
