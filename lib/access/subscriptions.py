"""What subscription events have told about a user, and the tier that follows. Pure.

Events come late, twice and out of order: each subscription keeps the newest it was told, and a user has the best tier
that any of theirs gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from lib.contract import Json
from lib.json_text import value_in

DAY: Final = 86_400
GRACE_SECONDS: Final = 3 * DAY
"""A subscription counts this long after its period, so that a late event of its renewal costs nobody their tier. Stripe
sends an event again for three days."""
KEPT_SECONDS: Final = 7 * DAY
"""What was told is kept at least this long, to know older events by."""
LONGEST_SECONDS: Final = 400 * DAY
MOST: Final = 8
"""Subscriptions of one user that are remembered."""
LIVE: Final = frozenset({"active", "trialing"})
"""States in which a subscription gives its tier, in Stripe's words."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the newest event says of one subscription."""

    id: str
    told_at: int
    """When the event was made (seconds since the epoch)."""
    tier: str
    """Empty when it gives none: it is not live, or buys nothing that is known."""
    ends: int = 0
    """Of the period that is paid for; 0 when nobody said."""
    deleted: bool = False

    def gives(self, now: float) -> str:
        """The tier, while the period lasts."""
        return self.tier if not self.ends or now < self.ends + GRACE_SECONDS else ""


@dataclass(frozen=True, slots=True)
class Told:
    """All that is remembered of one user. `at` is when it was last changed (seconds since the epoch)."""

    at: float = 0.0
    subscriptions: tuple[Subscription, ...] = ()

    def after(self, news: Subscription, now: float) -> Told:
        """With an event taken in; unchanged when it is older than what is known. At equal times an end wins."""
        known = next((each for each in self.subscriptions if each.id == news.id), None)
        if known and (known.told_at, known.deleted) > (news.told_at, news.deleted):
            return self
        others = [each for each in self.subscriptions if each.id != news.id]
        others.sort(key=lambda each: (each.gives(now) != "", each.told_at), reverse=True)
        return Told(now, (news, *others[: MOST - 1]))

    def tier(self, now: float, tiers: Sequence[str]) -> str:
        """The best of what the subscriptions give; `tiers` are all there are, the lowest first."""
        return best((each.gives(now) for each in self.subscriptions), tiers)

    def lifetime_seconds(self, now: float) -> int:
        """How long this is worth keeping."""
        ends = [each.ends + GRACE_SECONDS if each.ends else now + LONGEST_SECONDS for each in self.subscriptions]
        return int(min(max(KEPT_SECONDS, *(end - now for end in ends)), LONGEST_SECONDS))


def best(given: Iterable[str], tiers: Sequence[str]) -> str:
    """The highest of the tiers given, the lowest of all where none is known."""
    known = [tiers.index(tier) for tier in given if tier in tiers]
    return tiers[max(known, default=0)]


def encode(told: Told) -> str:
    """As it is stored."""
    rows: list[Json] = [[s.id, s.told_at, s.tier, s.ends, s.deleted] for s in told.subscriptions]
    return orjson.dumps([told.at, rows]).decode()


def decode(text: object) -> Told:
    """What was stored; anything unreadable counts as nothing told."""
    match value_in(text):
        case [float(at) | int(at), [*rows]]:
            read = tuple(each for row in rows if (each := _row(row)) is not None)
            return Told(float(at), read)
        case _:
            return Told()


def _row(row: Json) -> Subscription | None:
    match row:
        case [str(name), int(told_at), str(tier), int(ends), bool(deleted)]:
            return Subscription(name, told_at, tier, ends, deleted)
        case _:
            return None
