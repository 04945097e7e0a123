"""Requests and facts for the router, as short as a test wants them."""

from __future__ import annotations

from datetime import UTC, datetime

from lib.ai.plan import Plan, RouteFacts
from lib.ai.router import route
from lib.answer import Health
from lib.catalog import Catalog, PriceBook
from lib.contract import ChatRequest, JsonObject, RoutingWish

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
CATALOG = Catalog.build()
PRICES = PriceBook()
VENDORS = frozenset({"openai", "anthropic", "google", "deepseek"})
EVERYONE = frozenset(row.id for row in CATALOG.providers)
IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL: JsonObject = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


def facts(
    providers: frozenset[str] = VENDORS, *, now: float = NOW, health: dict[str, Health] | None = None
) -> RouteFacts:
    return RouteFacts(providers, "free", now, health=health or {})


def ask(prompt: str, model: str = "auto", *, routing: RoutingWish | None = None, system: str = "") -> ChatRequest:
    messages: list[JsonObject] = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": prompt})
    return ChatRequest(model=model, messages=tuple(messages), routing=routing or RoutingWish())


def show(text: str = "what is this?", model: str = "auto", *, routing: RoutingWish | None = None) -> ChatRequest:
    """An image and a question about it."""
    message: JsonObject = {"role": "user", "content": [{"type": "text", "text": text}, IMAGE]}
    return ChatRequest(model=model, messages=(message,), routing=routing or RoutingWish())


def plan(request: ChatRequest, known: RouteFacts | None = None, catalog: Catalog = CATALOG) -> Plan:
    return route(request, known or facts(), catalog, PRICES)


def ids(decided: Plan) -> list[str]:
    return [row.id for row in decided.chain]


def reasons(decided: Plan) -> dict[str, str]:
    return {each.model: each.reason for each in decided.dropped}
