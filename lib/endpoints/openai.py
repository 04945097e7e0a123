"""chat/completions, models and embeddings as OpenAI's clients speak them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lib.ai.embeddings.compute import Computing
from lib.ai.embeddings.embedder import Embedder
from lib.ai.embeddings.entrance import Entrance
from lib.ai.embeddings.vector_cache import VectorCache, VectorCacheRules
from lib.ai.embeddings.wire import VectorWire
from lib.ai.providers.exchange import Exchange
from lib.catalog.models_embedding import EMBEDDINGS
from lib.composition import Gateway
from lib.endpoints.chat import chat_rules
from lib.site import Site
from lib.web.chat_route import ChatEndpoint
from lib.web.models_route import ModelOffer, ModelsRoute
from lib.web.openai_embeddings import EmbeddingsEndpoint
from lib.web.openai_surface import OpenAISurface
from lib.web.shell import Route

BASE: Final = "/api/ai/v1"


def chat_routes(site: Site) -> tuple[Route, ...]:
    """POST chat/completions."""
    gateway = site.gateway
    surface = OpenAISurface(gateway.catalog, gateway.world.clock)
    rules = replace(chat_rules(site), surface=surface)
    endpoint = ChatEndpoint(gateway.pipeline, site.access, gateway.world.clock, site.ids, rules)
    return (Route(f"{BASE}/chat/completions", endpoint),)


def models_routes(site: Site) -> tuple[Route, ...]:
    """GET models, and one model by its id."""
    gateway = site.gateway
    offer = ModelOffer(gateway.catalog, EMBEDDINGS, gateway.prices, frozenset(gateway.lines))
    path = f"{BASE}/models"
    route = site.json(path, ModelsRoute(path, site.access, offer, gateway.world.clock))
    return (replace(route, below=True),)


def embeddings_routes(site: Site) -> tuple[Route, ...]:
    """POST embeddings."""
    clock = site.gateway.world.clock
    endpoint = EmbeddingsEndpoint(embedder(site.gateway), site.access, clock, site.ids, chat_rules(site))
    return (Route(f"{BASE}/embeddings", endpoint),)


def embedder(gateway: Gateway) -> Embedder:
    """Texts to vectors, by the same limits, providers and books as chats."""
    given, world = gateway.settings, gateway.world
    rules = VectorCacheRules(
        seconds=given.embeddings.cache_seconds if given.cache.enabled else 0,
        bytes_per_request=given.cache.max_entry_bytes,
        shared=given.cache.scope == "shared",
    )
    entrance = Entrance(
        gate=gateway.gate,
        dedup=gateway.dedup,
        away=gateway.away,
        health=gateway.health,
        cache=VectorCache(gateway.keys, rules),
        prices=gateway.prices,
        table=gateway.table,
        budgets=gateway.budgets,
        keys=gateway.keys,
        clock=world.clock,
        lease_ms=given.dedup.lease_seconds * 1000 if given.dedup.enabled else 0,
    )
    computing = Computing(gateway.fallback, VectorWire(Exchange(world.transport, world.clock)))
    return Embedder(entrance, computing, gateway.booking, gateway.store, world.clock)
