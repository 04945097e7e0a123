"""Who is on which side of the rollout, and when it is turned back. Pure.

Users fall into 10,000 buckets by their hash, for good: raising the percentage only adds users to the new side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

import orjson

from lib.contract import Arm, Json, JsonObject
from lib.errors import GatewayError
from lib.json_text import value_in

BUCKETS: Final = 10_000
EVERYONE: Final = BUCKETS
DEVIATIONS: Final = 3.0
"""Of the pooled two-proportion z statistic: equal sides differ by as much in 0.13 % of looks, one-sided."""


@dataclass(frozen=True, slots=True)
class AutoRollback:
    """When the rollout is turned back by itself."""

    enabled: bool = True
    margin_percent: float = 5.0
    """Points by which the new side's error rate must be above the old one's."""
    min_requests: int = 100
    """On each side, within the time that is looked at."""


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """A roll-back that happened."""

    at: float
    from_percent: float
    reason: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far it has come. `generation` tells each change from all others; 0 where nothing was ever set."""

    hundredths: int
    """Of a percent of the users, who are on the new side."""
    generation: int = 0
    changed_at: float = 0.0
    auto: AutoRollback = AutoRollback()
    turned_back: TurnedBack | None = None
    """The latest one, kept when the rollout goes on."""

    @property
    def percent(self) -> float:
        """Of the users, on the new side."""
        return self.hundredths / 100

    @property
    def watched(self) -> bool:
        """Whether there are two sides to compare, and a difference would turn it back."""
        return self.auto.enabled and 0 < self.hundredths < EVERYONE

    def changed(self, now: float, *, hundredths: int | None = None, auto: AutoRollback | None = None) -> Rollout:
        """The same with other values; what is None stays."""
        return replace(
            self,
            hundredths=self.hundredths if hundredths is None else hundredths,
            auto=auto or self.auto,
            generation=max(self.generation + 1, int(now * 1000)),
            changed_at=now,
        )

    def back(self, now: float, reason: str) -> Rollout:
        """Turned back to nobody, where it stays until somebody sets it anew."""
        return replace(self.changed(now, hundredths=0), turned_back=TurnedBack(now, self.percent, reason))


def bucket_of(person: str) -> int:
    """A user's bucket, from 0 to 9,999, by the hash the KV knows them under."""
    digest = blake2b(person.encode(), digest_size=8, person=b"rollout").digest()
    return int.from_bytes(digest) % BUCKETS


def arm_of(person: str, rollout: Rollout) -> Arm:
    """The side a user is on."""
    return Arm.NEW if bucket_of(person) < rollout.hundredths else Arm.OLD


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of one side that were answered or failed, and those that failed by no fault of the caller."""

    requests: int = 0
    errors: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.errors + other.errors)

    @property
    def rate(self) -> float:
        """Share of errors."""
        return self.errors / self.requests if self.requests else 0.0


def is_fault(error: Exception) -> bool:
    """Whether an error is that of the side it came from: not the caller's mistake, nor a limit of theirs."""
    return not isinstance(error, GatewayError) or error.status >= 500 or error.code == "upstream_rate_limited"


def why_back(new: Counts, old: Counts, rule: AutoRollback) -> str:
    """Why the rollout has to be turned back, in words; empty when it has not.

    Both must hold, on enough requests of either side: the new side's error rate is above the old one's by the margin,
    and by so much that chance does not explain it (pooled two-proportion z test at DEVIATIONS).
    """
    if min(new.requests, old.requests) < rule.min_requests:
        return ""
    worse = new.rate - old.rate
    if worse * 100 < rule.margin_percent or worse <= 0:
        return ""
    pooled = (new.errors + old.errors) / (new.requests + old.requests)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / new.requests + 1 / old.requests))
    if worse < DEVIATIONS * deviation:
        return ""
    return (
        f"{new.errors} of {new.requests} requests failed on the new side ({new.rate:.1%}), "
        f"{old.errors} of {old.requests} on the old one ({old.rate:.1%})"
    )


def encode(rollout: Rollout) -> str:
    """As it is stored."""
    auto, back = rollout.auto, rollout.turned_back
    fields: JsonObject = {
        "hundredths": rollout.hundredths,
        "generation": rollout.generation,
        "changed_at": rollout.changed_at,
        "auto": [auto.enabled, auto.margin_percent, auto.min_requests],
        "turned_back": [back.at, back.from_percent, back.reason] if back else None,
    }
    return orjson.dumps(fields).decode()


def decode(text: str) -> Rollout | None:
    """Read back; None for a text that is none."""
    match value_in(text):
        case {
            "hundredths": int(hundredths),
            "generation": int(generation),
            "changed_at": int() | float() as changed_at,
            "auto": [bool(enabled), (int() | float()) as margin, int(least)],
            "turned_back": back,
        } if 0 <= hundredths <= EVERYONE:
            auto = AutoRollback(enabled, margin, least)
            return Rollout(hundredths, generation, changed_at, auto, _turned_back(back))
        case _:
            return None


def _turned_back(value: Json) -> TurnedBack | None:
    match value:
        case [int() | float() as at, int() | float() as percent, str(reason)]:
            return TurnedBack(at, percent, reason)
        case _:
            return None
