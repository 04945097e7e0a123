"""The router as the rest of the product holds it: the pure functions with the catalogue and the prices filled in."""

from __future__ import annotations

from lib.ai.plan import Plan, RouteFacts
from lib.ai.router.planning import route
from lib.ai.router.policy import AUTO
from lib.catalog import Catalog, PriceBook
from lib.contract import ChatRequest, RoutingWish


class Router:
    """Decides which models to ask. Holds no state of its own."""

    def __init__(self, catalog: Catalog, prices: PriceBook) -> None:
        self._catalog = catalog
        self._prices = prices

    def route(self, request: ChatRequest, facts: RouteFacts) -> Plan:
        """The plan for `request`; raises what `planning.route` raises."""
        return route(request, facts, self._catalog, self._prices)

    def route_to_optimal_model(
        self,
        prompt: str,
        *,
        facts: RouteFacts,
        max_cost_per_1m_tokens: float | None = None,
        prioritize_speed: bool = False,
    ) -> Plan:
        """The best model for a bare prompt; the ceiling is in dollars per million tokens, blended.

        Raises InvalidRequest for a ceiling that is no price, NoModelAvailable when no model is below it.
        """
        wish = RoutingWish(max_usd_per_million=max_cost_per_1m_tokens, prioritize_speed=prioritize_speed)
        messages = ({"role": "user", "content": prompt},)
        return self.route(ChatRequest(model=AUTO, messages=messages, routing=wish), facts)
