"""GET /api/ai/test-rate-limit and /api/ai/test-cache."""

from __future__ import annotations

from lib.site import Site
from lib.web.diagnostics_route import DiagnosticsRoute
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """What helps to look inside, where it is switched on."""
    gateway = site.gateway
    enabled = gateway.settings.diagnostics.test_endpoints
    route = DiagnosticsRoute(site.access, enabled, gateway.simple_guard, gateway.keys.person, gateway.try_cache)
    return (
        site.json("/api/ai/test-rate-limit", route.rate_limit),
        site.json("/api/ai/test-cache", route.cache),
    )
