"""GET /api/ai/test-rate-limit and /api/ai/test-cache, and the description of everything: /api/ai/openapi.json."""

from __future__ import annotations

from lib.site import VERSION, Site
from lib.web.diagnostics_route import DiagnosticsRoute
from lib.web.openapi_route import OpenApiRoute
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """What helps to look inside, where it is switched on."""
    gateway = site.gateway
    enabled = gateway.settings.diagnostics.test_endpoints
    route = DiagnosticsRoute(site.access, enabled, gateway.simple_guard, gateway.keys.person, gateway.try_cache)
    told = OpenApiRoute(
        enabled=gateway.settings.diagnostics.api_docs,
        version=VERSION,
        tiers=tuple(tier.name for tier in gateway.table.tiers),
        anonymous=gateway.settings.access.allow_anonymous,
    )
    return (
        site.json("/api/ai/test-rate-limit", route.rate_limit),
        site.json("/api/ai/test-cache", route.cache),
        site.json("/api/ai/openapi.json", told),
    )
