"""Alerts on models that go down, fail more than they should, and recover (pure).

What was last told of a model decides what is news, so that of a circuit that opens and half-opens all night two things
are told: that it is down, and that it is well again.
"""

from __future__ import annotations

from typing import Final

from lib.ai.alerts.alert import Alert, Severity
from lib.ai.health import Verdict
from lib.answer import Health

TELLING: Final = 20
"""Requests within the window below which a share of failures is too little to wake somebody for."""
PERIOD: Final = 1_800
"""Seconds within which each state of a model is told once at most."""
TOLD_SECONDS: Final = 7 * 86_400
RANK: Final = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.DOWN: 2}


def level_of(verdict: Verdict) -> Health | None:
    """The state that is worth telling; None where nothing certain can be said."""
    requests = verdict.successes + verdict.failures
    if verdict.status is Health.HEALTHY:
        return Health.HEALTHY if verdict.successes else None
    if verdict.status is Health.DEGRADED and requests < TELLING:
        return None
    return verdict.status


def news_of(model: str, verdict: Verdict, told: Health) -> tuple[Health, Alert] | None:
    """What is to be told of a model, and its state then; None while what was `told` holds."""
    level = level_of(verdict)
    if level is None or level is told:
        return None
    if level is Health.HEALTHY:
        return level, _alert("recovered", Severity.INFO, model, f"{model} answers again: {verdict.reason}.")
    if RANK[level] < RANK[told]:
        return None  # better, but not well: that is told when it is
    if level is Health.DOWN:
        return level, _alert("down", Severity.CRITICAL, model, f"{model} is down: {verdict.reason}.")
    return level, _alert("degraded", Severity.WARNING, model, f"{model} is degraded: {verdict.reason}.")


def _alert(what: str, severity: Severity, model: str, text: str) -> Alert:
    kind = f"model_{what}"
    return Alert(kind=kind, severity=severity, subject=model, text=text, once=f"{kind} {model}", seconds=PERIOD)
