"""A chat through all eight steps: over real sockets to a scripted provider, over REST to the embedded store."""

from __future__ import annotations

import asyncio
import logging

import pytest

from lib.contract import JsonObject
from tests.scripted.sayings import Saying, says, speaks
from tests.scripted.steps import Act, fails, interrupted, with_inserted
from tests.support.asgi_client import request
from tests.support.deployment import ADMIN, ASK, Deployment, deployed, finished, metadata_of, text_in
from tests.support.ticks import next_tick


def ask(prompt: str, **fields: object) -> JsonObject:
    document: JsonObject = {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}
    return document | fields  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


async def admitted(site: Deployment, count: int) -> None:
    """Wait until so many requests have asked for admission."""
    while site.store.stats.by_name["EVAL"] < count:
        await next_tick()


async def test_an_answer_comes_from_the_provider_and_the_same_question_again_from_the_cache() -> None:
    async with deployed() as site:
        here = site.instance()
        first, again = await here.chat(), await here.chat()
        assert (first.status, first.headers["x-cache"], text_in(first)) == (200, "MISS", "echo: What is a lease?")
        assert (again.status, again.headers["x-cache"], text_in(again)) == (200, "HIT (exact)", text_in(first))
        assert len(site.provider.requests) == 1


async def test_a_hit_costs_nothing_and_says_what_it_saved() -> None:
    async with deployed() as site:
        here = site.instance()
        site.provider.script(
            "gpt-4o", [speaks(Saying(("x",), usage={"prompt_tokens": 1000, "completion_tokens": 100}))]
        )
        first, again = (await here.chat()).json(), (await here.chat()).json()
        assert (first["cost"], again["cost"]) == (0.0035, 0.0)  # 1,000 at $2.50 and 100 at $10 per million
        metadata = again["metadata"]
        assert isinstance(metadata, dict)
        assert isinstance(metadata["cache"], dict)
        assert metadata["cache"]["savedUsd"] == 0.0035


async def test_a_hit_takes_one_round_trip_and_a_miss_two() -> None:
    async with deployed() as site:
        here = site.instance()
        counts: list[int] = []
        for _ in range(2):
            before = site.store.stats.requests
            await here.chat()
            counts.append(site.store.stats.requests - before)
        assert counts == [2, 1]


async def test_what_one_user_was_answered_is_never_served_to_another() -> None:
    async with deployed() as site:
        here = site.instance()
        await here.chat()
        other = await here.chat(x_user_id="u2")
        assert other.headers["x-cache"] == "MISS"
        assert len(site.provider.requests) == 2


async def test_a_shared_cache_is_shared_only_where_it_is_switched_on() -> None:
    async with deployed(CACHE_SCOPE="shared") as site:
        here = site.instance()
        await here.chat()
        assert (await here.chat(x_user_id="u2")).headers["x-cache"] == "HIT (exact)"


async def test_fifty_identical_requests_on_two_instances_reach_the_provider_once() -> None:
    async with deployed() as site:
        instances = [site.instance(), site.instance()]
        site.provider.hold()
        tasks = [asyncio.create_task(instances[i % 2].chat()) for i in range(50)]
        await site.provider.until(lambda p: p.in_flight == 1)
        site.provider.release()
        responses = await finished(site, tasks)
        assert {r.status for r in responses} == {200}
        assert {text_in(r) for r in responses} == {"echo: What is a lease?"}
        assert len(site.provider.requests) == 1
        kinds = [r.headers["x-cache"] for r in responses]
        assert kinds.count("MISS") == 1
        totals = await instances[0].usage()
        assert totals["totalRequests"] == 50


async def test_of_200_requests_exactly_the_limit_of_100_are_admitted_by_two_instances() -> None:
    async with deployed(TIER_LIMITS="pro=100/60") as site:
        instances = [site.instance(), site.instance()]
        tasks = [
            asyncio.create_task(instances[i % 2].chat(ask(f"question {i}", model="gpt-6-luna"))) for i in range(200)
        ]
        statuses = [(await t).status for t in tasks]
        assert (statuses.count(200), statuses.count(429)) == (100, 100)
        assert len(site.provider.requests) == 100


async def test_a_refusal_says_which_limit_and_when() -> None:
    async with deployed(TIER_LIMITS="pro=1/60") as site:
        here = site.instance()
        await here.chat()
        refused = await here.chat(ask("another"))
        assert refused.status == 429
        assert refused.headers["retry-after"] == "61"
        assert refused.headers["ratelimit-policy"] == '"pro";q=1;w=60'
        error = refused.json()["error"]
        assert isinstance(error, dict)
        assert error["code"] == "rate_limit_exceeded"
        assert isinstance(error["limit"], dict)
        assert error["limit"]["name"] == "pro"


async def test_a_model_class_has_its_own_limit_that_hits_do_not_use_up() -> None:
    async with deployed(MODEL_CLASS_LIMITS="gpt-4o=1") as site:
        here = site.instance()
        first, again = await here.chat(), await here.chat()
        other = await here.chat(ask("another"))
        cheap = await here.chat(ask("another", model="gpt-6-luna"))
        assert [r.status for r in (first, again, other, cheap)] == [200, 200, 429, 200]


