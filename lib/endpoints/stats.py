"""GET /api/ai/stats."""

from __future__ import annotations

from lib.site import Site
from lib.web.shell import Route
from lib.web.stats_route import StatsRoute


def routes(site: Site) -> tuple[Route, ...]:
    """Usage read back."""
    route = StatsRoute(site.gateway.stats, site.access, site.gateway.sweep.when_due)
    return (site.json("/api/ai/stats", route),)
