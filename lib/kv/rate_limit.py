"""Rate limits: what one is, and the per-instance stand-in that holds them while the KV is away.

All windows slide: a request is admitted only if fewer than `maximum` were in the `window` before it, counted in
buckets of a second so that *any* window of that length holds at most `maximum`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lib.tiers import LimitTable

OWN_SHARE: Final = 2
"""Without the KV each instance admits `maximum / OWN_SHARE`, since others admit beside it."""
WATCHED: Final = 20_000
"""Windows one instance remembers while the KV is away; the longest unused is forgotten first."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `maximum` requests in any `window_ms`; going over it locks the owner out for `lockout_ms`."""

    name: str
    maximum: int
    window_ms: int = 60_000
    lockout_ms: int = 0
    by_address: bool = False
    """Counted per client address instead of per user."""
    calls_only: bool = False
    """Counts only requests that reach a provider: a cache hit does not use it up."""


def limits_for(table: LimitTable, tier_name: str, model_class: str, *, by_address: bool) -> tuple[Limit, ...]:
    """The limits of one request: the user's tier first, then the model's class, then the client address.

    Raises InvalidRequest for an unknown tier.
    """
    tier = table.tier_named(tier_name)
    limits = [Limit(tier.name, tier.limit, tier.window_seconds * 1000, tier.lockout_seconds * 1000)]
    if row := table.class_limit(model_class):
        limits.append(Limit(row.name, row.limit, row.window_seconds * 1000, calls_only=True))
    if by_address:
        limits.append(Limit("address", table.address_limit, by_address=True))
    return tuple(limits)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which limit said no, and in how many milliseconds it may say yes."""

    limit: Limit
    wait_ms: int
    locked: bool = False


@dataclass(slots=True)
class _Window:
    counts_until: int = 0
    locked_until: int = 0
    times: list[int] = field(default_factory=list[int])


class LocalWindows:
    """The same limits held in this instance alone, each at its own share, while the KV cannot be reached."""

    def __init__(self) -> None:
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def admit(self, owners: Sequence[tuple[str, Limit]], now_ms: int) -> Refusal | None:
        """Count one request against every limit, or none of them when one refuses."""
        for owner, limit in owners:
            if refusal := self._refusal(self._window(owner, limit, now_ms), limit, now_ms):
                return refusal
        for owner, limit in owners:
            self._window(owner, limit, now_ms).times.append(now_ms)
        return None

    @property
    def remembered(self) -> int:
        """Windows in memory, some of which may be over."""
        return len(self._windows)

    def _window(self, owner: str, limit: Limit, now_ms: int) -> _Window:
        key = (owner, limit.name)
        window = self._windows.setdefault(key, _Window())
        window.counts_until = max(window.counts_until, now_ms + limit.window_ms)
        self._windows.move_to_end(key)
        oldest = next(iter(self._windows.values()))
        if len(self._windows) > WATCHED or max(oldest.counts_until, oldest.locked_until) <= now_ms:
            self._windows.popitem(last=False)
        return window

    @staticmethod
    def _refusal(window: _Window, limit: Limit, now_ms: int) -> Refusal | None:
        if window.locked_until > now_ms:
            return Refusal(limit, window.locked_until - now_ms, locked=True)
        window.times = [t for t in window.times if t > now_ms - limit.window_ms]
        share = max(1, limit.maximum // OWN_SHARE)
        if len(window.times) < share:
            return None
        wait = window.times[len(window.times) - share] + limit.window_ms - now_ms
        if limit.lockout_ms:
            window.locked_until = now_ms + limit.lockout_ms
            wait = max(wait, limit.lockout_ms)
        return Refusal(limit, wait)
