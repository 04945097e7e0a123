"""With keys set, no text of a user lies open in the store, all works as before, and a deletion shreds even copies."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import pytest

from lib.contract import Json, JsonObject
from lib.endpoints.users import deletion_of
from lib.kv.kept import TOMBSTONE_SECONDS
from lib.kv.replies import Reply
from lib.kv.seal import MARK
from tests.scripted.sayings import says
from tests.support.asgi_client import Exchange, json_object
from tests.support.batches import Client, question
from tests.support.deployment import ADMIN, Deployment, Instance, deployed, finished, text_in
from tests.support.kept_streams import ANSWER, held_after_two_words, resumed, streaming, text_of, ui_chat
from tests.support.kv import client_of
from tests.support.traces import contents, traces

KEY: Final = "k" * 32
OTHER: Final = "o" * 32
CANARY: Final = "canary-7f3a"
ENV: Final = {"ENCRYPTION_KEYS": KEY, "KV_TIMEOUT_SECONDS": "60"}


def asking(text: str, **more: Json) -> JsonObject:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{CANARY}: {text}"}], **more}


async def uses_all_that_keeps_texts(site: Deployment, here: Instance) -> str:
    """Chats, a duplicate, a resumable stream, a durable batch; the batch's id."""
    site.provider.script("gpt-4o", [says(CANARY)] * 4 + [held_after_two_words(CANARY, " is ", "it")])
    site.provider.script("gpt-4o-mini", [says(CANARY)] * 3)
    assert (await here.chat(asking("one"))).status == 200
    assert (await here.chat(asking("one"))).headers["x-cache"] == "HIT (exact)"
    assert (await here.chat(asking("keyed"), idempotency_key="k1", cache_control="no-cache")).status == 200
    again = await here.chat(asking("keyed"), idempotency_key="k1", cache_control="no-cache")
    assert again.headers["x-cache"] == "HIT (duplicate)"
    assert (await here.chat({**asking("streamed"), "stream": True})).status == 200
    assert (await here.chat(asking("other"), x_user_id="u2")).status == 200
    async with streaming(site, here, ui_chat(text=f"{CANARY} chat")) as stream:
        await stream.shows(CANARY)
        await stream.hangs_up()
        site.provider.release()
    items: list[Json] = [question(n, messages=[{"role": "user", "content": f"{CANARY} {n}"}]) for n in range(3)]
    posted = await Client.of(here).post({"requests": items, "mode": "durable"})
    assert posted.status == 202
    return str(posted.json()["id"])


async def copied(site: Deployment) -> dict[str, Reply]:
    """All texts that the store holds, as somebody has them who has copied it."""
    return {name: value for name, value in (await contents(site)).items() if isinstance(value, str)}


async def put(site: Deployment, name: str, text: str) -> None:
    await client_of(site.store, site.clock).run("SET", name, text, "EX", 600)


async def named(site: Deployment, letters: str) -> list[str]:
    return [name for name in await contents(site) if f":{letters}:" in name]


async def test_no_prompt_and_no_answer_lies_open_in_the_whole_store() -> None:
    async with deployed(0.05, **ENV) as site:
        await uses_all_that_keeps_texts(site, site.instance())
        held = await contents(site)
        kinds = {name.split(":")[1] for name, value in held.items() if MARK in repr(value)}
        assert kinds == {"c1", "d1", "ss", "bq", "br"}
        assert await traces(site, [CANARY, KEY]) == []
    async with deployed(0.05, KV_TIMEOUT_SECONDS="60") as site:
        await uses_all_that_keeps_texts(site, site.instance())
        found = await traces(site, [CANARY])
        assert {name.split(":")[1] for name in found} == kinds, "without keys all of these show it"


async def test_other_instances_with_the_key_read_all_of_it() -> None:
    async with deployed(0.05, **ENV) as site:
        job = await uses_all_that_keeps_texts(site, site.instance())
        there = site.instance()
        hit = await there.chat(asking("one"))
        assert (hit.headers["x-cache"], text_in(hit)) == ("HIT (exact)", CANARY)
        again = await there.chat(asking("keyed"), idempotency_key="k1", cache_control="no-cache")
        assert (again.headers["x-cache"], text_in(again)) == ("HIT (duplicate)", CANARY)
        assert text_of((await resumed(site, there)).body) == f"{CANARY} is it"
        assert repr(await Client.of(there).results(job)).count(CANARY) == 3
        assert (await there.chat(asking("other"))).headers["x-cache"] == "MISS", "which is another user's"