async def test_an_idempotency_key_replays_for_a_day_and_refuses_another_body() -> None:
    async with deployed(CACHE_ENABLED="off") as site:
        here = site.instance()
        first = await here.chat(idempotency_key="k1")
        site.clock.turn(3600)
        again = await here.chat(idempotency_key="k1")
        other = await here.chat(ask("another"), idempotency_key="k1")
        assert again.headers["x-cache"] == "HIT (duplicate)"
        assert text_in(again) == text_in(first)
        assert other.status == 400
        assert len(site.provider.requests) == 1


async def test_without_a_cache_the_same_request_within_five_seconds_is_a_duplicate_and_later_a_new_one() -> None:
    async with deployed(CACHE_ENABLED="off") as site:
        here = site.instance()
        await here.chat()
        site.clock.turn(4)
        assert (await here.chat()).headers["x-cache"] == "HIT (duplicate)"
        site.clock.turn(2)
        assert (await here.chat()).headers["x-cache"] == "BYPASS"
        assert len(site.provider.requests) == 2


async def test_a_failing_model_falls_back_along_the_documents_chain_and_the_answer_says_so() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [fails(503)] * 3)
        site.provider.script("gpt-4o-mini", [fails(401)])
        here = site.instance()
        response = await here.chat()
        body = response.json()
        assert body["modelUsed"] == "anthropic/claude-sonnet-5-5"
        assert body["modelRequested"] == "gpt-4o"
        assert [r.model for r in site.provider.requests] == ["gpt-4o"] * 3 + ["gpt-4o-mini", "claude-sonnet-5-5"]


async def test_a_fallback_answer_is_not_cached_under_the_asked_model() -> None:
    async with deployed(DEDUP_ENABLED="off") as site:
        site.provider.script("gpt-4o", [fails(401)])
        here = site.instance()
        await here.chat()
        second = await here.chat()
        assert second.headers["x-cache"] == "MISS"
        assert second.json()["modelUsed"] == "openai/gpt-4o"


async def test_a_client_error_is_passed_on_and_no_other_model_is_asked() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [fails(400, "invalid_request_error", "temperature is too hot")])
        response = await site.instance().chat()
        assert response.status == 400
        assert b"temperature is too hot" in response.body
        assert len(site.provider.requests) == 1


async def test_a_conversation_too_long_for_one_model_goes_to_the_next() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [fails(400, "context_length_exceeded", "maximum context length")])
        response = await site.instance().chat()
        assert response.status == 200
        assert response.json()["modelUsed"] == "openai/gpt-4o-mini"


async def test_five_failures_open_the_circuit_for_every_instance_and_one_trial_closes_it_again() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        one, two = site.instance(), site.instance()
        site.provider.script("gpt-4o", [fails(500)] * 5)
        for i in range(5):
            await one.chat(ask(f"q{i}"))
        site.clock.turn(3)
        await two.chat(ask("while open"))
        assert [r.model for r in site.provider.requests].count("gpt-4o") == 5
        site.clock.turn(60)
        trial = await two.chat(ask("half open"))
        assert trial.json()["modelUsed"] == "openai/gpt-4o"
        health = await one.gateway.get_all_model_health()
        assert isinstance(health["openai/gpt-4o"], dict)
        assert health["openai/gpt-4o"]["circuit"] == "closed"


async def test_a_stream_arrives_as_the_provider_sends_it() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [with_inserted(says("one ", "two"), 2, Act.HOLD)])
        here = site.instance()
        exchange = here.exchange(ASK | {"stream": True})
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.stalled == 1)
        while b"one " not in exchange.response.body:
            await exchange.progress.wait()
            exchange.progress.clear()
        assert b"two" not in exchange.response.body
        site.provider.release()
        response = await task
        assert b"two" in response.body
        assert response.body.endswith(b"data: [DONE]\n\n")


async def test_a_stream_that_fails_before_its_first_word_falls_back_unseen() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        site.provider.script("gpt-4o", [interrupted(says("never shown"), 1, Act.RESET)])
        response = await site.instance().chat(ASK | {"stream": True})
        assert response.status == 200
        assert response.headers["x-ai-model"] == "openai/gpt-4o-mini"
        assert b"never shown" not in response.body


async def test_a_stream_cut_in_the_middle_ends_in_an_error_is_not_stored_and_its_cost_is_booked() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [interrupted(says("half ", "an ", "answer"), 3, Act.RESET)])
        here = site.instance()
        response = await here.chat(ASK | {"stream": True})
        assert b"half " in response.body
        assert b'"error"' in response.body
        assert b"[DONE]" not in response.body
        assert (await here.chat()).headers["x-cache"] == "MISS"
        totals = await here.usage()
        assert totals["errors"] == 1
        assert totals["totalRequests"] == 2


async def test_a_client_that_hangs_up_leaves_no_claim_no_cache_entry_and_one_record() -> None:
    async with deployed() as site:
        site.provider.hold()
        here = site.instance()
        exchange = here.exchange(ASK)
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.in_flight == 1)
        exchange.hang_up()
        await task
        await site.provider.until(lambda p: p.in_flight == 0)
        assert site.provider.hang_ups == 1
        totals = await here.usage()
        assert (totals["totalRequests"], totals["hangups"]) == (1, 1)
        site.provider.release()
        assert (await here.chat()).headers["x-cache"] == "MISS"


