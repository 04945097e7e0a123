"""/api/ai/admin/*: what only the operator does, with the admin token."""

from __future__ import annotations

from lib.endpoints.alerts import alert_routes
from lib.endpoints.budgets import budget_routes
from lib.endpoints.experiments import experiment_routes
from lib.endpoints.keys import key_routes
from lib.endpoints.metrics import metrics_routes
from lib.endpoints.requests import request_routes
from lib.endpoints.rollout import rollout_routes
from lib.site import Site
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """Everything that is administered."""
    parts = (key_routes, rollout_routes, metrics_routes, request_routes, alert_routes, budget_routes, experiment_routes)
    return tuple(route for part in parts for route in part(site))
