"""/api/ai/hooks/* and /api/ai/cron: what other services call, each proved by its signature or secret."""

from __future__ import annotations

from lib.endpoints.cron import cron_routes
from lib.endpoints.queue import queue_routes
from lib.endpoints.stripe import stripe_routes
from lib.site import Site
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """Every hook."""
    return (*stripe_routes(site), *queue_routes(site), *cron_routes(site))
