"""Votes on answers: one per request, on one's own requests only, counted by model, task and day."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from lib.ai.feedback import VOTED_WITHIN, Feedback
from lib.contract import Json, JsonObject
from lib.endpoints.feedback import FEEDBACK_LIMIT
from lib.kv.client import KV
from lib.kv.endpoint import KvEndpoint
from tests.scripted.steps import fails
from tests.support.asgi_client import Response, post
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, ASK, SERVICE, Deployment, Instance, deployed
from tests.support.kv import TOKEN, URL

MODEL: Final = "openai/gpt-4o"
PATIENT: Final = {"KV_TIMEOUT_SECONDS": "60"}
USER: Final = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1"}


async def vote(site: Instance, request_id: str, rating: str = "up", *, user: str = "u1", **more: Json) -> Response:
    document: JsonObject = {"requestId": request_id, "rating": rating, **more}
    headers = {"authorization": f"Bearer {SERVICE}", "x_user_id": user}
    return await post(site.app("feedback"), document, "/api/ai/feedback", **headers)


async def counts(site: Instance) -> JsonObject:
    """What is shown of the model's votes of today."""
    shown = (await site.gateway.stats.get_model_stats(MODEL))["feedback"]
    assert isinstance(shown, dict)
    return {name: value for name, value in shown.items() if name != "byTask" and value}


def refusal_of(response: Response) -> tuple[int, Json]:
    error = response.json()["error"]
    assert isinstance(error, dict)
    return response.status, error["param"]


def kv_of(site: Deployment) -> KV:
    return KV(KvEndpoint(URL, TOKEN), transport=AsgiTransport(site.store), clock=site.clock)


async def test_a_vote_is_counted_for_the_model_and_the_task_that_answered() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        request_id = (await here.chat()).headers["x-request-id"]
        answer = await vote(here, request_id, "down", reason="too long")
        assert answer.status == 200
        assert answer.json() == {
            "requestId": request_id, "rating": "down", "replaced": False, "cacheEntryRemoved": False,
            "model": MODEL, "task": "simple_chat",
        }  # fmt: skip
        stats = await here.gateway.stats.get_model_stats(MODEL)
        one: JsonObject = {"up": 0, "down": 1, "regenerate": 0, "wrongCacheHit": 0}
        assert stats["feedback"] == {**one, "byTask": {"simple_chat": one}}
        assert await kv_of(site).run("HGETALL", here.gateway.keys.task_votes("simple_chat")) == []


async def test_a_later_vote_takes_the_place_of_the_first_and_the_same_again_changes_nothing() -> None:
    async with deployed(**PATIENT) as site:
        here, there = site.instance(), site.instance()
        request_id = (await here.chat()).headers["x-request-id"]
        replaced = [(await vote(at, request_id, r)).json()["replaced"] for at, r in ((here, "up"), (there, "up"))]
        assert replaced == [False, True]
        assert await counts(here) == {"up": 1}
        await vote(there, request_id, "regenerate")
        assert await counts(here) == {"regenerate": 1}


async def test_a_hit_a_stream_and_an_answer_broken_off_by_its_reader_can_be_voted_on() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        stored = await here.chat()
        hit = await here.chat()
        assert hit.headers["x-cache"] == "HIT (exact)"
        streamed = await here.chat({**ASK, "stream": True, "enableCache": False})
        assert [(await vote(here, r.headers["x-request-id"])).status for r in (stored, hit, streamed)] == [200] * 3
        assert await counts(here) == {"up": 3}


async def test_nobody_votes_on_the_request_of_another_user_nor_on_one_that_never_was() -> None:
    async with deployed(**PATIENT, ALLOW_ANONYMOUS="on") as site:
        here = site.instance()
        request_id = (await here.chat()).headers["x-request-id"]
        assert refusal_of(await vote(here, request_id, user="u2")) == (404, "requestId")
        anonymous = await post(
            here.app("feedback"), {"requestId": request_id, "rating": "up", "userId": "u1"}, "/api/ai/feedback"
        )
        assert refusal_of(anonymous) == (404, "requestId")
        forged = request_id[:-1] + ("0" if request_id[-1] != "0" else "1")
        assert refusal_of(await vote(here, forged)) == (404, "requestId")
        assert refusal_of(await vote(here, 'req_"u"')) == (400, "requestId")
        assert await counts(here) == {}


async def test_an_anonymous_caller_votes_on_what_came_to_the_same_address() -> None:
    async with deployed(**PATIENT, ALLOW_ANONYMOUS="on") as site:
        here = site.instance()
        request_id = (await post(here.chat_app, ASK)).headers["x-request-id"]
        document: JsonObject = {"requestId": f"chatcmpl-{request_id}", "rating": "up"}
        assert (await post(here.app("feedback"), document, "/api/ai/feedback")).status == 200
        assert await counts(here) == {"up": 1}


