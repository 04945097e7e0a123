"""How long usage is kept."""

from __future__ import annotations

from lib.settings.variables import Group, whole


class UsageSettings(Group):
    """How long usage is kept."""

    log_days: int = whole(
        "USAGE_LOG_DAYS", 30, "Days that single requests are kept, for lists, export and reconciling", low=2, high=31
    )
    totals_days: int = whole("USAGE_TOTALS_DAYS", 400, "Days that totals are kept", low=32)
