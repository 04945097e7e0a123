"""POST /api/ai/route."""

from __future__ import annotations

from functools import cache
from typing import Final

from lib.ai.router import adjusted, recommendation
from lib.contract import Caller, ChatRequest, JsonObject
from lib.kv.rate_limit import Limit
from lib.site import Site
from lib.web.route_route import RouteRoute
from lib.web.shell import Route
from lib.web.simple_window import Guard, SimpleWindow

ROUTE_LIMIT: Final = Limit("route", 120)


def routes(site: Site) -> tuple[Route, ...]:
    """Advice on models."""
    gateway = site.gateway
    clock, default_model = gateway.world.clock, gateway.settings.routing.default_model

    @cache
    def guard() -> Guard:
        return gateway.simple_guard(ROUTE_LIMIT)

    async def advise(request: ChatRequest, caller: Caller) -> JsonObject:
        facts = gateway.pipeline.facts(caller)
        plan = gateway.router.route(request, facts)
        if plan.bucket and await gateway.relearn(plan.task):
            plan = gateway.router.route(request, facts)
        await gateway.get_all_model_health()
        return recommendation(adjusted(plan, gateway.health.statuses([row.id for row in plan.chain], clock.now())))

    window = SimpleWindow("route", guard, gateway.keys.person, clock.now)
    route = RouteRoute(advise, site.access, window, default_model)
    return (site.json("/api/ai/route", route, "POST"),)
