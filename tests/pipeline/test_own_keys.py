"""Requests with provider keys of the caller's own: whose key is used, whose money it is, and whose luck."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.ai.hedge import ENOUGH
from lib.contract import Json, JsonObject
from lib.errors import StoreError
from lib.kv.replies import Reply
from tests.scripted.sayings import says
from tests.scripted.steps import delayed, fails
from tests.support.asgi_client import Response, request
from tests.support.books import logged, spent_today
from tests.support.deployment import ADMIN, ASK, Deployment, Instance, deployed, metadata_of
from tests.support.kv import client_of
from tests.support.ticks import next_tick

KEY: Final = "sk-own-0123456789abcdef"
ALLOWED: Final = {"BYOK_ALLOWED_TIERS": "pro,expert", "TIER_DAILY_BUDGETS_USD": "pro=1"}


async def own(here: Instance, document: JsonObject = ASK, **headers: str) -> Response:
    return await here.chat(document, **({"x_provider_key_openai": KEY} | headers))


def keys_used(site: Deployment) -> list[str]:
    return [
        seen.headers.get("x-api-key") or seen.headers["authorization"].removeprefix("Bearer ")
        for seen in site.provider.requests
    ]


async def contents(site: Deployment) -> list[tuple[str, Reply | StoreError]]:
    """Every key of the store and what it holds."""
    kv = client_of(site.store, site.clock)
    names = await kv.run("KEYS", "*")
    assert isinstance(names, list)
    reads = [("LRANGE", str(name), 0, -1) if ":ev:" in str(name) else ("GET", str(name)) for name in names]
    return list(zip(map(str, names), await kv.run_many(reads), strict=True))


def error_in(response: Response) -> JsonObject:
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error


async def test_the_callers_key_is_used_and_the_cost_is_told_but_not_the_operators() -> None:
    async with deployed(**ALLOWED) as site:
        here = site.instance()
        answer, plain = await own(here), await here.chat({**ASK, "temperature": 0.5})
        assert (answer.status, plain.status) == (200, 200)
        assert keys_used(site) == [KEY, "key-openai"]
        assert (metadata_of(answer)["ownKeys"], metadata_of(plain)["ownKeys"]) == (True, False)
        cost, operators = answer.json()["cost"], plain.json()["cost"]
        assert isinstance(cost, float)
        assert cost > 0
        usage = await here.usage()
        assert (usage["totalCost"], usage["totalRequests"]) == (operators, 2)
        assert usage["ownKeys"] == {"requests": 1, "cost": cost}
        records = {record.own_keys: record.cost_micro_usd for record in await logged(site)}
        assert await spent_today(site) == records[False]


async def test_a_spent_budget_does_not_stop_a_caller_with_a_key_of_their_own() -> None:
    async with deployed(**ALLOWED | {"TIER_DAILY_BUDGETS_USD": "pro=0.000001"}) as site:
        here = site.instance()
        assert (await here.chat()).status == 402
        assert (await own(here)).status == 200
        assert await spent_today(site) == 0


@pytest.mark.parametrize("settings", [{}, {"BYOK_ALLOWED_TIERS": "expert"}])
async def test_who_may_not_bring_keys_is_told_so(settings: dict[str, str]) -> None:
    async with deployed(**settings) as site:
        refused = await own(site.instance())
        assert (refused.status, error_in(refused)["code"]) == (403, "own_keys_not_allowed")
        assert not site.provider.requests


@pytest.mark.parametrize("name", ["nobody", "demo", "", "OpenAI2"])
async def test_a_provider_that_is_not_known_is_named(name: str) -> None:
    async with deployed(**ALLOWED) as site:
        refused = await site.instance().chat(**{f"x_provider_key_{name}".lower(): KEY})
        assert (refused.status, error_in(refused)["param"]) == (400, f"x-provider-key-{name}".lower())


@pytest.mark.parametrize("key", ["", "two words", "a, b", "umläut", "x" * 1_025])
async def test_what_cannot_be_a_key_is_refused_without_repeating_it(key: str) -> None:
    async with deployed(**ALLOWED) as site:
        refused = await own(site.instance(), x_provider_key_openai=key)
        assert (refused.status, error_in(refused)["param"]) == (400, "x-provider-key-openai")
        assert not key or key not in refused.body.decode()


async def test_a_provider_that_only_the_caller_has_a_key_of_can_be_asked() -> None:
    async with deployed(**ALLOWED, ANTHROPIC_API_KEY="") as site:
        here = site.instance()
        answer = await here.chat({**ASK, "model": "claude-sonnet-4-5"}, x_provider_key_anthropic=KEY)
        assert answer.status == 200
        assert answer.headers["x-ai-model"].startswith("anthropic/")
        assert keys_used(site) == [KEY]


async def test_the_operators_keys_never_stand_in_for_the_callers() -> None:
    async with deployed(**ALLOWED) as site:
        here = site.instance()
        site.provider.script("*", [fails(401, "authentication_error")] * 20)
        refused = await own(here)
        assert (refused.status, error_in(refused)["code"]) == (400, "provider_key_refused")
        assert error_in(refused)["param"] == "x-provider-key-openai"
        assert set(keys_used(site)) == {KEY}


async def test_a_model_of_another_provider_than_the_key_is_not_asked() -> None:
    async with deployed(**ALLOWED) as site:
        document: JsonObject = {**ASK, "model": "claude-sonnet-4-5", "enableFallback": False}
        refused = await own(site.instance(), document)
        assert (refused.status, error_in(refused)["param"]) == (400, "x-provider-key-anthropic")
        assert not site.provider.requests


async def test_with_two_keys_a_chain_goes_over_both_providers() -> None:
    async with deployed(**ALLOWED) as site:
        site.provider.script("gpt-4o", [fails(500)] * 3)
        document: JsonObject = {**ASK, "gateway": {"models": ["anthropic/claude-sonnet-5-5"]}}
        answer = await own(site.instance(), document, x_provider_key_anthropic="sk-ant-own")
        assert (answer.status, answer.headers["x-ai-model"]) == (200, "anthropic/claude-sonnet-5-5")
        assert set(keys_used(site)) == {KEY, "sk-ant-own"}


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500])
async def test_failures_with_a_key_of_their_own_leave_the_models_health_alone(status: int) -> None:
    async with deployed(**ALLOWED, BREAKER_FAILURES="2") as site:
        here = site.instance()
        site.provider.script("*", [fails(status)] * 60)
        for n in range(3):
            assert (await own(here, {**ASK, "seed": n})).status >= 400
        health = await here.gateway.get_all_model_health()
        assert health
        assert all(isinstance(state, dict) and state["status"] == "healthy" for state in health.values())


async def test_an_open_circuit_does_not_stop_a_caller_with_a_key_of_their_own() -> None:
    async with deployed(**ALLOWED, BREAKER_FAILURES="1", RETRY_MAX_ATTEMPTS="1") as site:
        here = site.instance()
        site.provider.script("gpt-4o", [fails(401)])
        assert (await here.chat()).headers["x-ai-model"] != "openai/gpt-4o"
        answer = await own(here)
        assert (answer.status, answer.headers["x-ai-model"]) == (200, "openai/gpt-4o")
        assert (await here.chat({**ASK, "seed": 1})).headers["x-ai-model"] != "openai/gpt-4o"


@pytest.mark.parametrize("scope", ["user", "shared"])
async def test_answers_with_and_without_an_own_key_are_kept_apart(scope: str) -> None:
    async with deployed(**ALLOWED, CACHE_SCOPE=scope) as site:
        here = site.instance()
        seen = [(await own(here)).headers["x-cache"], (await here.chat()).headers["x-cache"]]
        assert seen == ["MISS", "MISS"]
        again = await own(here)
        assert again.headers["x-cache"] == "HIT (exact)"
        other = await own(here, x_user_id="u2")
        assert other.headers["x-cache"] == "MISS"
        usage = await here.usage()
        assert (usage["savedCost"], usage["cacheHits"]) == (0.0, 1)


async def test_nobody_waits_for_an_answer_that_another_key_pays_for() -> None:
    async with deployed(**ALLOWED) as site:
        here = site.instance()
        site.provider.hold()
        asking = [asyncio.create_task(own(here)), asyncio.create_task(here.chat())]
        await site.provider.until(lambda provider: len(provider.requests) == 2)
        site.provider.release()
        assert [response.status for response in await asyncio.gather(*asking)] == [200, 200]
        assert sorted(keys_used(site)) == ["key-openai", KEY]


async def test_the_key_is_nowhere_to_be_found_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with deployed(**ALLOWED) as site:
        here = site.instance()
        site.provider.script("*", [fails(401, "invalid_api_key", f"Incorrect API key provided: {KEY}.")] * 3)
        answers = [await own(here), await own(here, {**ASK, "stream": True}), await own(here)]
        await next_tick()
        stored = await contents(site)
        assert stored
        seen = [*(a.body.decode() + repr(a.headers) for a in answers), *caplog.messages, repr(stored)]
        assert not [text for text in seen if KEY in text or KEY[-8:] in text]


async def test_browsers_may_send_the_headers_where_keys_are_allowed() -> None:
    async with deployed(**ALLOWED, CORS_ORIGINS="https://app.example") as site:
        for settings, there in ((ALLOWED, True), ({"BYOK_ALLOWED_TIERS": ""}, False)):
            app = site.having(settings).instance().chat_app
            headers = (await request(app, "OPTIONS", "/api/ai/v2/chat", origin="https://app.example")).headers
            assert ("x-provider-key-openai" in headers["access-control-allow-headers"]) is there


async def test_stats_tell_requests_with_own_keys_apart() -> None:
    async with deployed(**ALLOWED) as site:
        here = site.instance()
        await own(here)
        response = await request(here.app("stats"), "GET", "/api/ai/stats", authorization=f"Bearer {ADMIN}")
        body: Json = response.json()
        assert '"ownKeys":{"requests":1' in response.body.decode(), body


async def test_a_late_answer_is_not_hedged_with_the_callers_money() -> None:
    limits = {"TIER_LIMITS": "pro=1000", "MODEL_CLASS_LIMITS": "gpt-4o=1000"}
    async with deployed(**ALLOWED | limits, HEDGE_PERCENT="5", CACHE_ENABLED="off") as site:
        here = site.instance()
        for n in range(ENOUGH):
            assert (await here.chat({**ASK, "seed": n})).status == 200
        site.provider.script("gpt-4o", [delayed(says("late"))])
        asking = asyncio.create_task(own(here))
        await site.provider.until(lambda provider: provider.stalled == 1)
        site.provider.release()
        answer = await asking
        attempts = metadata_of(answer)["attempts"]
        assert isinstance(attempts, list)
        assert (answer.json()["content"], len(attempts)) == ("late", 1)
