"""/api/ai/v1/embeddings through the whole product: shapes, cache, limits, money, faults, the store away."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

import pytest

from lib.contract import Json, JsonObject
from lib.embedding import as_base64
from tests.scripted.steps import fails
from tests.scripted.vectors import embeds_counting, scripted_vector
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import Deployment, Instance, deployed
from tests.support.openai_surface import SMALL, ask, embed, error_of, gateway_of, keys_of, totals, vector, vectors_in
from tests.support.recording_transport import RecordingTransport


def alone(site: Deployment) -> Instance:
    """An instance without any provider's key."""
    return site.instance(OPENAI_API_KEY="", ANTHROPIC_API_KEY="", GEMINI_API_KEY="", DEMO_PROVIDER="1")


async def test_each_text_gets_its_vector_in_its_place() -> None:
    async with deployed() as site:
        response = await embed(site.instance(), "one", "two", "one")
        [sent] = site.provider.requests
    assert (response.status, response.json()["object"], response.json()["model"]) == (200, "list", SMALL)
    assert vectors_in(response) == [vector("one"), vector("two"), vector("one")]
    assert response.json()["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    assert sent.body == {
        "model": "text-embedding-3-small",
        "input": ["one", "two"],
        "dimensions": 4,
        "encoding_format": "base64",
    }
    assert sent.headers["authorization"] == "Bearer key-openai"


async def test_one_text_and_tokens_are_inputs_too() -> None:
    async with deployed() as site:
        instance = site.instance()
        text = await embed(instance, input="one")
        tokens = await embed(instance, input=[7, 8])
        both = await embed(instance, input=[[7, 8], [9]])
        sent = [request.body["input"] for request in site.provider.requests]
    assert len(vectors_in(text)) == len(vectors_in(tokens)) == 1
    assert len(vectors_in(both)) == 2
    assert sent == [["one"], [[7, 8]], [[9]]]


async def test_base64_holds_the_same_numbers() -> None:
    async with deployed() as site:
        response = await embed(site.instance(), "one", encoding_format="base64")
    [text] = vectors_in(response)
    assert isinstance(text, str)
    assert b64decode(text) == scripted_vector("one", 4)


