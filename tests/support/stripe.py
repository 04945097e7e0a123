"""Stripe: events as it words and signs them."""

from __future__ import annotations

import hmac
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from tests.support.clock import START

SECRET: Final = "whsec_test_secret"
UPDATED: Final = "customer.subscription.updated"
PERIOD_END: Final = int(START) + 30 * 86_400


def subscription(price: str = "price_pro", /, **fields: Json) -> JsonObject:
    """A subscription as Stripe's API has it since March 2025."""
    usual: JsonObject = {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "metadata": {"user_id": "u1"},
        "items": {"object": "list", "data": [{"price": {"id": price}, "current_period_end": PERIOD_END}]},
    }
    return usual | fields


def event(kind: str = UPDATED, about: JsonObject | None = None, /, **fields: Json) -> bytes:
    """An event about a subscription."""
    usual: JsonObject = {"id": "evt_1", "object": "event", "type": kind, "created": int(START)}
    usual["data"] = {"object": subscription() if about is None else about}
    return orjson.dumps(usual | fields)


def signature(body: bytes, *, at: float = START, secret: str = SECRET) -> str:
    """The `Stripe-Signature` header."""
    signed = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, "sha256").hexdigest()
    return f"t={int(at)},v1={signed},v0=unused"
