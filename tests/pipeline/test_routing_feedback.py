"""Votes move what `auto` chooses, on every instance; trials stay where the cache finds them; stats tell of both."""

from __future__ import annotations

from typing import Final

import pytest

from lib.ai.lesson_book import FRESH_SECONDS
from lib.contract import Json, JsonObject
from lib.errors import SettingsError
from lib.kv.client import KV
from lib.kv.endpoint import KvEndpoint
from tests.support.asgi_client import Response, json_object, post, request
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, SERVICE, Deployment, Instance, deployed, metadata_of
from tests.support.kv import TOKEN, URL

PATIENT: Final = {"KV_TIMEOUT_SECONDS": "60", "CACHE_ENABLED": "off", "DEDUP_ENABLED": "off"}
TASK: Final = "simple_chat"


def question(words: str = "hello there", **more: Json) -> JsonObject:
    return {"model": "auto", "messages": [{"role": "user", "content": words}], **more}


def model_of(answer: Response) -> str:
    model = json_object(answer.body)["modelUsed"]
    assert isinstance(model, str)
    return model


def routing_of(answer: Response) -> JsonObject:
    routing = metadata_of(answer)["routing"]
    assert isinstance(routing, dict)
    return routing


async def taught(site: Deployment, model: str, up: int, down: int) -> None:
    """As many users have voted on a model's answers to short chats."""
    keys = site.instance().gateway.keys
    kv = KV(KvEndpoint(URL, TOKEN), transport=AsgiTransport(site.store), clock=site.clock)
    for rating, count in (("up", up), ("down", down)):
        await kv.run("HSET", keys.task_votes(TASK), f"s|{model}|{rating}", count)


async def vote(here: Instance, answer: Response, rating: str) -> None:
    document: JsonObject = {"requestId": answer.headers["x-request-id"], "rating": rating}
    headers = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1"}
    assert (await post(here.app("feedback"), document, "/api/ai/feedback", **headers)).status == 200


async def routing_figures(here: Instance) -> JsonObject:
    answer = await request(here.app("stats"), path="/api/ai/stats", authorization=f"Bearer {ADMIN}")
    routing = answer.json()["routing"]
    assert isinstance(routing, dict)
    return routing


async def test_votes_move_the_choice_of_every_instance_within_a_minute() -> None:
    async with deployed(**PATIENT) as site:
        here, there = site.instance(), site.instance()
        first = model_of(await here.chat(question()))
        assert model_of(await there.chat(question())) == first
        await taught(site, first, 20, 600)
        assert model_of(await here.chat(question())) == first
        site.clock.turn(FRESH_SECONDS)
        for instance in (here, there):
            await instance.chat(question())  # goes by what it knew, and reads
        after = [model_of(await instance.chat(question())) for instance in (here, there)]
        assert after[0] == after[1] != first


async def test_a_vote_on_an_answer_is_what_the_router_learns_from() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        answer = await here.chat(question())
        named = await here.chat({**question(), "model": "gpt-4o"})
        await vote(here, answer, "up")
        await vote(here, named, "down")
        read = here.gateway.lessons.known
        site.clock.turn(FRESH_SECONDS)
        await here.chat(question())
        assert {cell: votes.up for cell, votes in read[TASK].cells.items()} == {("s", model_of(answer)): 1}


async def test_advice_goes_by_the_same_votes_as_an_answer() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        first = model_of(await here.chat(question()))
        await taught(site, first, 20, 600)
        service = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1"}
        advice = await post(site.instance().app("route"), question(), "/api/ai/route", **service)
        fresh = site.instance()
        await fresh.chat(question())
        assert advice.json()["modelId"] == model_of(await fresh.chat(question())) != first


async def test_without_its_store_or_with_learning_off_the_table_decides() -> None:
    async with deployed(**PATIENT) as site:
        first = model_of(await site.instance().chat(question()))
        await taught(site, first, 20, 600)
        away = site.instance(UPSTASH_REDIS_REST_TOKEN="wrong")
        off = site.instance(ROUTING_LEARNING="off")
        for instance in (away, off):
            assert [model_of(await instance.chat(question())) for _ in range(2)] == [first, first]


