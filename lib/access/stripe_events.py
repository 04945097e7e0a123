"""Stripe's subscription events: the signature that proves them, and what they say. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lib.access.subscriptions import LIVE, Subscription
from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.json_text import parse

TOLERANCE_SECONDS: Final = 300
"""Between the signature and now, either way (as Stripe's own libraries have it)."""
DELETED: Final = "customer.subscription.deleted"
TOLD_BY: Final = frozenset({"customer.subscription.created", "customer.subscription.updated", DELETED})
LONGEST_ID: Final = 255
LONGEST_HEADER: Final = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeRules:
    """How subscriptions become tiers."""

    secret: str = field(default="", repr=False)
    prices: Mapping[str, str] = field(default_factory=dict[str, str])
    """The tier that each price buys."""
    tiers: tuple[str, ...] = ()
    """All there are, the lowest first."""
    user_field: str = "user_id"


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """`subscription` is None where the event tells nothing of one that is a known user's."""

    id: str
    type: str
    user_id: str = ""
    subscription: Subscription | None = None


def signed(body: bytes, header: str, secret: str, now: float) -> bool:
    """Whether `Stripe-Signature` (`t=…,v1=…[,v1=…]`) holds: one HMAC-SHA256 of `t.body`, made within the tolerance."""
    pairs = [pair.strip().partition("=")[::2] for pair in header[:LONGEST_HEADER].split(",")]
    times = [value for name, value in pairs if name == "t"]
    if not secret or len(times) != 1 or not _is_recent(times[0], now):
        return False
    expected = hmac.new(secret.encode(), times[0].encode() + b"." + body, "sha256").hexdigest().encode()
    given = [value.encode("latin-1", "replace") for name, value in pairs if name == "v1"]
    return any(hmac.compare_digest(expected, each) for each in given)


def _is_recent(time: str, now: float) -> bool:
    """Whether this is a time in whole seconds, and within the tolerance."""
    if not time.isascii() or not time.isdecimal() or len(time) > 12:
        return False
    return abs(now - int(time)) <= TOLERANCE_SECONDS


def read_event(body: bytes, rules: StripeRules) -> StripeEvent:
    """What an event says. Raises InvalidRequest for one that is not Stripe's shape."""
    try:
        event = parse(body)
    except ValueError:
        raise InvalidRequest("The body is not JSON.", param="body") from None
    if not isinstance(event, dict):
        raise InvalidRequest("The body is not an event.", param="body")
    event_id, kind = _name(event, "id", "id"), _name(event, "type", "type")
    if kind not in TOLD_BY:
        return StripeEvent(event_id, kind)
    created, subscription = event.get("created"), _object_in(event)
    if not isinstance(created, int) or isinstance(created, bool) or not 0 <= created < 2**40:
        raise InvalidRequest("An event says when it was created.", param="created")
    subscription_id, status = _name(subscription, "id", "data.object.id"), subscription.get("status")
    live = status in LIVE and kind != DELETED
    told = Subscription(
        id=subscription_id,
        told_at=created,
        tier=_tier(subscription, rules) if live else "",
        ends=max(_ends(subscription), default=0),
        deleted=kind == DELETED,
    )
    return StripeEvent(event_id, kind, _user(subscription, rules), told)


def _object_in(event: JsonObject) -> JsonObject:
    match event:
        case {"data": {"object": subscription}} if isinstance(subscription, dict):
            return subscription
        case _:
            raise InvalidRequest("A subscription event holds a subscription.", param="data.object")


def _user(subscription: JsonObject, rules: StripeRules) -> str:
    """Empty when the subscription's metadata name none."""
    metadata = subscription.get("metadata")
    user = metadata.get(rules.user_field) if isinstance(metadata, dict) else None
    return user if isinstance(user, str) and len(user) <= LONGEST_ID + 1 and user.isprintable() else ""


def _tier(subscription: JsonObject, rules: StripeRules) -> str:
    """The best tier that the prices buy, else the one the metadata name; empty when neither is known."""
    bought = {rules.prices.get(price, "") for price in _prices(subscription)}
    metadata = subscription.get("metadata")
    named = metadata.get("tier") if isinstance(metadata, dict) else None
    known = [tier for tier in rules.tiers if tier in bought] or [tier for tier in rules.tiers if tier == named]
    return known[-1] if known else ""


def _items(subscription: JsonObject) -> Iterator[JsonObject]:
    match subscription:
        case {"items": {"data": [*items]}}:
            yield from (item for item in items if isinstance(item, dict))
        case _:
            return


def _prices(subscription: JsonObject) -> Iterator[str]:
    for item in _items(subscription):
        match item:
            case {"price": {"id": str(price)}}:
                yield price
            case _:
                continue


def _ends(subscription: JsonObject) -> Iterator[int]:
    """Ends of the periods paid for: of the items, or of the subscription before Stripe's API of March 2025."""
    for holder in (subscription, *_items(subscription)):
        ends = holder.get("current_period_end")
        if isinstance(ends, int) and not isinstance(ends, bool) and 0 < ends < 2**40:
            yield ends


def _name(holder: JsonObject, name: str, param: str) -> str:
    value: Json = holder.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        raise InvalidRequest(f"{param} is missing or no name.", param=param)
    return value
