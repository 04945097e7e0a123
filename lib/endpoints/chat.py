"""POST /api/ai/v2/chat, and the streams below it that callers come back to."""

from __future__ import annotations

from typing import Final

from lib.endpoints.deadline import platform_deadline
from lib.site import Site
from lib.web.chat_route import ChatEndpoint, ChatRules
from lib.web.resume_route import ResumeRoute
from lib.web.shell import Route

BASE: Final = "/api/ai/v2/chat"


def routes(site: Site) -> tuple[Route, ...]:
    """The main job."""
    gateway, rules = site.gateway, chat_rules(site)
    chat = ChatEndpoint(gateway.pipeline, site.access, gateway.world.clock, site.ids, rules)
    resume = ResumeRoute(BASE, gateway.replay, site.access, gateway.world.clock, rules)
    return (Route(BASE, chat), Route(BASE, resume.app(site.ids), below=True))


def chat_rules(site: Site) -> ChatRules:
    """How chats are answered, whatever protocol they come in."""
    given = site.gateway.settings
    return ChatRules(
        seconds=given.timeouts.total_seconds,
        time_limit=platform_deadline(),
        keep_alive_seconds=15.0,
        default_model=given.routing.default_model,
        cors=site.cors,
        own_keys=site.own_keys,
        at_once=given.limits.at_once,
    )
