"""How long usage is kept, by kind of key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that single records, and totals by day and month, are kept at least."""

    log_days: int = 30
    totals_days: int = 400

    @property
    def log_seconds(self) -> int:
        """Lifetime of a day's records, which begins with the day."""
        return (self.log_days + 1) * DAY

    @property
    def totals_seconds(self) -> int:
        """Lifetime of totals."""
        return self.totals_days * DAY


RETENTION: Final = Retention()
