"""POST /api/ai/feedback."""

from __future__ import annotations

from functools import cache
from typing import Final

from lib.ai.feedback import Feedback
from lib.kv.rate_limit import Limit
from lib.site import Site
from lib.web.feedback_route import FeedbackRoute
from lib.web.shell import Route
from lib.web.simple_window import Guard, SimpleWindow

FEEDBACK_LIMIT: Final = Limit("feedback", 30)


def routes(site: Site) -> tuple[Route, ...]:
    """Votes on answers."""
    gateway = site.gateway
    clock = gateway.world.clock

    @cache
    def guard() -> Guard:
        return gateway.simple_guard(FEEDBACK_LIMIT)

    votes = Feedback(gateway.store, gateway.keys, clock, gateway.near)
    route = FeedbackRoute(votes, site.access, SimpleWindow("feedback", guard, gateway.keys.person, clock.now))
    return (site.json("/api/ai/feedback", route, "POST"),)
