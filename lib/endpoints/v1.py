"""/api/ai/v1/*: the protocols that existing clients speak, one function of routes each."""

from __future__ import annotations

from lib.endpoints.messages import messages_routes
from lib.endpoints.openai import chat_routes, embeddings_routes, models_routes
from lib.site import Site
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """Every route below this path."""
    return (*chat_routes(site), *models_routes(site), *embeddings_routes(site), *messages_routes(site))