async def test_a_text_is_paid_for_once_a_day() -> None:
    async with deployed() as site:
        instance = site.instance()
        first = await embed(instance, "one", "two")
        again = await embed(site.instance(), "two", "one")
        site.clock.turn(86_401)
        late = await embed(instance, "one", "two")
    assert [r.headers["x-cache"] for r in (first, again, late)] == ["MISS", "HIT (exact)", "MISS"]
    assert vectors_in(again) == [vector("two"), vector("one")]
    assert (gateway_of(again)["cost"], gateway_of(again)["cachedInputs"]) == (0.0, 2)
    assert again.json()["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert len(site.provider.requests) == 2


async def test_a_vector_that_is_read_lives_no_longer_for_it() -> None:
    async with deployed() as site:
        instance = site.instance()
        await embed(instance, "one")
        site.clock.turn(80_000)
        await embed(instance, "one", "two")
        site.clock.turn(6_401)
        late = await embed(instance, "one")
    assert late.headers["x-cache"] == "MISS"


async def test_only_what_is_missing_is_asked_for_and_paid() -> None:
    async with deployed() as site:
        instance = site.instance()
        await embed(instance, "one")
        response = await embed(instance, "one", "two", "three")
        _, sent = site.provider.requests
        record = await totals(instance)
    assert sent.body["input"] == ["two", "three"]
    assert vectors_in(response) == [vector(text) for text in ("one", "two", "three")]
    assert (response.headers["x-cache"], gateway_of(response)["cachedInputs"]) == ("MISS", 1)
    assert (record["totalRequests"], record["inputTokens"], record["cacheHits"]) == (2, 9, 0)


@pytest.mark.parametrize(
    "fields",
    [{"dimensions": 8}, {"model": "text-embedding-3-large"}, {"task_type": "query"}],
)
async def test_what_changes_a_vector_changes_its_key(fields: JsonObject) -> None:
    async with deployed() as site:
        instance = site.instance()
        await embed(instance, "one")
        response = await embed(instance, "one", **fields)
    assert response.headers["x-cache"] == "MISS"


async def test_users_do_not_share_vectors_unless_the_cache_is_shared() -> None:
    async with deployed() as site:
        for instance in (site.instance(), site.instance(CACHE_SCOPE="shared", KV_NAMESPACE="other")):
            await embed(instance, "one")
            document: JsonObject = {"model": SMALL, "input": ["one"], "dimensions": 4}
            other = await ask(instance, document, "embeddings", x_user_id="u2")
            expected = "HIT (exact)" if instance.gateway.settings.cache.scope == "shared" else "MISS"
            assert other.headers["x-cache"] == expected


async def test_the_cache_is_left_out_where_the_caller_or_the_operator_says_so() -> None:
    async with deployed() as site:
        document: JsonObject = {"model": SMALL, "input": ["one"]}
        instance, without = site.instance(), site.instance(EMBEDDING_CACHE_SECONDS="0")
        unkept = await ask(instance, document, "embeddings", cache_control="no-store")
        kept = await ask(instance, document, "embeddings")
        unread = await ask(instance, document, "embeddings", cache_control="no-cache")
        off = [await ask(without, document, "embeddings") for _ in range(2)]
    assert [r.headers["x-cache"] for r in (unkept, kept, unread)] == ["BYPASS", "MISS", "BYPASS"]
    assert [r.headers["x-cache"] for r in off] == ["BYPASS", "BYPASS"]
    assert len(site.provider.requests) == 5


async def test_of_a_long_list_only_the_first_texts_are_kept() -> None:
    texts = [f"text {number}" for number in range(40)]
    async with deployed() as site:
        instance = site.instance()
        await embed(instance, *texts, dimensions=1536)
        again = await embed(instance, *texts, dimensions=1536)
        _, sent = site.provider.requests
    assert sent.body["input"] == texts[32:]
    assert gateway_of(again)["cachedInputs"] == 32


async def test_a_damaged_vector_counts_as_none() -> None:
    async with deployed() as site:
        instance = site.instance()
        await embed(instance, "one")
        await instance.gateway.store.run("SET", instance.gateway.keys.vector("x"), "", "EX", 60)
        [key] = [key for key in await keys_of(instance) if ":v1:" in key and not key.endswith(":x")]
        for damage in ("not base64", as_base64(bytes(8)), ""):
            await instance.gateway.store.run("SET", key, damage, "EX", 60)
            response = await embed(instance, "one")
            assert (response.headers["x-cache"], vectors_in(response)) == ("MISS", [vector("one")])


async def test_every_key_goes_by_itself_and_names_nobody() -> None:
    async with deployed() as site:
        instance = site.instance()
        document: JsonObject = {"model": SMALL, "input": "a private text"}
        await ask(instance, document, "embeddings", x_user_id="somebody")
        keys = await keys_of(instance)
        lifetimes = [await instance.gateway.store.run("TTL", key) for key in keys]
    assert all(isinstance(seconds, int) and seconds > 0 for seconds in lifetimes)
    assert not any("somebody" in key or "private" in key for key in keys)


async def test_hit_and_miss_are_one_round_trip_before_the_answer_and_one_after() -> None:
    async with deployed() as site:
        store = RecordingTransport(AsgiTransport(site.store))
        instance = site.instance(kv_transport=store)
        for text in ("warm up", "one", "one"):
            store.requests.clear()
            await embed(instance, text)
            assert len(store.requests) == 2


async def test_a_key_of_the_callers_own_pays_and_says_nothing_of_the_operators() -> None:
    document: JsonObject = {"model": SMALL, "input": ["one"], "dimensions": 4}
    rules = {"BYOK_ALLOWED_TIERS": "pro", "TIER_DAILY_BUDGETS_USD": "pro=0.000001", "BREAKER_FAILURES": "1"}
    async with deployed(**rules) as site:
        instance = site.instance()
        own = [await ask(instance, document, "embeddings", x_provider_key_openai="sk-own-key") for _ in range(2)]
        site.provider.script("*", [fails(401, "invalid_api_key")])
        refused = await ask(instance, {**document, "input": "two"}, "embeddings", x_provider_key_openai="sk-own-key")
        operators = await ask(instance, document, "embeddings")
        elsewhere = await ask(instance, document, "embeddings", x_provider_key_google="sk-own-key")
        keys = [request.headers["authorization"] for request in site.provider.requests]
    assert [r.headers["x-cache"] for r in (*own, operators)] == ["MISS", "HIT (exact)", "MISS"]
    assert keys == ["Bearer sk-own-key", "Bearer sk-own-key", "Bearer key-openai"]
    assert (refused.status, error_of(refused)["code"]) == (400, "provider_key_refused")
    assert (elsewhere.status, error_of(elsewhere)["code"]) == (400, "no_model_available")


async def test_requests_count_in_the_callers_limit() -> None:
    async with deployed(TIER_LIMITS="pro=2/60") as site:
        instance = site.instance()
        await embed(instance, "one")
        cached = await embed(instance, "one")
        refused = await embed(instance, "two")
        record = await totals(instance)
    assert (cached.status, refused.status) == (200, 429)
    assert (record["totalRequests"], record["refused"]) == (3, 1)


async def test_the_budget_is_reserved_before_the_call_and_settled_after() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.00001") as site:
        instance = site.instance()
        site.provider.script("*", [embeds_counting(400)])
        paid = await embed(instance, "one")
        refused = await embed(instance, "x" * 800)
        cheaper = await embed(instance, "two")
        record = await totals(instance)
    assert paid.headers["x-ai-cost-usd"] == "0.000008"
    assert (refused.status, error_of(refused)["code"]) == (402, "budget_exceeded")
    assert cheaper.status == 200
    assert (record["totalCostMicroUsd"], record["refused"]) == (9, 1)


async def test_what_is_cached_is_had_though_the_budget_is_spent() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.00001") as site:
        instance = site.instance()
        site.provider.script("*", [embeds_counting(600)])
        await embed(instance, "one", "x" * 400)
        spent = await embed(instance, "three")
        cached = await embed(instance, "one")
        partly = await embed(instance, "one", "three")
    assert (spent.status, cached.status, partly.status) == (402, 200, 402)
    assert cached.headers["x-cache"] == "HIT (exact)"


async def test_of_a_list_the_budget_has_to_hold_only_what_is_missing() -> None:
    long = "x" * 1_000
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.00001") as site:
        instance = site.instance()
        site.provider.script("*", [embeds_counting(250)])
        await embed(instance, long)
        response = await embed(instance, long, "short")
    assert (response.status, gateway_of(response)["cachedInputs"]) == (200, 1)


async def test_a_short_text_costs_a_micro_dollar_rather_than_nothing() -> None:
    async with deployed() as site:
        instance = site.instance()
        response = await embed(instance, "one")
        record = await totals(instance)
    assert response.headers["x-ai-cost-usd"] == "0.000001"
    assert record["totalCostMicroUsd"] == 1


async def test_hits_tell_what_they_saved() -> None:
    async with deployed() as site:
        instance = site.instance()
        await embed(instance, "x" * 4_000)
        await embed(instance, "x" * 4_000)
        record = await totals(instance)
    assert (record["cacheHits"], record["savedCostMicroUsd"]) == (1, 20)


async def test_an_answer_too_long_for_one_piece_is_streamed() -> None:
    texts = [f"text {number}" for number in range(600)]
    async with deployed() as site:
        response = await embed(site.instance(), *texts, dimensions=1536, encoding_format="base64")
    assert "content-length" not in response.headers
    assert len(response.chunks) > 4
    assert len(vectors_in(response)) == 600


async def test_the_demo_stands_in_while_no_provider_has_a_key_and_its_vectors_are_not_mistaken_later() -> None:
    async with deployed() as site:
        demo = await embed(alone(site), "a cat sat", "the cat sat", "stock prices", dimensions=64)
        again = await embed(alone(site), "a cat sat", dimensions=64)
        real = await embed(site.instance(), "a cat sat", dimensions=64)
    cat, other_cat, stocks = (list_of(numbers) for numbers in vectors_in(demo))
    assert demo.json()["model"] == again.json()["model"] == "demo/embedding"
    assert again.headers["x-cache"] == "HIT (exact)"
    assert similarity(cat, other_cat) > similarity(cat, stocks)
    assert (real.json()["model"], real.headers["x-cache"]) == (SMALL, "MISS")


def similarity(one: list[Json], other: list[Json]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True) if isinstance(a, float) and isinstance(b, float))


