"""Who calls and what they are entitled to, from the HTTP request to the limits it meets."""

from __future__ import annotations

from typing import Final

import pytest

from lib.errors import SettingsError
from tests.support.asgi_client import Exchange, Response, post, request
from tests.support.deployment import ASK, SERVICE, Instance, deployed
from tests.support.side_calls import ScriptedSideCalls
from tests.support.stripe import SECRET, event, signature, subscription
from tests.support.tokens import AUDIENCE, ISSUER, Signer, key_set

SIGNER: Final = Signer()
TRUST: Final = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "JWT_TIER_CLAIM": "app_metadata.tier"}
TABLE: Final = {"SUPABASE_URL": "https://project.supabase.example", "SUPABASE_SERVICE_ROLE_KEY": "service-role"}
STRIPE: Final = {"STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_PRICE_TIERS": "price_pro=pro,price_expert=expert"}
LIMITS: Final = {"10": "free", "50": "pro", "200": "expert"}


def world(tier: str = "pro") -> ScriptedSideCalls:
    """An issuer, and a table in which everybody has this tier."""
    return ScriptedSideCalls([{"tier": tier, "status": "active"}], elsewhere={"jwks": key_set(SIGNER)})


def tier_of(response: Response) -> str:
    """Whose limits a chat was counted against."""
    assert response.status == 200, response.body
    return LIMITS[response.headers["x-ratelimit-limit-requests"]]


async def chat(here: Instance, token: str, **headers: str) -> Response:
    return await post(here.chat_app, dict(ASK), authorization=f"Bearer {token}", **headers)


async def hook(here: Instance, body: bytes, header: str | None = None) -> Response:
    headers = {"stripe-signature": signature(body, at=here.gateway.world.clock.now()) if header is None else header}
    return await Exchange(here.app("hooks"), "POST", "/api/ai/hooks/stripe", headers, (body,)).run()


async def test_a_token_lets_its_user_in_with_the_tier_it_claims() -> None:
    async with deployed(**TRUST, **TABLE) as site:
        site.side_calls = calls = world()
        here = site.instance()
        token = SIGNER.token(app_metadata={"tier": "expert"})
        assert tier_of(await chat(here, token, x_user_id="someone-else", x_user_tier="master")) == "expert"
        assert [sent.url for sent in calls.sent] == [f"{ISSUER}/.well-known/jwks.json"]


async def test_a_token_without_a_tier_gets_the_users_and_two_users_share_no_answer() -> None:
    async with deployed(**TRUST, **TABLE) as site:
        site.side_calls = world()
        here = site.instance()
        assert tier_of(await chat(here, SIGNER.token())) == "pro"
        again, other = await chat(here, SIGNER.token()), await chat(here, SIGNER.token(sub="user-2"))
        assert (again.headers["x-cache"], other.headers["x-cache"]) == ("HIT (exact)", "MISS")


async def test_bad_tokens_are_401_and_an_issuer_that_is_away_503() -> None:
    async with deployed(**TRUST) as site:
        site.side_calls = world()
        here = site.instance()
        expired = await chat(here, SIGNER.token(exp=5))
        forged = await chat(here, Signer(number=1).token())
        assert (expired.status, forged.status) == (401, 401)
        assert (expired.headers["www-authenticate"], b"expired_token" in expired.body) == ("Bearer", True)
        site.side_calls = ScriptedSideCalls(status=0)
        away = await chat(site.instance(), SIGNER.token())
        assert (away.status, "retry-after" in away.headers) == (503, True)


async def test_without_an_issuer_no_token_is_taken() -> None:
    async with deployed(ALLOW_ANONYMOUS="on") as site:
        site.side_calls = calls = world()
        assert (await chat(site.instance(), SIGNER.token())).status == 401
        assert not calls.sent


async def test_a_server_that_names_a_user_without_a_tier_gets_the_users() -> None:
    async with deployed(**TABLE) as site:
        site.side_calls = calls = world()
        here = site.instance()
        assert tier_of(await chat(here, SERVICE)) == "free"
        assert tier_of(await chat(here, SERVICE, x_user_id="u1", x_user_tier="expert")) == "expert"
        assert not calls.sent
        assert tier_of(await chat(here, SERVICE, x_user_id="u1")) == "pro"
        named = await post(here.chat_app, {**ASK, "userId": "u2"}, authorization=f"Bearer {SERVICE}")
        assert tier_of(named) == "pro"
        assert len(calls.sent) == 2


