"""POST /api/ai/hooks/stripe."""

from __future__ import annotations

from typing import Final

from lib.access.stripe_events import StripeRules
from lib.access.told import SubscriptionBook
from lib.site import Site
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint
from lib.web.shell import Route
from lib.web.stripe_route import LARGEST, StripeRoute

PATH: Final = "/api/ai/hooks/stripe"


def stripe_routes(site: Site) -> tuple[Route, ...]:
    """What subscriptions buy, as soon as Stripe says so."""
    gateway = site.gateway
    given, tiers = gateway.settings.subscriptions, gateway.tiers
    rules = StripeRules(
        secret=given.stripe_secret or "",
        prices=given.stripe_tiers,
        tiers=tuple(tier.name for tier in gateway.table.tiers),
        user_field=given.stripe_user_field,
    )
    changed = tiers.changed if tiers else unheard
    book = SubscriptionBook(gateway.store, gateway.keys, gateway.world.clock, changed)
    route = StripeRoute(rules, book, gateway.world.clock)
    return (Route(PATH, JsonEndpoint(route, site.ids, EndpointRules(methods=("POST",), body_limit=LARGEST))),)


def unheard(person: str) -> None:
    """Where the webhook is closed, nobody remembers tiers."""
    del person
