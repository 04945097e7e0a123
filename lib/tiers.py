"""Who may ask how often, and spend how much: tiers of callers, classes of models, every address. All windows slide.

The rows are the product's defaults; settings replace single values of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lib.errors import InvalidRequest

MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Budget:
    """Ceilings, in micro-dollars and in tokens (input and output); 0 is none. Days and months are UTC."""

    per_day: int = 0
    per_month: int = 0
    tokens_per_day: int = 0
    tokens_per_month: int = 0

    def __bool__(self) -> bool:
        return any(self.rows)

    @property
    def rows(self) -> tuple[int, int, int, int]:
        """In the order in which admission looks at them."""
        return self.per_day, self.per_month, self.tokens_per_day, self.tokens_per_month


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What takes the place of single rows of a budget: None leaves one, 0 takes it away."""

    per_day: int | None = None
    per_month: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None

    @property
    def rows(self) -> tuple[int | None, ...]:
        """As `Budget.rows`."""
        return self.per_day, self.per_month, self.tokens_per_day, self.tokens_per_month

    def over(self, budget: Budget) -> Budget:
        """The budget that holds then."""
        return Budget(*(old if new is None else new for old, new in zip(budget.rows, self.rows, strict=True)))

    def beside(self, budget: Budget) -> Budget:
        """What is left of the budget where these are held against another account."""
        return Budget(*(old if new is None else 0 for old, new in zip(budget.rows, self.rows, strict=True)))


NO_BUDGET: Final = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What one kind of caller may do."""

    name: str
    limit: int
    """Requests in any `window_seconds`."""
    window_seconds: int = MINUTE
    lockout_seconds: int = 0
    """How long everything is refused once the limit is exceeded; 0 for not at all."""
    budget: Budget = NO_BUDGET
    """Of each user."""
    total: Budget = NO_BUDGET
    """Of all users of the tier together."""


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
    budget: Budget = NO_BUDGET
    """Of all users together."""
    users: Mapping[str, Ceilings] = field(default_factory=dict[str, Ceilings])
    """In the place of their tier's, by the user's hash."""

    def tier_named(self, name: str) -> Tier:
        """The tier of that name. Raises InvalidRequest for `tier` when there is none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise InvalidRequest(f"tier must be one of {', '.join(tier.name for tier in self.tiers)}", param="tier")

    def budget_of(self, tier: str, person: str) -> Budget:
        """A user's own. Raises InvalidRequest like `tier_named`."""
        budget = self.tier_named(tier).budget
        own = self.users.get(person)
        return own.over(budget) if own else budget

    def class_limit(self, name: str) -> ClassLimit | None:
        """The limit of a model class, or None for a model without one."""
        return next((row for row in self.classes if name and row.name == name), None)


def tier_named(name: str) -> Tier:
    """One of the default tiers. Raises InvalidRequest for `tier` when there is none."""
    return LimitTable().tier_named(name)
