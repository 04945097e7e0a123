"""Whether the KV has been away long enough to tell somebody (pure memory of one instance)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.ai.alerts.alert import Alert, Severity

AWAY_SECONDS: Final = 60.0
"""A shorter absence is nobody's concern: requests are served meanwhile."""
PERIOD: Final = 3_600


@dataclass(slots=True)
class StoreWatch:
    """Fed with how each look at the KV went."""

    since: float | None = None
    told: bool = False

    def failed(self, now: float, why: str) -> Alert | None:
        """The alert that is due, where it has been away for so long; once per absence."""
        self.since = now if self.since is None else self.since
        if self.told or now - self.since < AWAY_SECONDS:
            return None
        self.told = True
        text = (
            f"The store has not answered for {now - self.since:.0f} seconds ({why[:120]})."
            " Requests are served without cache, shared limits and budgets."
        )
        return _alert(Severity.CRITICAL, "away", text, f"store away {int(now) // PERIOD}")

    def answered(self, now: float) -> Alert | None:
        """The alert that it is back, where its absence was told."""
        since, told = self.since, self.told
        self.since, self.told = None, False
        if since is None or not told:
            return None
        text = f"The store answers again; it was away for about {now - since:.0f} seconds."
        return _alert(Severity.INFO, "back", text, f"store back {int(now) // PERIOD}")


def _alert(severity: Severity, subject: str, text: str, once: str) -> Alert:
    return Alert(kind="store", severity=severity, subject=subject, text=text, once=once, seconds=PERIOD)
