"""POST /api/ai/hooks/stripe: subscription events, believed by their signature alone."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from lib.access.stripe_events import StripeRules, read_event, signed
from lib.access.told import SubscriptionBook
from lib.clock import Clock
from lib.errors import AuthenticationFailed, NotFound, Overloaded, StoreError
from lib.web.asgi import Call
from lib.web.json_route import Reply

LARGEST: Final = 262_144
"""Bytes; Stripe's events stay far below."""
LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StripeRoute:
    """Without a secret there is nothing here."""

    rules: StripeRules
    book: SubscriptionBook
    clock: Clock

    async def __call__(self, call: Call) -> Reply:
        """200 for whatever is understood, 503 for what Stripe is to send again."""
        if not self.rules.secret:
            raise NotFound("There is nothing at this address.")
        body = await call.body()
        if not signed(body, call.headers.get("stripe-signature", ""), self.rules.secret, self.clock.now()):
            raise AuthenticationFailed("The signature does not hold.", code="invalid_signature")
        event = read_event(body, self.rules)
        if event.subscription is None:
            return Reply({"received": True, "ignored": "no event of a subscription"})
        if not event.user_id:
            LOG.warning("%s has no `%s` in its metadata", event.subscription.id, self.rules.user_field)
            return Reply({"received": True, "ignored": f"no {self.rules.user_field} in the subscription's metadata"})
        try:
            taken = await self.book.take(event.id, event.user_id, event.subscription)
        except StoreError as error:
            raise Overloaded("the event cannot be kept right now", retry_after=60.0, detail=str(error)) from error
        return Reply({"received": True, "event": taken.value})