async def test_a_trial_is_told_and_its_repetition_is_a_hit() -> None:
    trying = {"ROUTING_EXPLORATION_PERCENT": "20", "TIER_LIMITS": "pro=1000", "KV_TIMEOUT_SECONDS": "60"}
    async with deployed(**trying) as site:
        here = site.instance()
        first = model_of(await here.chat(question()))
        await taught(site, first, 50, 50)
        site.clock.turn(FRESH_SECONDS)
        await here.chat(question("hello there again"))
        tried = words = None
        for number in range(10, 150):
            words = "hello there " + "".join(chr(97 + int(digit)) for digit in str(number))
            tried = await here.chat(question(words))
            if routing_of(tried).get("exploration"):
                break
        assert tried is not None
        assert words is not None
        assert model_of(tried) != first
        propensity = routing_of(tried)["propensity"]
        assert isinstance(propensity, float)
        assert 0 < propensity < 0.2
        again = await here.chat(question(words))
        assert again.headers["x-cache"] == "HIT (exact)"
        assert model_of(again) == model_of(tried)
        figures = await routing_figures(here)
        assert figures["explored"] == 2
        top = await here.chat(question(words), x_user_tier="master", x_user_id="u2")
        assert not routing_of(top).get("exploration")


@pytest.mark.parametrize("policy", ["cheapest", "quality", "rules", "measured", '{"cost": 50, "preference": 0}'])
async def test_a_shadow_policy_is_compared_and_serves_nothing(policy: str) -> None:
    async with deployed(**PATIENT) as site:
        served = model_of(await site.instance().chat(question()))
        here = site.instance(ROUTING_SHADOW=policy, KV_NAMESPACE="shadow")
        assert model_of(await here.chat(question())) == served
        await here.chat({**question(), "model": "gpt-4o"})
        shadow = (await routing_figures(here))["shadow"]
        assert isinstance(shadow, dict)
        assert shadow["requests"] == 1
        models = shadow["models"]
        assert isinstance(models, dict)
        assert shadow["agreement"] == float(list(models) == [served])
        assert list(models.values()) == [1]
        if policy == "cheapest":
            ours, theirs = shadow["servedEstimatedCost"], shadow["estimatedCost"]
            assert isinstance(ours, float)
            assert isinstance(theirs, float)
            assert theirs <= ours


async def test_stats_tell_what_the_router_did_and_what_users_think_of_it() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        assert (await routing_figures(here))["requests"] == 0
        answer = await here.chat(question())
        await here.chat(question("write a python script"))
        await here.chat({**question(), "model": "gpt-4o"})
        figures = await routing_figures(here)
        assert figures["requests"] == 2
        assert figures["tasks"] == {"simple_chat": 1, "code_generation": 1}
        assert figures["explorationShare"] == 0.0
        assert figures["shadow"] is None
        assert figures["qualityByFeedback"] == {}
        models = figures["models"]
        assert isinstance(models, dict)
        assert model_of(answer) in models
        await vote(here, answer, "up")
        quality = (await routing_figures(here))["qualityByFeedback"]
        assert isinstance(quality, dict)
        few = quality[TASK]
        assert isinstance(few, dict)
        assert few[model_of(answer)] == {
            "up": 1, "down": 0, "regenerate": 0, "quality": None, "note": "not enough votes yet: fewer than 20",
        }  # fmt: skip
        await taught(site, model_of(answer), 80, 20)
        known = (await routing_figures(here))["qualityByFeedback"]
        assert isinstance(known, dict)
        of_task = known[TASK]
        assert isinstance(of_task, dict)
        shown = of_task[model_of(answer)]
        assert isinstance(shown, dict)
        low, mean, high = (shown[name] for name in ("low", "quality", "high"))
        assert isinstance(low, float)
        assert isinstance(mean, float)
        assert isinstance(high, float)
        assert 0 < low < mean < high < 1


async def test_a_weight_that_is_none_is_named_when_the_deployment_starts() -> None:
    async with deployed(**PATIENT) as site:
        with pytest.raises(SettingsError, match=r"ROUTING_SHADOW: weights are preference, .*, not charm"):
            await site.instance(ROUTING_SHADOW='{"charm": 1}').chat(question())
        with pytest.raises(SettingsError, match="ROUTING_SHADOW must be cheapest"):
            site.instance(ROUTING_SHADOW="dearest")