async def test_twins_in_flight_on_other_instances_see_the_words_as_they_come_and_get_the_answer() -> None:
    async with deployed(**ENV) as site:
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with streaming(site, site.instance()) as original:
            await original.shows("A lease ")
            whole = asyncio.create_task(site.instance().chat())
            async with streaming(site, site.instance(), ui_chat("chat-2")) as duplicate:
                await duplicate.shows("A lease ")
                site.provider.release()
                one, other = await original.ends(), await duplicate.ends()
            (third,) = await finished(site, [whole])
        assert text_of(one.body) == text_of(other.body) == text_in(third) == "".join(ANSWER)
        assert other.headers["x-cache"] == third.headers["x-cache"] == "HIT (duplicate)"
        assert len(site.provider.requests) == 1


async def test_the_export_shows_what_was_sealed() -> None:
    async with deployed(0.05, **ENV) as site:
        await uses_all_that_keeps_texts(site, site.instance())
        headers = {"authorization": f"Bearer {ADMIN}"}
        path = "/api/ai/users/u1/data"
        response = await Exchange(site.instance().app("users"), "GET", path, headers, query="format=ndjson").run()
        items = [json_object(line) for line in response.body.splitlines()]
    showing = {str(item["type"]) for item in items if CANARY in repr(item)}
    assert showing == {"answer", "result", "stream", "batchRequests", "batchResult"}
    assert MARK not in response.body.decode()


@pytest.mark.parametrize("scope", ["user", "shared"])
async def test_after_a_deletion_copies_open_no_more(scope: str) -> None:
    async with deployed(0.05, **ENV, CACHE_SCOPE=scope) as site:
        here = site.instance()
        job = await uses_all_that_keeps_texts(site, here)
        person = here.gateway.keys.person("u1")
        copy = {name: text for name, text in (await copied(site)).items() if isinstance(text, str)}
        await deletion_of(site.instance().site).delete_user_data("u1")
        assert await named(site, "sl") == [here.gateway.keys.salt(here.gateway.keys.person("u2"))]
        site.clock.turn(TOMBSTONE_SECONDS + 1)
        there = site.instance()
        assert (await there.chat(asking("new"))).status == 200
        seal = await there.gateway.vault.of(person)
        assert seal
        for name, text in copy.items():
            if MARK in text and (scope == "user" or ":c1:" not in name):
                await put(site, name, text)
                assert opens(seal.open, name, text) is False
        if scope == "user":
            assert (await there.chat(asking("one"))).headers["x-cache"] == "MISS"
        assert (await there.chat(asking("keyed"), idempotency_key="k1")).headers["x-cache"] != "HIT (duplicate)"
        assert (await Client.of(there).job(job)).status == 404


def opens(opener: object, name: str, text: str) -> bool:
    """Whether any sealed piece of a text opens under its name, at any of the places that it may have had."""
    assert callable(opener)
    pieces = [piece for piece in text.split("\n") if piece.startswith(MARK)]
    heads = [line for line in text.split("\n") if not line.startswith(MARK)]
    places = [name, *(f"{name}\n{head}" for head in heads), *(f"{name} {n}" for n in range(len(pieces)))]
    return any(opener(place, piece) is not None for piece in pieces for place in places)


async def test_a_copy_opens_as_long_as_the_user_is_there() -> None:
    async with deployed(0.05, **ENV) as site:
        here = site.instance()
        await uses_all_that_keeps_texts(site, here)
        seal = await here.gateway.vault.of(here.gateway.keys.person("u1"))
        assert seal
        sealed = {name: str(text) for name, text in (await copied(site)).items() if MARK in str(text)}
        found = {name.split(":")[1] for name, text in sealed.items() if opens(seal.open, name, text)}
        assert found == {"c1", "d1", "ss", "bq", "br"}


