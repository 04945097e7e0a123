"""The router as the rest of the product holds it: the pure functions with the catalogue and the prices filled in."""

from __future__ import annotations

from dataclasses import replace

from lib.ai.plan import Plan, RouteFacts
from lib.ai.router.judgement import Judgement
from lib.ai.router.planning import route
from lib.ai.router.policy import AUTO
from lib.catalog import Catalog, PriceBook
from lib.contract import ChatRequest, RoutingWish
from lib.errors import NoModelAvailable


class Router:
    """Decides which models to ask. Holds no state of its own."""

    def __init__(self, catalog: Catalog, prices: PriceBook, judgement: Judgement | None = None) -> None:
        self._catalog = catalog
        self._prices = prices
        self._judgement = judgement

    def route(self, request: ChatRequest, facts: RouteFacts) -> Plan:
        """The plan for `request`; raises what `planning.route` raises."""
        return route(request, facts, self._catalog, self._prices, self._judgement)

    def within(self, plan: Plan, request: ChatRequest, facts: RouteFacts, left_micro_usd: int) -> Plan | None:
        """What serves in the place of `plan` where it may be expected to cost so much at most; None when nothing does.

        For `auto` the best of the models that are cheap enough, for a model that was named one of its own chain.
        """
        models = facts.models if plan.automatic else tuple(model.id for model in plan.chain)
        try:
            cheaper = self.route(request, replace(facts, models=models, left_micro_usd=left_micro_usd))
        except NoModelAvailable:
            return None
        return replace(cheaper, budget_downgrade=plan.budget_downgrade or plan.model.id)

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