async def test_a_lookup_is_one_round_trip_the_first_time_and_none_after() -> None:
    async with deployed(**TABLE) as site:
        site.side_calls = world()
        here = site.instance()
        counts: list[int] = []
        for _ in range(3):
            before = site.store.stats.requests
            await chat(here, SERVICE, x_user_id="u1")
            counts.append(site.store.stats.requests - before)
        assert counts == [4, 1, 1]  # read and kept, beside the two of a miss; then hits


async def test_what_stripe_says_holds_at_once_here_and_within_half_a_minute_elsewhere() -> None:
    async with deployed(**STRIPE) as site:
        here, elsewhere = site.instance(), site.instance()
        assert await here.gateway.get_user_tier("u1") == "free"
        assert await elsewhere.gateway.get_user_tier("u1") == "free"
        assert (await hook(here, event("customer.subscription.created"))).status == 200
        assert tier_of(await chat(site.instance(), SERVICE, x_user_id="u1")) == "pro"
        site.clock.turn(30)
        assert await elsewhere.gateway.get_user_tier("u1") == "pro"
        ended = event("customer.subscription.deleted", subscription(status="canceled"), id="evt_2")
        assert (await hook(elsewhere, ended)).json()["event"] == "taken in"
        assert await site.instance().gateway.get_user_tier("u1") == "free"


async def test_an_event_counts_once_and_an_old_one_not_at_all() -> None:
    async with deployed(**STRIPE) as site:
        here, now = site.instance(), int(site.clock.now())
        new = event("customer.subscription.updated", subscription("price_expert"), created=now, id="evt_2")
        old = event("customer.subscription.created", subscription(), created=now - 60, id="evt_1")
        for body, became in ((new, "taken in"), (new, "known already"), (old, "taken in"), (old, "known already")):
            response = await hook(here, body)
            assert (response.status, response.json()["event"]) == (200, became)
            assert await site.instance().gateway.get_user_tier("u1") == "expert"


async def test_only_stripes_signature_opens_the_hook_and_bad_events_store_nothing() -> None:
    async with deployed(**STRIPE) as site:
        here, body = site.instance(), event()
        stale = signature(body, at=site.clock.now() - 301)
        for header in ("", "t=1,v1=x", stale, signature(body + b" "), signature(body, secret="other")):
            assert (await hook(here, body, header)).status == 401
        assert (await hook(here, b"{}")).status == 400
        assert (await hook(here, event("invoice.paid"))).json()["ignored"]
        assert (await hook(here, event("customer.subscription.updated", subscription(metadata={})))).json()["ignored"]
        assert (await request(here.app("hooks"), "GET", "/api/ai/hooks/stripe")).status == 405
        assert site.store.stats.requests == 0


async def test_the_hook_is_closed_without_a_secret_and_busy_without_the_kv() -> None:
    async with deployed() as site:
        body = event()
        assert (await hook(site.instance(), body, signature(body, secret=""))).status == 404
        there = site.having({**STRIPE, "UPSTASH_REDIS_REST_URL": "", "UPSTASH_REDIS_REST_TOKEN": ""})
        away = await hook(there.instance(), body)
        assert (away.status, "retry-after" in away.headers) == (503, True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JWT_SECRET", "short"),
        ("JWT_SECRET", SECRET * 3),
        ("JWT_JWKS_URL", "https://issuer.example/jwks"),
        ("JWT_JWKS_URL", "http://issuer.example/jwks"),
        ("JWT_ISSUER", "http://issuer.example"),
        ("JWT_ISSUER", "https://["),
        ("JWT_ALGORITHMS", "HS256"),
        ("JWT_ALGORITHMS", "none"),
        ("JWT_TIER_CLAIM", "user_metadata.tier"),
        ("SUPABASE_URL", "http://project.supabase.example"),
        ("STRIPE_PRICE_TIERS", "price_1=gold"),
        ("BYOK_ALLOWED_TIERS", "gold"),
    ],
)
async def test_settings_that_cannot_be_meant_are_refused_by_name(variable: str, value: str) -> None:
    async with deployed() as site:
        with pytest.raises(SettingsError, match=variable):
            site.having({variable: value}).instance().app("chat")
        if value == SECRET * 3:
            site.having({variable: value, "JWT_ISSUER": ISSUER}).instance().app("chat")


async def test_a_column_that_does_not_exist_is_refused_by_name() -> None:
    async with deployed(**TABLE, SUPABASE_SUBSCRIPTIONS_COLUMNS="plan=tier") as site:
        with pytest.raises(SettingsError, match="SUPABASE_SUBSCRIPTIONS_COLUMNS"):
            site.instance().app("chat")
