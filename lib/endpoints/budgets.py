"""GET /api/ai/admin/budgets."""

from __future__ import annotations

from lib.kv.spending import SpendingBook
from lib.site import Site
from lib.web.budgets_route import BudgetsRoute
from lib.web.shell import Route


def budget_routes(site: Site) -> tuple[Route, ...]:
    """What budgets stand at, for the operator."""
    gateway = site.gateway
    book = SpendingBook(gateway.store, gateway.keys, gateway.world.clock)
    route = BudgetsRoute(book, gateway.api_keys, gateway.keys.person, gateway.table, site.access)
    return (site.json("/api/ai/admin/budgets", route),)
