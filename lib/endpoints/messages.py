"""POST /api/ai/v1/messages and /api/ai/v1/messages/count_tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lib.endpoints.chat import chat_rules
from lib.site import Site
from lib.web.anthropic_surface import AnthropicSurface, TokenCount, WithRequestId
from lib.web.chat_route import ChatEndpoint
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint
from lib.web.shell import Route

PATH: Final = "/api/ai/v1/messages"


def messages_routes(site: Site) -> tuple[Route, ...]:
    """Chats as Anthropic's clients speak them; their base URL is /api/ai."""
    gateway = site.gateway
    surface = AnthropicSurface(gateway.catalog, gateway.world.clock)
    rules = replace(chat_rules(site), surface=surface)
    chats = ChatEndpoint(gateway.pipeline, site.access, gateway.world.clock, site.ids, rules)
    counting = EndpointRules(methods=("POST",), cors=site.cors, error_body=surface.error)
    count = JsonEndpoint(TokenCount(site.access), site.ids, counting)
    return (
        Route(PATH, WithRequestId(chats)),
        Route(f"{PATH}/count_tokens", WithRequestId(count)),
    )
