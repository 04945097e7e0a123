"""Routing: `route` decides, `adjusted` heeds health, `recommendation` and `summary` explain."""

from lib.ai.router.explanation import recommendation, summary
from lib.ai.router.health import adjusted
from lib.ai.router.planning import route
from lib.ai.router.service import Router

__all__ = ["Router", "adjusted", "recommendation", "route", "summary"]
