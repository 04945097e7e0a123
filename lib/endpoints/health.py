"""GET /api/ai/health."""

from __future__ import annotations

import asyncio

from lib.site import VERSION, Site
from lib.web.health_route import HealthFacts, HealthRoute
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """Free to call, and never calls a model."""
    gateway = site.gateway

    async def look() -> HealthFacts:
        trouble, models = await asyncio.gather(gateway.store_trouble(), gateway.get_all_model_health())
        return HealthFacts(
            kv_available=not trouble,
            kv_error=trouble,
            kv_configured=gateway.kv_configured,
            providers=tuple(sorted(gateway.lines)),
            models=models,
        )

    commit = gateway.settings.environment.version[:12]
    return (site.json("/api/ai/health", HealthRoute(look, f"{VERSION}+{commit}" if commit else VERSION)),)
