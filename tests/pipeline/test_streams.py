"""Streams that break: what is held back, what is restarted for those who asked for it, what is hedged."""

from __future__ import annotations

import asyncio

from lib.ai.attempt import CommitWindow
from lib.ai.hedge import ENOUGH
from lib.contract import JsonObject
from tests.scripted.sayings import says
from tests.scripted.steps import Act, delayed, fails, interrupted, with_inserted
from tests.support.asgi_client import json_object
from tests.support.deployment import ASK, deployed

STREAM: JsonObject = ASK | {"stream": True}
UI: JsonObject = {
    "model": "gpt-4o",
    "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "What is a lease?"}]}],
}


def restarting(document: JsonObject, how: str) -> JsonObject:
    gateway: JsonObject = {"restart": how}
    return {**document, "gateway": gateway}


def parts_of(body: bytes) -> list[JsonObject]:
    """The events of a stream, without its end mark."""
    lines = [line.removeprefix(b"data: ") for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    return [json_object(line) for line in lines]


def test_the_window_closes_with_the_first_content_or_by_tokens_or_by_time() -> None:
    assert not CommitWindow().is_open(1, 0.0)
    assert CommitWindow(tokens=10).is_open(9, 99.0)
    assert not CommitWindow(tokens=10).is_open(10, 0.0)
    assert not CommitWindow(tokens=10, seconds=0.2).is_open(1, 0.2)


async def test_within_the_commit_window_a_break_falls_back_unseen_and_its_cost_is_kept() -> None:
    async with deployed(STREAM_COMMIT_TOKENS="20", RETRY_MAX_ATTEMPTS="1") as site:
        site.provider.script("gpt-4o", [interrupted(says("some words ", "and more"), 3, Act.RESET)])
        here = site.instance()
        response = await here.chat(STREAM)
        assert response.headers["x-ai-model"] == "openai/gpt-4o-mini"
        assert b"some words" not in response.body
        assert b"echo:" in response.body
        attempts = parts_of(response.body)[-1]["gateway"]
        assert isinstance(attempts, dict)
        usage = await here.gateway.stats.get_user_usage("u1")
        assert usage["totalRequests"] == 1
        assert response.body.endswith(b"data: [DONE]\n\n")


async def test_an_answer_shorter_than_the_window_is_shown_whole() -> None:
    async with deployed(STREAM_COMMIT_TOKENS="1000") as site:
        response = await site.instance().chat(STREAM)
        assert b"lease?" in response.body
        assert response.body.endswith(b"data: [DONE]\n\n")


async def test_the_window_does_not_keep_a_slow_stream_back_for_longer_than_its_time() -> None:
    async with deployed(STREAM_COMMIT_TOKENS="1000", STREAM_COMMIT_SECONDS="0.01") as site:
        site.provider.script("gpt-4o", [with_inserted(says("first ", "second"), 2, Act.HOLD)])
        exchange = site.instance().exchange(STREAM)
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.stalled == 1)
        while b"first " not in exchange.response.body:
            await exchange.progress.wait()
            exchange.progress.clear()
        site.provider.release()
        response = await task
        assert response.body.count(b"first ") == 1
        assert b"second" in response.body


async def test_who_asked_for_restarts_gets_another_models_answer_in_place_of_the_broken_one() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [interrupted(says("half ", "an ", "answer"), 3, Act.RESET)])
        here = site.instance()
        response = await here.chat(restarting(STREAM, "data"))
        events = parts_of(response.body)
        restart = next(i for i, e in enumerate(events) if isinstance(g := e.get("gateway"), dict) and g.get("restart"))
        shown = "".join(_text(e) for e in events[restart:])
        assert shown == "echo: What is a lease?"
        assert events[restart]["model"] == "openai/gpt-4o-mini"
        assert response.body.endswith(b"data: [DONE]\n\n")
        record = await here.gateway.stats.get_user_usage("u1")
        assert record["totalRequests"] == 1
        spent = record["totalCostMicroUsd"]
        assert isinstance(spent, int)
        assert spent > 5  # the broken answer's estimated cost is part of it


async def test_the_ui_stream_resets_the_step_for_version_7_and_sends_a_data_part_to_others() -> None:
    for how, part in (("reset-step", "reset-step"), ("data", "data-restart")):
        async with deployed() as site:
            site.provider.script("gpt-4o", [interrupted(says("half ", "an ", "answer"), 3, Act.RESET)])
            response = await site.instance().chat(restarting(UI, how))
            kinds = [e["type"] for e in parts_of(response.body)]
            assert part in kinds
            assert kinds[-1] == "finish"
            after = parts_of(response.body)[kinds.index(part) :]
            assert "".join(str(e["delta"]) for e in after if e["type"] == "text-delta") == "echo: What is a lease?"


async def test_a_restart_that_finds_no_model_ends_in_an_error() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        site.provider.script("gpt-4o", [interrupted(says("half ", "an ", "answer"), 3, Act.RESET)])
        site.provider.script("*", [fails(500)] * 9)
        response = await site.instance().chat(restarting(STREAM, "data"))
        assert b'"error"' in response.body
        assert b"[DONE]" not in response.body


async def test_without_being_asked_nothing_restarts() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [interrupted(says("half ", "an ", "answer"), 3, Act.RESET)])
        response = await site.instance().chat(STREAM)
        assert b"restart" not in response.body
        assert b'"error"' in response.body
        assert len(site.provider.requests) == 1


async def test_a_late_first_token_is_hedged_and_the_loser_is_cancelled_and_paid_for() -> None:
    async with deployed(HEDGE_PERCENT="5", CACHE_ENABLED="off", TIER_LIMITS="master=1000") as site:
        here = site.instance()
        for i in range(ENOUGH):
            warm: JsonObject = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": f"warm {i}"}]}
            await here.chat(warm, x_user_tier="master")
        site.provider.script("gpt-6-luna", [delayed(says("too late"))])
        response = await here.chat(STREAM | {"model": "gpt-6-luna"}, x_user_tier="master")
        assert response.status == 200
        assert b"too late" not in response.body
        await site.provider.until(lambda p: p.in_flight == 0)
        assert site.provider.hang_ups == 1
        gateway = next(e["gateway"] for e in parts_of(response.body) if "gateway" in e)
        assert isinstance(gateway, dict)
        assert "hedged" in str(gateway), gateway


async def test_hedging_is_off_unless_switched_on() -> None:
    async with deployed() as site:
        here = site.instance()
        assert not here.gateway.fallback.hedges.enabled


def _text(event: JsonObject) -> str:
    match event:
        case {"choices": [{"delta": {"content": str(text)}}]}:
            return text
        case _:
            return ""
