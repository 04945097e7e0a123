"""API keys from the admin route to the answer: what they open, what they hold back, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import pytest

from lib.access.key_authenticator import WITHOUT_STORE_SECONDS
from lib.contract import Json, JsonObject
from tests.scripted.sayings import says
from tests.scripted.steps import fails
from tests.support.asgi_client import Exchange, Response, post
from tests.support.asgi_transport import AsgiTransport
from tests.support.books import logged, spent_today
from tests.support.deployment import ADMIN, ASK, Instance, deployed, finished, metadata_of
from tests.support.faulty_kv import Fault, FaultyKv
from tests.support.ticks import next_tick

KEYS: Final = "/api/ai/admin/keys"
EXPENSIVE: Final = "openai/gpt-4o"


async def administer(here: Instance, method: str, path: str = KEYS, body: bytes = b"", query: str = "") -> Response:
    headers = {"authorization": f"Bearer {ADMIN}"}
    return await Exchange(here.app("admin"), method, path, headers, (body,), query).run()


async def created(here: Instance, **fields: Json) -> JsonObject:
    document: JsonObject = {"userId": "ann"}
    document.update(fields)
    response = await post(here.app("admin"), document, KEYS, authorization=f"Bearer {ADMIN}")
    assert response.status == 201, response.body
    return response.json()


async def chat(
    here: Instance, key: Json, document: Mapping[str, Json] = ASK, header: str = "authorization"
) -> Response:
    assert isinstance(key, str)
    value = f"Bearer {key}" if header == "authorization" else key
    return await post(here.chat_app, dict(document), **{header: value})


def error_of(response: Response) -> JsonObject:
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
async def test_a_key_opens_the_chat_for_its_user_and_tier_whatever_the_body_says(header: str) -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, tier="expert")
        response = await chat(here, key["key"], ASK | {"userId": "bob", "tier": "master"}, header)
        assert response.status == 200
        assert response.headers["ratelimit-policy"].startswith('"expert";q=200')
        (record,) = await logged(site)
        assert (record.person, record.tier) == (here.gateway.keys.person("ann"), "expert")


async def test_a_key_without_a_tier_is_of_the_lowest() -> None:
    async with deployed() as site:
        here = site.instance()
        assert (await chat(here, (await created(here))["key"])).headers["ratelimit-policy"].startswith('"free"')


async def test_a_secret_is_shown_once_and_kept_by_nobody_in_between() -> None:
    async with deployed() as site:
        here = site.instance()
        response = await administer(here, "POST", body=b'{"userId": "ann"}')
        assert (response.status, response.headers["cache-control"]) == (201, "no-store")
        key = response.json()
        shown = [
            await administer(here, "GET"),
            await administer(here, "GET", f"{KEYS}/{key['id']}"),
            await administer(here, "PATCH", f"{KEYS}/{key['id']}", b'{"name": "x"}'),
            await administer(here, "DELETE", f"{KEYS}/{key['id']}"),
        ]
        secret = str(key["key"]).rpartition("_")[2]
        for each in shown:
            assert each.status == 200
            assert secret not in each.body.decode()
            assert b"hash" not in each.body


async def test_a_model_outside_is_refused_before_anything_is_consumed() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, models=["gpt-4o-mini"])
        response = await chat(here, key["key"])
        assert response.status == 403
        error = error_of(response)
        assert (error["code"], error["param"]) == ("model_not_allowed", "model")
        assert site.provider.requests == []
        allowed = await chat(here, key["key"], ASK | {"model": "gpt-4o-mini"})
        assert allowed.status == 200
        assert allowed.headers["x-ratelimit-remaining-requests"] == "9"


async def test_no_fallback_leads_outside() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, models=[EXPENSIVE])
        site.provider.script("gpt-4o", [fails(500)] * 3)
        wish: JsonObject = {"models": ["claude-sonnet-5-5"]}
        response = await chat(here, key["key"], ASK | {"gateway": wish})
        assert response.status == 502
        assert {request.model for request in site.provider.requests} == {"gpt-4o"}


async def test_automatic_choice_stays_inside_and_says_why() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, models=["claude-haiku-5-5"])
        response = await chat(here, key["key"], ASK | {"model": "auto"})
        assert response.json()["modelUsed"] == "anthropic/claude-haiku-5-5"
        assert metadata_of(response)["routing"]


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k1"}])
async def test_a_limited_key_is_no_twin_of_one_that_may_use_every_model(headers: dict[str, str]) -> None:
    async with deployed() as site:
        here = site.instance()
        free, limited = (await created(here))["key"], (await created(here, models=[EXPENSIVE]))["key"]
        site.provider.script("gpt-4o", [*[fails(500)] * 3, says("from the model asked for")])
        first = await post(here.chat_app, ASK, authorization=f"Bearer {free}", **headers)
        assert first.json()["modelUsed"] != EXPENSIVE
        second = await post(here.chat_app, ASK, authorization=f"Bearer {limited}", **headers)
        assert (second.json()["modelUsed"], second.json()["cached"]) == (EXPENSIVE, False)


async def test_a_limited_key_gets_its_users_cached_answers_of_the_models_it_may_use() -> None:
    async with deployed() as site:
        here = site.instance()
        free, limited = (await created(here))["key"], (await created(here, models=[EXPENSIVE]))["key"]
        await chat(here, free)
        site.clock.turn(60)
        second = await chat(here, limited)
        assert (second.json()["modelUsed"], second.json()["cached"]) == (EXPENSIVE, "exact")
        other = (await created(here, models=["gpt-4o-mini"]))["key"]
        assert (await chat(here, other)).status == 403


async def test_a_keys_budget_takes_the_place_of_the_tiers() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="free=0.000001") as site:
        here = site.instance()
        terms: dict[str, dict[str, Json]] = {
            "a": {},
            "b": {"dailyBudgetUsd": 1},
            "c": {"dailyBudgetUsd": 0},
            "d": {"dailyBudgetUsd": 0, "monthlyBudgetUsd": 0.000001},
        }
        keys = [(await created(here, **fields, userId=user))["key"] for user, fields in terms.items()]
        statuses = [(await chat(here, key)).status for key in keys]
        assert statuses == [402, 200, 200, 402]
        assert await spent_today(site, "b") > 0


async def test_a_keys_tags_join_those_of_the_request_in_the_record() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, tags=["team-a", "both"])
        tags: list[Json] = ["mine", "both"]
        await chat(here, key["key"], ASK | {"tags": tags})
        (record,) = await logged(site)
        assert record.tags == ("mine", "both", "team-a")


async def test_a_revoked_key_is_refused_everywhere_within_30_seconds() -> None:
    async with deployed() as site:
        here, elsewhere = site.instance(), site.instance()
        key = await created(here)
        assert [(await chat(one, key["key"])).status for one in (here, elsewhere)] == [200, 200]
        revoked = await administer(here, "DELETE", f"{KEYS}/{key['id']}")
        assert revoked.json()["status"] == "revoked"
        site.clock.turn(30)
        answers = [await chat(one, key["key"]) for one in (here, elsewhere)]
        assert [(each.status, error_of(each)["code"]) for each in answers] == [(401, "invalid_api_key")] * 2
        assert answers[0].headers["www-authenticate"] == "Bearer"


async def test_an_expired_key_is_told_so() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, expiresAt="2026-11-24T13:00:00+00:00")
        assert (await chat(here, key["key"])).status == 200
        site.clock.turn(3_600)
        response = await chat(here, key["key"])
        assert (response.status, error_of(response)["code"]) == (401, "expired_api_key")


async def test_after_a_rotation_both_secrets_open_until_the_overlap_ends() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here)
        await chat(here, key["key"])
        again = (await administer(here, "POST", f"{KEYS}/{key['id']}/rotate", b'{"overlapSeconds": 60}')).json()
        assert again["oldSecretUntil"] == "2026-11-24T12:01:00Z"
        both = (key["key"], again["key"])
        assert [(await chat(here, each)).status for each in both] == [200, 200]
        site.clock.turn(60)
        assert [(await chat(here, each)).status for each in both] == [401, 200]


async def test_a_known_key_survives_the_stores_absence_for_a_quarter_of_an_hour() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        known, unknown = (await created(here))["key"], (await created(here))["key"]
        await chat(here, known)
        store.always = Fault.DROP
        site.clock.turn(WITHOUT_STORE_SECONDS - 1)
        answered, refused = await chat(here, known), await chat(here, unknown)
        assert (answered.status, answered.headers["x-ai-degraded"]) == (200, "kv")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        site.clock.turn(1)
        assert (await chat(here, known)).status == 503


async def test_twenty_first_requests_at_once_are_all_answered() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, tier="master")
        tasks = [
            asyncio.create_task(chat(here, key["key"], ASK | {"temperature": number / 20})) for number in range(20)
        ]
        await next_tick()
        assert {response.status for response in await finished(site, tasks)} == {200}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", "userId"),
        (b"[]", None),
        (b"{", None),
        (b'{"userId": ""}', "userId"),
        (b'{"userId": "a\\n"}', "userId"),
        (b'{"userId": "a", "tier": "emperor"}', "tier"),
        (b'{"userId": "a", "models": ["gpt-4o", "gpt-nope"]}', "models[1]"),
        (b'{"userId": "a", "dailyBudgetUsd": -1}', "dailyBudgetUsd"),
        (b'{"userId": "a", "dailyBudgetUsd": "1"}', "dailyBudgetUsd"),
        (b'{"userId": "a", "monthlyBudgetUsd": 1e400}', "monthlyBudgetUsd"),
        (b'{"userId": "a", "expiresAt": "2026-11-24T11:00:00Z"}', "expiresAt"),
        (b'{"userId": "a", "expiresAt": "2036-11-24T11:00:00Z"}', "expiresAt"),
        (b'{"userId": "a", "expiresAt": "2026-12-24T11:00:00"}', "expiresAt"),
        (b'{"userId": "a", "expiresAt": 5}', "expiresAt"),
        (b'{"userId": "a", "tags": [""]}', "tags[0]"),
        (b'{"userId": "a", "name": "a\\u0000"}', "name"),
        (b'{"userId": "a", "secret": "mine"}', "secret"),
    ],
)
async def test_a_wrong_body_is_refused_by_the_name_of_its_field(body: bytes, param: str | None) -> None:
    async with deployed() as site:
        here = site.instance()
        response = await administer(here, "POST", body=body)
        assert response.status == 400
        assert error_of(response)["param"] == param
        assert (await administer(here, "GET")).json() == {"keys": [], "cursor": None}


async def test_a_change_changes_what_it_names_and_null_takes_away() -> None:
    async with deployed() as site:
        here = site.instance()
        key = await created(here, tier="pro", dailyBudgetUsd=1.5, models=["gpt-4o", "text-embedding-3-small"], name="n")
        assert key["models"] == ["openai/gpt-4o", "openai/text-embedding-3-small"]
        path = f"{KEYS}/{key['id']}"
        changed = (
            await administer(here, "PATCH", path, b'{"tier": null, "dailyBudgetUsd": 0.25, "tags": ["t"]}')
        ).json()
        assert (changed["tier"], changed["dailyBudgetUsd"], changed["tags"]) == (None, 0.25, ["t"])
        assert (changed["name"], changed["models"]) == ("n", key["models"])
        assert (await administer(here, "GET", path)).json() == changed
        assert error_of(await administer(here, "PATCH", path, b'{"userId": "bob"}'))["param"] == "userId"


async def test_a_revoked_key_cannot_be_rotated_or_changed() -> None:
    async with deployed() as site:
        here = site.instance()
        path = f"{KEYS}/{(await created(here))['id']}"
        await administer(here, "DELETE", path)
        for method, place in (("POST", f"{path}/rotate"), ("PATCH", path)):
            response = await administer(here, method, place)
            assert (response.status, error_of(response)["code"]) == (409, "key_revoked")
        assert (await administer(here, "DELETE", path)).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{KEYS}/{'0' * 16}"),
        ("PATCH", f"{KEYS}/{'0' * 16}"),
        ("DELETE", f"{KEYS}/x"),
        ("POST", f"{KEYS}/{'0' * 16}/rotate"),
        ("GET", "/api/ai/admin"),
        ("GET", f"{KEYS}/{'0' * 16}/rotate/x"),
    ],
)
async def test_what_is_not_there_is_not_found(method: str, path: str) -> None:
    async with deployed() as site:
        assert (await administer(site.instance(), method, path)).status == 404


async def test_lists_are_by_user_and_in_pages() -> None:
    async with deployed() as site:
        here = site.instance()
        for user in ("ann", "bob"):
            await created(here, userId=user)
        listed = (await administer(here, "GET", query="user=bob")).json()["keys"]
        assert isinstance(listed, list)
        assert len(listed) == 1
        assert error_of(await administer(here, "GET", query="cursor=x"))["param"] == "cursor"


async def test_without_the_store_keys_are_not_administered_and_nothing_is_promised() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        store.always = Fault.DROP
        for method, body in (("GET", b""), ("POST", b'{"userId": "ann"}')):
            response = await administer(here, method, body=body)
            assert (response.status, response.headers["retry-after"]) == (503, "5")


async def test_where_no_store_is_configured_no_key_is_known() -> None:
    async with deployed() as site:
        key = (await created(site.instance()))["key"]
        alone = site.instance(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="")
        assert (await chat(alone, key)).status == 401
