"""/api/ai/admin/keys and what is below it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from lib.catalog.models_embedding import embedding_named
from lib.site import Site
from lib.web.key_bodies import TermRules
from lib.web.keys_route import KeysRoute
from lib.web.shell import Route

KEYS: Final = "/api/ai/admin/keys"


def key_routes(site: Site) -> tuple[Route, ...]:
    """API keys, for the operator."""
    route = KeysRoute(site.access, site.gateway.api_keys, term_rules(site))
    return (
        site.json(KEYS, route.many, "GET", "POST"),
        site.json(f"{KEYS}/*", route.one, "GET", "PATCH", "DELETE"),
        site.json(f"{KEYS}/*/rotate", route.rotate, "POST"),
    )


def term_rules(site: Site) -> TermRules:
    """What the terms of a key are checked against."""
    gateway = site.gateway
    clock = gateway.world.clock

    def model(name: str) -> str:
        if (embedding := embedding_named(name)) is not None:
            return embedding.id
        return gateway.catalog.resolve(name, datetime.fromtimestamp(clock.now(), UTC).date()).model.id

    return TermRules(tuple(tier.name for tier in gateway.table.tiers), model, clock.now)
