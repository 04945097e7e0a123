"""GET /api/ai/admin/metrics."""

from __future__ import annotations

from lib.site import Site
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.prometheus import MetricsRoute
from lib.web.shell import Route


def metrics_routes(site: Site) -> tuple[Route, ...]:
    """For Prometheus."""
    gateway = site.gateway
    route = MetricsRoute(gateway.stats, gateway.get_all_model_health, gateway.store_trouble, site.access)
    return (Route("/api/ai/admin/metrics", Endpoint(route, site.ids, EndpointRules(cors=site.cors))),)