WRONG: Final[tuple[tuple[JsonObject, int, str], ...]] = (
    ({"model": "gpt-4o"}, 404, "model"),
    ({"model": ""}, 400, "model"),
    ({"model": "mistral-embed", "dimensions": None}, 400, "model"),
    ({"dimensions": 1_537}, 400, "dimensions"),
    ({"dimensions": 0}, 400, "dimensions"),
    ({"model": "text-embedding-ada-002", "dimensions": 4}, 400, "dimensions"),
    ({"model": "gemini-embedding-001", "input": [1, 2]}, 400, "input"),
    ({"gateway": {"only": ["mistral"]}}, 400, "model"),
    ({"gateway": {"sort": "cost"}}, 400, "gateway.sort"),
    ({"input": ""}, 400, "input"),
    ({"input": []}, 400, "input"),
    ({"input": ["a", ""]}, 400, "input[1]"),
    ({"input": [True]}, 400, "input[0]"),
    ({"input": [1, "a"]}, 400, "input"),
    ({"input": [[1], [-1]]}, 400, "input[1]"),
    ({"input": [[]]}, 400, "input[0]"),
    ({"input": [*("a" for _ in range(2_049))]}, 400, "input"),
    ({"input": {"text": "a"}}, 400, "input"),
    ({"input": None}, 400, "input"),
    ({"encoding_format": "hex"}, 400, "encoding_format"),
)


@pytest.mark.parametrize(("fields", "status", "param"), WRONG)
async def test_a_wrong_request_names_its_field(fields: JsonObject, status: int, param: str) -> None:
    async with deployed() as site:
        response = await embed(site.instance(), "one", **fields)
    assert (response.status, error_of(response)["param"]) == (status, param)
    assert not site.provider.requests


async def test_users_tags_and_what_is_not_known_go_where_they_belong() -> None:
    async with deployed() as site:
        instance = site.instance()
        document: JsonObject = {"model": SMALL, "input": "one", "user": "someone", "task_type": "query"}
        document["gateway"] = {"tags": ["search"]}
        await ask(instance, document, "embeddings")
        [sent] = site.provider.requests
        mine = await instance.gateway.stats.get_user_usage("someone")
    assert (sent.body["user"], sent.body["task_type"], "gateway" in sent.body) == ("someone", "query", False)
    assert mine["totalRequests"] == 1


def list_of(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value
