"""Who may ask how often: tiers of callers, classes of models, and every address. All windows slide.

The rows are the product's defaults; settings replace single values of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.errors import InvalidRequest

MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What one kind of caller may do."""

    name: str
    limit: int
    """Requests in any `window_seconds`."""
    window_seconds: int = MINUTE
    lockout_seconds: int = 0
    """How long everything is refused once the limit is exceeded; 0 for not at all."""
    daily_budget_micro_usd: int = 0
    """Spend per user and day (UTC), 0 for no bound."""
    monthly_budget_micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class ClassLimit:
    """How often one user may ask models of one class, whatever the tier; `name` is a `ModelRow.limit_class`."""

    name: str
    limit: int
    window_seconds: int = MINUTE


TIERS: Final[tuple[Tier, ...]] = (
    Tier(name="free", limit=10, lockout_seconds=300),
    Tier(name="pro", limit=50, lockout_seconds=60),
    Tier(name="expert", limit=200, lockout_seconds=30),
    Tier(name="master", limit=1000),
)
CLASS_LIMITS: Final[tuple[ClassLimit, ...]] = (
    ClassLimit("gpt-4o", 20),
    ClassLimit("claude-opus", 10),
    ClassLimit("o1", 5),
)
ADDRESS_LIMIT: Final = 1500
"""Requests per minute from one client address: above the largest tier, so that it stops floods and not users."""


@dataclass(frozen=True, slots=True)
class LimitTable:
    """All limits in force."""

    tiers: tuple[Tier, ...] = TIERS
    classes: tuple[ClassLimit, ...] = CLASS_LIMITS
    address_limit: int = ADDRESS_LIMIT
    daily_budget_micro_usd: int = 0
    """Spend of all users together per day (UTC), 0 for no bound."""
    monthly_budget_micro_usd: int = 0

    def tier_named(self, name: str) -> Tier:
        """The tier of that name. Raises InvalidRequest for `tier` when there is none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise InvalidRequest(f"tier must be one of {', '.join(tier.name for tier in self.tiers)}", param="tier")

    def class_limit(self, name: str) -> ClassLimit | None:
        """The limit of a model class, or None for a model without one."""
        return next((row for row in self.classes if name and row.name == name), None)


def tier_named(name: str) -> Tier:
    """One of the default tiers. Raises InvalidRequest for `tier` when there is none."""
    return LimitTable().tier_named(name)
