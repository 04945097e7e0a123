"""Looks on as requests finish, and has alerts raised. Never in a request's way, and never the cause of its failing."""

from __future__ import annotations

import logging
from typing import Final

from lib.ai.alerts.alert import Alert, Severity
from lib.ai.alerts.budget_news import used_up
from lib.ai.alerts.desk import AlertDesk
from lib.ai.alerts.health_watch import HealthWatch
from lib.ai.alerts.patrol import Patrol
from lib.ai.alerts.store_watch import StoreWatch
from lib.ai.observability.record import UsageRecord
from lib.ai.run import Run
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import day_of

DUTY_SECONDS: Final = 60.0
"""Each instance asks so often whether there is something to do."""
TROUBLE_SECONDS: Final = 15.0
"""So often while the KV does not answer."""
DAY: Final = 86_400
REMEMBERED: Final = 1_000
"""Alerts that one instance knows to have been raised."""


class AlertWatcher:
    """Implements `lib.ai.booking.Watcher`; one per instance."""

    def __init__(self, desk: AlertDesk, patrol: Patrol, health: HealthWatch, clock: Clock) -> None:
        self._desk = desk
        self._patrol = patrol
        self._health = health
        self._clock = clock
        self._store = StoreWatch()
        self._looked_at = float("-inf")
        self._raised: dict[str, float] = {}

    async def finished(self, run: Run, record: UsageRecord) -> None:
        """Tell of what this request has shown; now and then, look around."""
        try:
            alerts = [*self._of_budgets(run), *(() if record.price_known else (unpriced(record),))]
            await self._desk.raise_alerts([alert for alert in alerts if self._is_news(alert)])
            await self._health.after([attempt.model for attempt in run.attempts])
            await self._duties(pressing="kv" in run.degraded or self._store.since is not None)
        except StoreError as error:
            await self._trouble(error)

    async def _duties(self, *, pressing: bool) -> None:
        now = self._clock.now()
        if now < self._looked_at + (TROUBLE_SECONDS if pressing else DUTY_SECONDS):
            return
        self._looked_at = now
        await self._patrol.when_due()
        if back := self._store.answered(self._clock.now()):
            await self._desk.raise_alerts([back])

    async def _trouble(self, error: StoreError) -> None:
        now = self._clock.now()
        logging.getLogger(__name__).warning("alerts: %s", error)
        if alert := self._store.failed(now, str(error)):
            await self._desk.tell_without_store(alert)

    def _of_budgets(self, run: Run) -> list[Alert]:
        names = {"user": run.person, "key": run.job.caller.grant.key_id, "tier": run.job.caller.tier}
        gone = used_up(run.error, names, self._clock.now())
        crossed = self._patrol.of_budgets(run.crossed, run.person)
        return crossed + (self._patrol.of_budgets([gone], run.person, refused=True) if gone else [])

    def _is_news(self, alert: Alert) -> bool:
        """Whether this instance has not raised it yet: the KV is not asked again and again."""
        now = self._clock.now()
        if self._raised.get(alert.once, now) > now:
            return False
        if len(self._raised) >= REMEMBERED:
            self._raised.clear()
        self._raised[alert.once] = now + min(alert.seconds, DAY)
        return True


def unpriced(record: UsageRecord) -> Alert:
    """Of a model whose price nobody knows; once a day."""
    return Alert(
        kind="unpriced",
        severity=Severity.WARNING,
        subject=record.model,
        text=f"The price of {record.model} is not known: it is billed at the ceiling. Give it one in GATEWAY_MODELS.",
        once=f"unpriced {record.model} {day_of(record.at)}",
        seconds=2 * DAY,
    )