async def test_the_operator_votes_for_a_named_user() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        request_id = (await here.chat()).headers["x-request-id"]
        document: JsonObject = {"requestId": request_id, "rating": "up"}
        admin = {"authorization": f"Bearer {ADMIN}"}
        alone = await post(here.app("feedback"), document, "/api/ai/feedback", **admin)
        assert refusal_of(alone) == (404, "requestId")
        named = await post(here.app("feedback"), {**document, "userId": "u1"}, "/api/ai/feedback", **admin)
        assert named.status == 200


async def test_a_request_that_failed_has_no_answer_to_vote_on() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        site.provider.script("*", [fails(400)])
        failed = await here.chat()
        assert failed.status == 400
        assert refusal_of(await vote(here, failed.headers["x-request-id"])) == (404, "requestId")


async def test_a_wrong_cache_hit_is_counted_once_and_its_entry_is_gone() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        first = await here.chat()
        hit = await here.chat()
        said = await vote(here, hit.headers["x-request-id"], "down", wrongCacheHit=True)
        assert said.json()["cacheEntryRemoved"] is True
        site.clock.turn(10)  # past the time in which the finished request is recognised
        assert (await here.chat()).headers["x-cache"] == "MISS"
        await vote(here, hit.headers["x-request-id"], "up")
        again = await vote(here, hit.headers["x-request-id"], "down", wrongCacheHit=True)
        assert again.json()["cacheEntryRemoved"] is False
        assert (await here.chat()).headers["x-cache"] == "HIT (exact)"
        assert await counts(here) == {"down": 1, "wrongCacheHit": 1}
        no_hit = await vote(here, first.headers["x-request-id"], wrongCacheHit=True)
        assert refusal_of(no_hit) == (400, "wrongCacheHit")


async def test_votes_are_taken_for_seven_days_across_midnight_and_no_longer() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        site.clock.turn(11 * 3600 + 3599)  # one second to midnight (UTC)
        request_id = (await here.chat()).headers["x-request-id"]
        site.clock.turn(VOTED_WITHIN - 1)
        assert (await vote(here, request_id)).status == 200
        site.clock.turn(2)
        assert (await vote(here, request_id)).status == 404


async def test_a_request_that_was_still_running_at_midnight_is_found_under_the_next_day() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        site.clock.turn(11 * 3600 + 3599)
        site.provider.hold()
        asking = asyncio.create_task(here.chat())
        await site.provider.until(lambda p: p.in_flight == 1)
        site.clock.turn(5)
        site.provider.release()
        assert (await vote(here, (await asking).headers["x-request-id"])).status == 200


async def test_more_votes_than_a_minute_takes_are_refused_and_not_counted() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        request_id = (await here.chat()).headers["x-request-id"]
        limit = FEEDBACK_LIMIT.maximum
        answers = await asyncio.gather(*(vote(site.instance(), request_id) for _ in range(limit + 3)))
        assert sorted(a.status for a in answers) == [200] * limit + [429] * 3
        refused = next(a for a in answers if a.status == 429)
        assert refused.headers["retry-after"] == "61"
        assert (await vote(here, request_id, user="u2")).status == 404
        assert await counts(here) == {"up": 1}


async def test_without_its_store_feedback_is_asked_for_later() -> None:
    async with deployed(**PATIENT) as site:
        request_id = (await site.instance().chat()).headers["x-request-id"]
        away = site.instance(UPSTASH_REDIS_REST_TOKEN="wrong")
        answer = await vote(away, request_id)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"rating": "up"}, "requestId"),
        ({"requestId": "req_1"}, "rating"),
        ({"requestId": "req_1", "rating": "sideways"}, "rating"),
        ({"requestId": "req_1", "rating": "up", "reason": "x" * 1_001}, "reason"),
        ({"requestId": "req_1", "rating": "up", "wrongCacheHit": "yes"}, "wrongCacheHit"),
        ({"requestId": "req_1", "rating": "up", "weight": 1_000}, "weight"),
    ],
)
async def test_a_wrong_field_is_named(document: JsonObject, field: str) -> None:
    async with deployed(**PATIENT) as site:
        answer = await post(site.instance().app("feedback"), document, "/api/ai/feedback", **USER)
        assert refusal_of(answer) == (400, field)


async def test_every_key_that_names_a_voter_is_listed_for_deletion_and_expires() -> None:
    async with deployed(**PATIENT) as site:
        here = site.instance()
        feedback = Feedback(here.gateway.store, here.gateway.keys, site.clock)
        request_id = (await here.chat()).headers["x-request-id"]
        site.clock.turn(VOTED_WITHIN - 60)
        await vote(here, request_id, reason="secret")
        kv = kv_of(site)
        site.clock.turn(30 * 86_400 - 1)
        names = await kv.run("KEYS", "*fb:*")
        assert isinstance(names, list)
        assert len(names) == 1
        assert set(names) <= set(feedback.keys_of("u1"))
        site.clock.turn(2)
        assert await kv.run("KEYS", "*fb:*") == []
