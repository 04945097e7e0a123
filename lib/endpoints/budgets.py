"""/api/ai/admin/budgets."""

from __future__ import annotations

from lib.kv.spending import SpendingBook
from lib.site import Site
from lib.web.budgets_route import BudgetsRoute
from lib.web.shell import Route


def budget_routes(site: Site) -> tuple[Route, ...]:
    """What budgets stand at, and setting them, for the operator."""
    gateway = site.gateway
    spending = SpendingBook(gateway.store, gateway.keys, gateway.world.clock)
    route = BudgetsRoute(spending, gateway.budgets, gateway.api_keys, gateway.keys.person, site.access)
    return (site.json("/api/ai/admin/budgets", route, "GET", "PUT"),)
