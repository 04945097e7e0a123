"""GET, PUT and DELETE /api/ai/admin/experiments."""

from __future__ import annotations

from lib.ai.observability.experiment_stats import ExperimentStats
from lib.site import Site
from lib.web.experiments_route import ExperimentsRoute
from lib.web.shell import Route


def experiment_routes(site: Site) -> tuple[Route, ...]:
    """Experiments with the cache, for the operator."""
    gateway = site.gateway
    clock = gateway.world.clock
    shown = ExperimentStats(gateway.store, gateway.keys, clock).of
    route = ExperimentsRoute(site.access, gateway.experiments, shown, clock)
    return (site.json("/api/ai/admin/experiments", route, "GET", "PUT", "DELETE"),)
