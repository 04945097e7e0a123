"""Settings of budgets. Days and months are UTC, tokens are those of input and output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lib.settings.variables import Group, dollars, dollars_as_micro_usd, pairs, whole, words
from lib.tiers import Budget

MOST_TOKENS: Final = 10**15


def _tokens(given: str) -> int:
    if not 0 <= int(given) <= MOST_TOKENS:
        raise ValueError(given)
    return int(given)


class Budgets(Group):
    """Budgets: how much users, tiers and the whole deployment may spend. Others can be set at run time."""

    user_day: Mapping[str, int] = pairs(
        "TIER_DAILY_BUDGETS_USD", "Dollars a user may spend per day, by tier", "tier=dollars,…", dollars_as_micro_usd
    )
    user_month: Mapping[str, int] = pairs(
        "TIER_MONTHLY_BUDGETS_USD",
        "Dollars a user may spend per month, by tier",
        "tier=dollars,…",
        dollars_as_micro_usd,
    )
    user_day_tokens: Mapping[str, int] = pairs(
        "TIER_DAILY_TOKENS", "Tokens a user may take per day, by tier", "tier=tokens,…", _tokens
    )
    user_month_tokens: Mapping[str, int] = pairs(
        "TIER_MONTHLY_TOKENS", "Tokens a user may take per month, by tier", "tier=tokens,…", _tokens
    )
    tier_day: Mapping[str, int] = pairs(
        "TIER_TOTAL_DAILY_BUDGETS_USD",
        "Dollars that all users of a tier together may spend per day",
        "tier=dollars,…",
        dollars_as_micro_usd,
    )
    tier_month: Mapping[str, int] = pairs(
        "TIER_TOTAL_MONTHLY_BUDGETS_USD",
        "Dollars that all users of a tier together may spend per month",
        "tier=dollars,…",
        dollars_as_micro_usd,
    )
    day: int = dollars("DAILY_BUDGET_USD", "Dollars that all users together may spend per day")
    month: int = dollars("MONTHLY_BUDGET_USD", "Dollars that all users together may spend per month")
    day_tokens: int = whole("DAILY_TOKENS", 0, "Tokens that all users together may take per day", high=MOST_TOKENS)
    month_tokens: int = whole(
        "MONTHLY_TOKENS", 0, "Tokens that all users together may take per month", high=MOST_TOKENS
    )
    downgrade_tiers: tuple[str, ...] = words(
        "BUDGET_DOWNGRADE_TIERS", "Tiers that get a cheaper model near the end of a budget unless they refuse it"
    )

    @property
    def by_tier(self) -> tuple[tuple[str, Mapping[str, int]], ...]:
        """The settings that name tiers, with their variables."""
        return (
            ("TIER_DAILY_BUDGETS_USD", self.user_day),
            ("TIER_MONTHLY_BUDGETS_USD", self.user_month),
            ("TIER_DAILY_TOKENS", self.user_day_tokens),
            ("TIER_MONTHLY_TOKENS", self.user_month_tokens),
            ("TIER_TOTAL_DAILY_BUDGETS_USD", self.tier_day),
            ("TIER_TOTAL_MONTHLY_BUDGETS_USD", self.tier_month),
            ("BUDGET_DOWNGRADE_TIERS", dict.fromkeys(self.downgrade_tiers, 1)),
        )

    def of_user(self, tier: str) -> Budget:
        """Of each user of a tier."""
        rows = (self.user_day, self.user_month, self.user_day_tokens, self.user_month_tokens)
        return Budget(*(row.get(tier, 0) for row in rows))

    def of_tier(self, tier: str) -> Budget:
        """Of all its users together."""
        return Budget(self.tier_day.get(tier, 0), self.tier_month.get(tier, 0))

    @property
    def of_all(self) -> Budget:
        """Of all users together."""
        return Budget(self.day, self.month, self.day_tokens, self.month_tokens)
