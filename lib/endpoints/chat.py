"""POST /api/ai/v2/chat."""

from __future__ import annotations

from lib.endpoints.deadline import platform_deadline
from lib.site import Site
from lib.web.chat_route import ChatEndpoint, ChatRules
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """The main job."""
    endpoint = ChatEndpoint(site.gateway.pipeline, site.access, site.gateway.world.clock, site.ids, chat_rules(site))
    return (Route("/api/ai/v2/chat", endpoint),)


def chat_rules(site: Site) -> ChatRules:
    """How chats are answered, whatever protocol they come in."""
    given = site.gateway.settings
    return ChatRules(
        seconds=given.timeouts.total_seconds,
        time_limit=platform_deadline(),
        keep_alive_seconds=15.0,
        default_model=given.routing.default_model,
        cors=site.cors,
        at_once=given.limits.at_once,
    )