async def test_answers_sealed_under_a_key_that_is_gone_are_misses_and_are_counted_as_such() -> None:
    async with deployed(**ENV) as site:
        assert (await site.instance().chat(asking("one"))).status == 200
        for keys in (OTHER, "", KEY):
            there = site.instance(ENCRYPTION_KEYS=keys)
            answer = await there.chat(asking("one"))
            assert (answer.status, answer.headers["x-cache"]) == (200, "MISS"), keys
            assert (await there.chat(asking("one"))).headers["x-cache"].startswith("HIT"), keys
        usage = await site.instance().usage()
        assert (usage["totalRequests"], usage["cacheHits"], usage["duplicates"]) == (7, 3, 0)
        assert usage["errors"] == 0
        assert len(site.provider.requests) == 4


async def test_keys_rotate_without_a_miss() -> None:
    async with deployed(**ENV) as site:
        assert (await site.instance().chat(asking("one"))).status == 200
        for keys in (f"{KEY},{OTHER}", f"{OTHER},{KEY}"):
            assert (await site.instance(ENCRYPTION_KEYS=keys).chat(asking("one"))).headers["x-cache"] == "HIT (exact)"
        assert (await site.instance(ENCRYPTION_KEYS=f"{OTHER},{KEY}").chat(asking("two"))).status == 200
        assert (await site.instance(ENCRYPTION_KEYS=OTHER).chat(asking("two"))).headers["x-cache"] == "HIT (exact)"


async def test_an_altered_or_exchanged_answer_is_a_miss() -> None:
    async with deployed(**ENV) as site:
        here = site.instance()
        for question_ in ("one", "two"):
            assert (await here.chat(asking(question_))).status == 200
        (first, second), held = await named(site, "c1"), await copied(site)
        await put(site, first, str(held[second]))
        await put(site, second, re.sub(r"(?<=~1.{40}).", "!", str(held[second])))
        answers = [await here.chat(asking(each), cache_control="max-age=600") for each in ("one", "two")]
        assert sorted(answer.headers["x-cache"] for answer in answers) == ["MISS", "MISS"]
        assert [answer.status for answer in answers] == [200, 200]


async def test_what_cannot_be_opened_is_bought_within_the_limits_on_calls() -> None:
    async with deployed(**ENV, MODEL_CLASS_LIMITS="gpt-4o=1") as site:
        assert (await site.instance().chat(asking("one"))).status == 200
        assert (await site.instance().chat(asking("one"))).headers["x-cache"] == "HIT (exact)"
        there = site.instance(ENCRYPTION_KEYS=OTHER)
        assert (await there.chat(asking("one"))).status == 429
        usage = await there.usage()
        assert (usage["totalRequests"], usage["cacheHits"], usage["refused"]) == (3, 1, 1)


async def test_a_stream_of_somebody_without_the_key_is_not_there() -> None:
    async with deployed(0.05, **ENV) as site:
        await uses_all_that_keeps_texts(site, site.instance())
        for keys in (OTHER, ""):
            assert (await resumed(site, site.instance(ENCRYPTION_KEYS=keys))).status in (204, 404)


async def test_a_shared_answer_is_anybodys_and_still_sealed() -> None:
    async with deployed(**ENV, CACHE_SCOPE="shared") as site:
        site.provider.script("gpt-4o", [says(CANARY)])
        assert (await site.instance().chat(asking("one"))).status == 200
        hit = await site.instance().chat(asking("one"), x_user_id="u2")
        assert (hit.headers["x-cache"], text_in(hit)) == ("HIT (exact)", CANARY)
        assert await traces(site, [CANARY]) == []


async def test_meeting_a_user_costs_one_command_in_the_same_round_trip_and_then_none() -> None:
    asked: list[list[tuple[int, int]]] = []
    for env in (ENV, {}):
        async with deployed(**env) as site:
            here, each = site.instance(), list[tuple[int, int]]()
            for _ in range(2):
                before = site.store.stats.requests, site.store.stats.commands
                assert (await here.chat(asking("one"))).status == 200
                each.append((site.store.stats.requests - before[0], site.store.stats.commands - before[1]))
            asked.append(each)
    (first, second), (plain_first, plain_second) = asked
    assert first == (plain_first[0], plain_first[1] + 1)
    assert second == plain_second
