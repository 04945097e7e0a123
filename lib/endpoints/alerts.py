"""GET and POST /api/ai/admin/alerts."""

from __future__ import annotations

from lib.ai.alerts.alert import Alert, Severity, shown
from lib.ai.alerts.desk import AlertDesk
from lib.contract import Json, JsonObject
from lib.site import Site
from lib.web.alerts_route import AlertsRoute
from lib.web.shell import Route


def alert_routes(site: Site) -> tuple[Route, ...]:
    """For the operator."""
    listed = _Listed(site)
    return (site.json("/api/ai/admin/alerts", AlertsRoute(listed, site.access), "GET", "POST"),)


class _Listed:
    """Implements `AlertList`; the parts are built when they are asked."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def _desk(self) -> AlertDesk:
        return self._site.gateway.alerts.desk

    @property
    def channels(self) -> tuple[str, ...]:
        """As in `AlertList`."""
        return self._desk.channels

    async def latest(self, most: int) -> list[Json]:
        """As in `AlertList`."""
        return [shown(raised) for raised in await self._desk.book.latest(most)]

    async def test(self) -> JsonObject:
        """As in `AlertList`; twice within a second it is the same alert."""
        now = int(self._site.gateway.world.clock.now())
        alert = Alert(
            kind="test",
            severity=Severity.INFO,
            subject="nothing is wrong",
            text="This is a test of the alerts, asked for by the operator.",
            once=f"test {now}",
            seconds=60,
        )
        raised = await self._desk.raise_alerts([alert])
        return shown(raised[0]) if raised else {"alert": None}
