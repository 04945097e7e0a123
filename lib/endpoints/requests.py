"""GET /api/ai/admin/requests."""

from __future__ import annotations

from lib.ai.observability.requests import RecentRequests
from lib.site import Site
from lib.web.requests_route import RequestsRoute
from lib.web.shell import Route


def request_routes(site: Site) -> tuple[Route, ...]:
    """Recent requests, for the operator."""
    gateway = site.gateway
    requests = RecentRequests(gateway.store, gateway.keys, gateway.world.clock, gateway.log.retention)
    return (site.json("/api/ai/admin/requests", RequestsRoute(requests, site.access)),)
