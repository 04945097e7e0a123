"""Looking around for what no single request shows: models, hours that stand out, budgets; by cron and while serving."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lib.ai.alerts.alert import Alert, Raised
from lib.ai.alerts.anomalies import HISTORY, HOUR, HourFigures, Hours, error_alert, spend_alert
from lib.ai.alerts.budget_news import DIGEST, budget_alert
from lib.ai.alerts.desk import AlertDesk
from lib.ai.alerts.health_watch import HealthWatch, Place
from lib.ai.observability.log import UsageLog
from lib.ai.observability.totals import Totals
from lib.ai.observability.views import Views
from lib.contract import JsonObject
from lib.kv.keys import day_of
from lib.kv.spending import Standing
from lib.usage_query import ALL

PATROL_SECONDS: Final = 600
"""While requests come in, one instance looks around so often."""
HOURS_JUDGED: Final = 2
"""By a patrol while serving: the present one, and the one that may have ended since the last."""
DAY_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Sources:
    """What is looked at."""

    log: UsageLog
    models: tuple[str, ...]
    budgets: Callable[[], Awaitable[Sequence[Standing]]]
    """What those stand at that everybody shares."""


@dataclass(frozen=True, slots=True)
class PatrolRules:
    """What the operator wishes to be told."""

    personal: str = DIGEST
    """Of single users' budgets: `digest`, `now` or `off`."""
    spend_floor_micro_usd: int = 5_000_000
    """An hour that costs less never stands out."""


class Patrol:
    """Methods raise StoreError."""

    def __init__(
        self, desk: AlertDesk, health: HealthWatch, sources: Sources, place: Place, rules: PatrolRules
    ) -> None:
        self._desk = desk
        self._health = health
        self._sources = sources
        self._place = place
        self._rules = rules
        self._views = Views(place.store, place.keys)

    async def when_due(self) -> None:
        """Deliver what is due, and look around if nobody has of late."""
        await self._desk.deliver_due()
        won = await self._place.store.run("SET", self._place.keys.patrol, 1, "NX", "EX", PATROL_SECONDS)
        if won == "OK":
            await self.run(HOURS_JUDGED)

    async def run(self, hours: int = DAY_HOURS) -> JsonObject:
        """Look at everything; how many alerts each part has raised."""
        return {
            "models": len(await self._health.look(self._sources.models)),
            "anomalies": len(await self._anomalies(hours)),
            "budgets": len(await self._desk.raise_alerts(self.of_budgets(await self._sources.budgets()))),
        }

    def of_budgets(self, standings: Sequence[Standing], person: str = "", *, refused: bool = False) -> list[Alert]:
        """Alerts on budgets that have reached a mark, as the operator wishes to hear of them; see `budget_alert`."""
        alerts = (budget_alert(each, person, self._rules.personal, refused=refused) for each in standings)
        return [alert for alert in alerts if alert]

    async def _anomalies(self, judged: int) -> list[Raised]:
        hours = await self._hours()
        present = int(self._place.clock.now()) // HOUR
        found: list[Alert | None] = []
        for hour in range(present - judged + 1, present + 1):
            found += [error_alert(hours, hour), spend_alert(hours, hour, self._rules.spend_floor_micro_usd)]
        return await self._desk.raise_alerts(list({alert.once: alert for alert in found if alert}.values()))

    async def _hours(self) -> Hours:
        """The hours of this day and the eight before it, all records added up that can still come."""
        now, keys = self._place.clock.now(), self._place.keys
        await self._sources.log.roll_up_days(list(dict.fromkeys((day_of(now - HOUR), day_of(now)))))
        days = range(math.ceil((HISTORY + DAY_HOURS) / DAY_HOURS), -1, -1)
        names = [day_of(now - n * DAY_HOURS * HOUR) for n in days]
        found = await self._views.blocks([keys.view(ALL, "", day) for day in names], range(1, DAY_HOURS + 1))
        return Hours(
            {
                first_hour(day) + at: figures_of(totals)
                for day, blocks in zip(names, found, strict=True)
                for at, totals in enumerate(blocks)
            }
        )


def first_hour(day: str) -> int:
    """The hour a day begins with, counted since the epoch."""
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) // HOUR


def figures_of(totals: Totals) -> HourFigures:
    """What is judged of an hour's totals."""
    return HourFigures(totals.requests - totals.refused, totals.errors, totals.cost_micro_usd)
