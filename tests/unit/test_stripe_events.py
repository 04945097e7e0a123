"""Stripe's events: which signatures hold, and what an event says."""

from __future__ import annotations

from typing import Final

import orjson
import pytest

from lib.access.stripe_events import TOLERANCE_SECONDS, StripeRules, read_event, signed
from lib.access.subscriptions import Subscription
from lib.contract import Json
from lib.errors import InvalidRequest
from tests.support.clock import START
from tests.support.stripe import PERIOD_END, SECRET, UPDATED, event, signature, subscription

RULES: Final = StripeRules(
    secret=SECRET,
    prices={"price_pro": "pro", "price_expert": "expert"},
    tiers=("free", "pro", "expert"),
)


def test_a_signature_holds_within_its_time_and_for_its_body_alone() -> None:
    body = event()
    header = signature(body)
    assert signed(body, header, SECRET, START)
    assert signed(body, header, SECRET, START + TOLERANCE_SECONDS)
    assert not signed(body, header, SECRET, START + TOLERANCE_SECONDS + 1)
    assert not signed(body, header, SECRET, START - TOLERANCE_SECONDS - 1)
    assert not signed(body + b" ", header, SECRET, START)
    assert not signed(body, header, SECRET + "x", START)
    assert not signed(body, header.replace(str(int(START)), str(int(START) + 1)), SECRET, START)


def test_one_of_several_signatures_is_enough_while_a_secret_is_replaced() -> None:
    body = event()
    other = signature(body, secret="whsec_old")
    assert signed(body, f"{other},{signature(body).partition(',')[2]}", SECRET, START)


@pytest.mark.parametrize(
    "header",
    ["", "t=,v1=", "v1=abc", f"t={int(START)}", f"t={int(START)},v1=", "t=abc,v1=é", f"t={int(START)},v0=x", "=,=,="],
)
def test_a_header_without_a_signature_proves_nothing(header: str) -> None:
    assert not signed(event(), header, SECRET, START)


def test_a_signature_under_another_scheme_or_with_two_times_proves_nothing() -> None:
    body = event()
    header = signature(body)
    assert not signed(body, header.replace("v1=", "v2="), SECRET, START)
    assert not signed(body, f"t={int(START) - 9_999},{header}", SECRET, START)


def test_an_unset_secret_is_no_secret() -> None:
    body = event()
    assert not signed(body, signature(body, secret=""), "", START)


def test_an_event_says_whose_subscription_gives_which_tier_until_when() -> None:
    read = read_event(event(), RULES)
    assert (read.id, read.user_id) == ("evt_1", "u1")
    assert read.subscription == Subscription("sub_1", int(START), "pro", PERIOD_END)


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({}, "pro"),
        ({"status": "trialing"}, "pro"),
        ({"status": "past_due"}, ""),
        ({"status": "canceled"}, ""),
        ({"status": "incomplete"}, ""),
        ({"status": None}, ""),
        ({"price": "price_other"}, ""),
        ({"price": "price_other", "metadata": {"user_id": "u1", "tier": "expert"}}, "expert"),
        ({"metadata": {"user_id": "u1", "tier": "expert"}}, "pro"),
        ({"price": "price_other", "metadata": {"user_id": "u1", "tier": "gold"}}, ""),
        ({"items": {"data": [{"price": {"id": "price_expert"}}, {"price": {"id": "price_pro"}}]}}, "expert"),
        ({"items": {"data": [7, {"price": 5}, {"price": {"id": "price_pro"}}]}}, "pro"),
        ({"items": []}, ""),
    ],
)
def test_a_live_subscription_gives_what_its_prices_buy_or_its_metadata_say(fields: dict[str, Json], tier: str) -> None:
    about = subscription(str(fields.get("price", "price_pro")), **fields)
    read = read_event(event(UPDATED, about), RULES)
    assert read.subscription is not None
    assert read.subscription.tier == tier


def test_a_deleted_subscription_gives_nothing_whatever_its_status() -> None:
    read = read_event(event("customer.subscription.deleted"), RULES)
    assert read.subscription is not None
    assert (read.subscription.tier, read.subscription.deleted) == ("", True)


def test_the_end_of_the_period_is_found_in_either_place() -> None:
    for about in (
        subscription(items=None, current_period_end=99),
        subscription(items={"data": [{"current_period_end": 99}, {}]}),
    ):
        read = read_event(event(UPDATED, about), RULES)
        assert read.subscription is not None
        assert read.subscription.ends == 99


@pytest.mark.parametrize("kind", ["invoice.paid", "customer.subscription.paused", "customer.created"])
def test_other_events_are_none_of_ours(kind: str) -> None:
    assert read_event(event(kind), RULES).subscription is None


@pytest.mark.parametrize("metadata", [{}, None, {"user_id": 5}, {"user_id": "x" * 257}, {"user_id": "a\n"}, []])
def test_a_subscription_without_a_user_names_none(metadata: Json) -> None:
    assert not read_event(event(UPDATED, subscription(metadata=metadata)), RULES).user_id


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"{}", "id"),
        (event(id=5), "id"),
        (event(id="x" * 256), "id"),
        (event(type=None), "type"),
        (event(created=None), "created"),
        (event(created=True), "created"),
        (event(created=-1), "created"),
        (event(created=2**40), "created"),
        (event(data=None), "data.object"),
        (event(data={"object": []}), "data.object"),
        (event(UPDATED, subscription(id="")), "data.object.id"),
    ],
)
def test_what_is_no_event_is_refused_by_the_field_that_is_wrong(body: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_event(body, RULES)
    assert refused.value.param == param


def test_a_body_of_no_shape_at_all_never_raises_anything_else() -> None:
    odd: tuple[Json, ...] = (None, 1, "x", [1], {"id": [], "type": {}}, {"data": {"object": {"items": {"data": {}}}}})
    for value in odd:
        with pytest.raises(InvalidRequest):
            read_event(orjson.dumps(value), RULES)
