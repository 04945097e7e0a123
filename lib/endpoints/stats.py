"""GET /api/ai/stats."""

from __future__ import annotations

from lib.site import Site
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.shell import Route
from lib.web.stats_route import StatsRoute


def routes(site: Site) -> tuple[Route, ...]:
    """Usage read back."""
    gateway = site.gateway
    route = StatsRoute(gateway.stats, site.access, gateway.world.clock, gateway.sweep.when_due)
    return (Route("/api/ai/stats", Endpoint(route.handle, site.ids, EndpointRules(cors=site.cors))),)
