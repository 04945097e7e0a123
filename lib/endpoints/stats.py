"""GET /api/ai/stats."""

from __future__ import annotations

from lib.ai.observability.age_stats import AgeStats
from lib.ai.observability.experiment_stats import ExperimentStats
from lib.ai.observability.near_stats import NearFacts, NearStats
from lib.contract import Json
from lib.rules import lifetimes
from lib.site import Site
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.shell import Route
from lib.web.stats_route import Section, StatsRoute


def routes(site: Site) -> tuple[Route, ...]:
    """Usage read back."""
    gateway = site.gateway
    clock, near = gateway.world.clock, gateway.near
    ages = AgeStats(gateway.store, gateway.keys, clock, lifetimes(gateway.settings).classes)
    sections: dict[str, Section] = {"cacheTtl": ages.read}
    if near:
        facts = NearFacts(near.rules.mode, near.rules.max_wrong)
        sections["nearCache"] = NearStats(gateway.store, gateway.keys, clock, facts).read
    if board := gateway.experiments:
        figures = ExperimentStats(gateway.store, gateway.keys, clock)

        async def experiments() -> list[Json]:
            return await figures.of(await board.all())

        sections["experiments"] = experiments
    route = StatsRoute(gateway.stats, site.access, clock, sections, gateway.sweep.when_due)
    return (Route("/api/ai/stats", Endpoint(route.handle, site.ids, EndpointRules(cors=site.cors))),)