async def test_an_original_that_hangs_up_is_answered_all_the_same_for_the_duplicates_that_wait() -> None:
    async with deployed() as site:
        site.provider.hold()
        here = site.instance()
        original = here.exchange(ASK)
        first = asyncio.create_task(original.run())
        await site.provider.until(lambda p: p.in_flight == 1)
        waiting = [asyncio.create_task(here.chat()) for _ in range(5)]
        await admitted(site, 6)
        while not site.store.stats.by_name["GET"]:
            site.clock.turn(0.01)
            await next_tick()
        original.hang_up()
        site.provider.release()
        await finished(site, [first, *waiting])
        assert {task.result().status for task in waiting} == {200}
        assert (len(site.provider.requests), site.provider.hang_ups) == (1, 0)


async def test_duplicates_of_a_failing_request_get_its_error_instead_of_failing_one_after_the_other() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        site.provider.script("*", [fails(500)] * 10)
        site.provider.hold()
        here = site.instance()
        tasks = [asyncio.create_task(here.chat()) for _ in range(10)]
        await admitted(site, 10)
        await site.provider.until(lambda p: p.in_flight == 1)
        site.provider.release()
        responses = await finished(site, tasks)
        assert {r.status for r in responses} == {502}
        assert len(site.provider.requests) == 3  # the chain of one request


async def test_usage_adds_up_by_user_model_and_day() -> None:
    async with deployed() as site:
        here = site.instance()
        for i in range(70):
            await here.chat(
                ask(f"q{i % 50}", model="gpt-6-luna" if i % 3 else "claude-haiku-5-5"), x_user_tier="master"
            )
        day = await here.usage()
        user = await here.gateway.stats.get_user_usage("u1")
        month = await here.gateway.stats.get_monthly_stats()
        for figure in ("totalRequests", "totalTokens", "totalCostMicroUsd", "cacheHits", "savedCostMicroUsd"):
            assert day[figure] == user[figure] == month[figure]
        assert day["totalRequests"] == 70
        assert isinstance(day["byModel"], dict)
        assert set(day["byModel"]) == {"openai/gpt-6-luna", "anthropic/claude-haiku-5-5"}


async def test_stats_are_for_the_operator_only() -> None:
    async with deployed() as site:
        here = site.instance()
        await here.chat()
        app = here.app("stats")
        assert (await request(app, path="/api/ai/stats")).status == 401
        shown = await request(app, path="/api/ai/stats", authorization=f"Bearer {ADMIN}")
        assert shown.status == 200
        assert shown.json()["totalRequests"] == 1


async def test_a_budget_is_reserved_before_the_call_and_settled_after_it() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=0.02", CACHE_ENABLED="off") as site:
        here = site.instance()
        site.provider.hold()
        tasks = [asyncio.create_task(here.chat(ask(f"essay {i}", maxTokens=1000))) for i in range(20)]
        await site.provider.until(lambda p: p.in_flight >= 1)
        statuses: list[int] = []
        site.provider.release()
        statuses = [(await t).status for t in tasks]
        assert 402 in statuses
        assert 200 in statuses
        totals = await here.usage()
        spent = totals["totalCostMicroUsd"]
        assert isinstance(spent, int)
        assert spent <= 20_000
        later = await here.chat(ask("one more", maxTokens=1000))
        assert later.status == 200  # what was held and not spent is free again


async def test_metadata_tells_attempts_routing_and_health() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [fails(503)])
        metadata = metadata_of(await site.instance().chat())
        attempts = metadata["attempts"]
        assert isinstance(attempts, list)
        assert [a["outcome"] for a in attempts if isinstance(a, dict)] == ["overloaded", "ok"]
        assert metadata["health"] == "healthy"
        assert isinstance(metadata["routing"], dict)


async def test_every_refusal_is_counted_also_when_the_user_does_not_come_back() -> None:
    async with deployed(TIER_LIMITS="free=1/60") as site:
        here = site.instance()
        for i in range(6):
            await here.chat(ask(f"question {i}"), x_user_tier="free")
        site.clock.turn(2)
        await here.chat(x_user_id="u2")
        usage = await here.usage()
        assert (usage["totalRequests"], usage["refused"]) == (7, 5)


async def test_an_absurd_retry_after_of_a_provider_is_not_passed_on() -> None:
    async with deployed() as site:
        site.provider.script("*", [fails(429, "rate_limit_error", retry_after="315360000")] * 9)
        response = await site.instance().chat()
        assert response.status == 429
        assert "retry-after" not in response.headers


@pytest.mark.parametrize(("switch", "logged"), [("off", False), ("on", True)])
async def test_prompts_are_logged_only_where_that_is_switched_on(
    switch: str, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lib.usage")
    async with deployed(LOG_PROMPTS=switch) as site:
        await site.instance().chat()
        assert ("What is a lease?" in caplog.text) is logged
