"""Embeddings when things go wrong: providers that fail, answers that are not whole, the store away, twins in flight."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.contract import Json, JsonObject
from tests.scripted.steps import Step, answers_json, delayed, fails
from tests.scripted.vectors import embeds, inputs_in
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import Deployment, deployed, finished
from tests.support.held_kv import HeldKv
from tests.support.openai_surface import embed, error_of, gateway_of, keys_of, totals, vectors_in
from tests.support.ticks import next_tick

VERCEL: Final = {"AI_GATEWAY_API_KEY": "key-vercel"}


@pytest.mark.parametrize("failure", [fails(500), fails(429, "rate_limit_error", retry_after="0"), fails(503)])
async def test_what_may_pass_is_tried_again(failure: Step) -> None:
    async with deployed() as site:
        site.provider.script("*", [failure])
        response = await embed(site.instance(), "one")
    assert response.status == 200
    assert len(site.provider.requests) == 2


async def test_retries_are_earned_by_requests() -> None:
    async with deployed(RETRY_BUDGET_PERCENT="100", TIER_LIMITS="pro=99/0", BREAKER_FAILURES="99") as site:
        instance = site.instance()
        for number in range(12):
            site.provider.script("*", [fails(500)])
            assert (await embed(instance, f"text {number}")).status == 200


async def test_a_provider_that_failed_too_often_is_left_alone() -> None:
    async with deployed(BREAKER_FAILURES="1", RETRY_MAX_ATTEMPTS="1") as site:
        instance = site.instance()
        site.provider.script("*", [fails(500)])
        await embed(instance, "one")
        response = await embed(instance, "one")
    assert response.status == 503
    assert len(site.provider.requests) == 1


@pytest.mark.parametrize("failure", [fails(401, "invalid_api_key"), fails(404, "model_not_found")])
async def test_the_same_model_at_another_provider_takes_over(failure: Step) -> None:
    async with deployed(**VERCEL) as site:
        instance = site.instance(VERCEL_BASE_URL=site.provider.base_url)
        site.provider.script("text-embedding-3-small", [failure])
        response = await embed(instance, "one")
        again = await embed(instance, "one")
        names = [request.model for request in site.provider.requests]
    assert response.json()["model"] == "vercel/openai/text-embedding-3-small"
    assert names == ["text-embedding-3-small", "openai/text-embedding-3-small"]
    assert again.headers["x-cache"] == "HIT (exact)"


async def test_no_other_model_ever_takes_over() -> None:
    async with deployed() as site:
        site.provider.script("text-embedding-3-small", [fails(401)])
        response = await embed(site.instance(), "one")
    assert (response.status, error_of(response)["code"]) == (502, "upstream_failed")
    assert len(site.provider.requests) == 1


async def test_the_callers_mistake_is_passed_on() -> None:
    async with deployed(**VERCEL) as site:
        instance = site.instance(VERCEL_BASE_URL=site.provider.base_url)
        site.provider.script("*", [fails(400, "invalid_request_error", "that is no input")])
        response = await embed(instance, "one")
    assert (response.status, error_of(response)["message"]) == (400, "that is no input")


async def test_an_input_that_is_too_long_is_the_callers_mistake() -> None:
    async with deployed() as site:
        site.provider.script("*", [fails(400, "context_length_exceeded", "maximum context length is 8192 tokens")])
        response = await embed(site.instance(), "one")
    error = error_of(response)
    assert (response.status, error["param"], error["code"]) == (400, "input", "context_length_exceeded")


def broken(*data: Json) -> Step:
    return answers_json({"object": "list", "data": [*data], "model": "text-embedding-3-small"})


def item(index: Json, *numbers: Json) -> JsonObject:
    """One vector of an answer."""
    return {"index": index, "embedding": [*numbers]}


FOUR: Final[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.4)


@pytest.mark.parametrize(
    "step",
    [
        broken(),
        broken(item(0, *FOUR)),
        broken(item(0, *FOUR), item(0, *FOUR)),
        broken(item(0, *FOUR), item(2, *FOUR)),
        broken(item(0, *FOUR), item(1, 0.1, 0.2)),
        broken(item(0, *FOUR), item(1, 0.1, 0.2, 0.3, "x")),
        broken(item(0, *FOUR), item(1, 0.1, 0.2, 0.3, 1e39)),
        broken(item(0, *FOUR), {"index": 1, "embedding": "///"}),
        broken(item(0, *FOUR), {"index": 1}),
        answers_json({"error": {"message": "odd", "type": "server_error"}}),
        answers_json([]),
    ],
)
async def test_an_answer_that_is_not_whole_is_no_answer_and_is_not_kept(step: Step) -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        instance = site.instance()
        site.provider.script("*", [step])
        response = await embed(instance, "one", "two")
        later = await embed(instance, "one", "two")
    assert response.status == 502
    assert (later.status, later.headers["x-cache"]) == (200, "MISS")


async def test_vectors_without_numbers_come_in_the_order_sent() -> None:
    async with deployed() as site:
        site.provider.script("*", [broken(item(None, *FOUR), item(None, *FOUR[::-1]))])
        response = await embed(site.instance(), "one", "two")
    first, second = vectors_in(response)
    assert isinstance(first, list)
    assert first == list(reversed(second if isinstance(second, list) else []))
    assert gateway_of(response)["metadata"]


async def test_a_long_list_is_asked_for_in_calls_the_provider_takes_and_what_was_paid_for_is_kept() -> None:
    texts = [f"text {number}" for number in range(150)]
    fields: JsonObject = {"model": "gemini-embedding-001", "dimensions": None}
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        instance = site.instance()
        site.provider.script("gemini-embedding-001", [embeds, fails(500)])
        failed = await embed(instance, *texts, **fields)
        record = await totals(instance, "google/gemini-embedding-001")
        again = await embed(instance, *texts, **fields)
        sizes = [len(inputs_in(request)) for request in site.provider.requests]
    assert (failed.status, again.status) == (502, 200)
    assert sizes == [100, 50, 100, 34]
    assert gateway_of(again)["cachedInputs"] == 16
    assert (record["errors"], record["totalCostMicroUsd"], record["inputTokens"]) == (1, 45, 300)


async def test_the_same_request_in_flight_is_answered_once_and_counts_once_each() -> None:
    async with deployed(TIER_LIMITS="pro=2/0") as site:
        site.provider.hold()
        first = asyncio.create_task(embed(site.instance(), "one", "two"))
        await site.provider.until(lambda p: p.in_flight == 1)
        second = asyncio.create_task(embed(site.instance(), "one", "two"))
        await waiting(site)
        site.provider.release()
        responses = await finished(site, [first, second])
    assert [r.status for r in responses] == [200, 200]
    assert vectors_in(responses[0]) == vectors_in(responses[1])
    assert len(site.provider.requests) == 1


async def test_nobody_waits_for_a_request_in_flight_whose_vectors_are_there() -> None:
    async with deployed() as site:
        site.provider.script("*", [delayed(embeds)])
        slow = asyncio.create_task(embed(site.instance(), "one"))
        await site.provider.until(lambda p: p.stalled == 1)
        await embed(site.instance(), "one", "two")
        quick = await embed(site.instance(), "one")
        site.provider.release()
        late = await slow
    assert [r.headers["x-cache"] for r in (quick, late)] == ["HIT (exact)", "MISS"]


async def test_whoever_waited_for_a_request_that_failed_hears_why() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        site.provider.hold()
        site.provider.script("*", [fails(500)])
        first = asyncio.create_task(embed(site.instance(), "one"))
        await site.provider.until(lambda p: p.in_flight == 1)
        second = asyncio.create_task(embed(site.instance(), "one"))
        await waiting(site)
        site.provider.release()
        responses = await finished(site, [first, second])
    assert [r.status for r in responses] == [502, 502]
    assert len(site.provider.requests) == 1


async def test_a_request_that_is_cancelled_is_booked_and_holds_nobody_up() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.00001") as site:
        instance = site.instance()
        site.provider.hold()
        asking = asyncio.create_task(embed(instance, "x" * 600))
        await site.provider.until(lambda p: p.in_flight == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        site.provider.release()
        record = await totals(instance)
        again = await embed(instance, "x" * 600)
    assert (record["hangups"], record["totalCostMicroUsd"]) == (1, 3)
    assert again.status == 200


async def test_a_request_that_is_cancelled_while_it_asks_to_come_in_leaves_no_claim() -> None:
    async with deployed() as site:
        held = HeldKv(site.store, after=b"EVAL")
        instance = site.instance(kv_transport=AsgiTransport(held))
        asking = asyncio.create_task(embed(instance, "one"))
        await held.held.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        again = await embed(site.instance(), "one")
        record = await totals(instance)
    assert again.status == 200
    assert record["hangups"] == 1


async def waiting(site: Deployment) -> None:
    """Until somebody waits for a request in flight."""
    instance = site.instance()
    for _ in range(1_000):
        site.clock.turn(0.01)
        await next_tick()
        if any(":dw:" in key for key in await keys_of(instance)):
            return
    raise AssertionError("nobody waits")


async def test_without_the_store_vectors_are_computed_under_the_instances_own_limits() -> None:
    async with deployed(TIER_LIMITS="pro=4/0") as site:
        instance = site.instance(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="")
        responses = [await embed(instance, "one") for _ in range(3)]
    assert [r.status for r in responses] == [200, 200, 429]
    assert responses[0].headers["x-ai-degraded"] == "kv"
    assert len(site.provider.requests) == 2
