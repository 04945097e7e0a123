"""Duplicates of a stream that is kept see it while it is being written: one provider call, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lib.contract import JsonObject
from tests.scripted.sayings import says
from tests.scripted.steps import Act, interrupted, with_inserted
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import Deployment, deployed
from tests.support.faulty_kv import Fault, FaultyKv
from tests.support.kept_streams import (
    ANSWER,
    Streaming,
    held_after_two_words,
    kinds_of,
    parts_of,
    passes,
    streaming,
    text_of,
    ticks,
    ui_chat,
)

WHOLE = "".join(ANSWER)
OTHER_TAB = ui_chat("chat-2")


def restarting(document: JsonObject, how: str = "data") -> JsonObject:
    gateway: JsonObject = {"restart": how}
    return {**document, "gateway": gateway}


@asynccontextmanager
async def two(
    site: Deployment, follower: JsonObject, store: FaultyKv | None = None
) -> AsyncGenerator[tuple[Streaming, Streaming]]:
    """An original that has shown its first words, and a duplicate of it on another instance."""
    here = site.instance(kv_transport=AsgiTransport(store)) if store else site.instance()
    async with streaming(site, here) as original:
        await original.shows("A lease ")
        async with streaming(site, site.instance(), follower) as duplicate:
            yield original, duplicate


async def test_a_duplicate_sees_the_words_before_the_answer_is_whole_and_no_word_twice() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with two(site, OTHER_TAB) as (original, duplicate):
            await duplicate.shows("A lease ")
            assert not original.task.done()
            site.provider.release()
            one, other = await original.ends(), await duplicate.ends()
        assert text_of(one.body) == text_of(other.body) == WHOLE
        assert kinds_of(other.body).count("start") == kinds_of(other.body).count("finish") == 1
        assert len(site.provider.requests) == 1
        assert other.headers["x-cache"] == "HIT (duplicate)"
        assert other.headers["x-request-id"] != one.headers["x-request-id"]
        metadata = parts_of(other.body)[-1]["messageMetadata"]
        assert isinstance(metadata, dict)
        assert (metadata["cached"], metadata["cost"]) == ("duplicate", 0.0)
        early = parts_of(other.body)[0]["messageMetadata"]
        assert isinstance(early, dict)
        assert (early["cached"], early["modelUsed"]) == ("duplicate", "openai/gpt-4o")


async def test_a_duplicate_in_openais_protocol_sees_them_too() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words()])
        plain: JsonObject = {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": "What is a lease?"}],
            "stream": True,
        }
        async with two(site, plain) as (_, duplicate):
            await duplicate.shows('"A lease "')
            site.provider.release()
            response = await duplicate.ends()
        assert response.body.endswith(b"data: [DONE]\n\n")
        assert response.body.count(b"A lease ") == 1
        assert len(site.provider.requests) == 1


async def test_a_duplicate_goes_on_when_the_originals_caller_hangs_up() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with two(site, OTHER_TAB) as (original, duplicate):
            await duplicate.shows("A lease ")
            await original.hangs_up()
            await passes(site, 2.0)
            site.provider.release()
            assert text_of((await duplicate.ends()).body) == WHOLE
        assert len(site.provider.requests) == 1


async def dying(site: Deployment, follower: JsonObject) -> tuple[bytes, int]:
    """A duplicate's stream when the original's function dies after its first words; and how many calls were made."""
    store = FaultyKv(site.store)
    site.provider.script("gpt-4o", [held_after_two_words()])
    async with two(site, follower, store) as (_, duplicate):
        await duplicate.shows("A lease ")
        store.always = Fault.DROP
        await passes(site, 8.0)
        assert len(site.provider.requests) == 1
        return (await duplicate.ends()).body, len(site.provider.requests)


async def test_when_the_original_dies_a_duplicate_that_has_shown_text_ends_in_an_error() -> None:
    async with deployed() as site:
        body, calls = await dying(site, OTHER_TAB)
        assert text_of(body) == "A lease "
        assert kinds_of(body)[-1] == "error"
        assert calls == 1


async def test_when_the_original_dies_a_duplicate_that_allows_it_restarts() -> None:
    async with deployed() as site:
        body, calls = await dying(site, restarting(OTHER_TAB))
        kinds = kinds_of(body)
        after = parts_of(body)[kinds.index("data-restart") :]
        assert "".join(str(part["delta"]) for part in after if part["type"] == "text-delta") == "echo: What is a lease?"
        assert kinds[-1] == "finish"
        assert calls == 2


async def test_when_the_original_dies_before_its_first_word_a_duplicate_takes_over_and_counts_once() -> None:
    async with deployed(TIER_LIMITS="pro=2/0") as site:
        store = FaultyKv(site.store)
        site.provider.hold()
        here = site.instance(kv_transport=AsgiTransport(store))
        async with streaming(site, here) as _, streaming(site, site.instance(), OTHER_TAB) as duplicate:
            await site.provider.until(lambda p: p.in_flight == 1)
            await passes(site, 3.0)
            store.always = Fault.DROP
            await passes(site, 12.0)
            site.provider.release()
            response = await duplicate.ends()
        assert text_of(response.body) == "echo: What is a lease?"
        assert len(site.provider.requests) == 2


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_restart_of_the_original_reaches_only_those_who_allow_for_it(allowed: bool) -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        broken = interrupted(with_inserted(says(*ANSWER), 2, Act.HOLD), 3, Act.RESET)
        site.provider.script("gpt-4o", [broken])
        here = site.instance()
        async with streaming(site, here, restarting(ui_chat())) as original:
            await original.shows("A lease ")
            follower = restarting(OTHER_TAB) if allowed else OTHER_TAB
            async with streaming(site, site.instance(), follower) as duplicate:
                await duplicate.shows("A lease ")
                site.provider.release()
                await original.ends()
                kinds = kinds_of((await duplicate.ends()).body)
        assert kinds[-1] == ("finish" if allowed else "error")
        assert ("data-restart" in kinds) is allowed


async def test_an_original_that_fails_fails_its_duplicates() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        broken = interrupted(with_inserted(says(*ANSWER), 2, Act.HOLD), 3, Act.RESET)
        site.provider.script("gpt-4o", [broken])
        async with two(site, OTHER_TAB) as (_, duplicate):
            await duplicate.shows("A lease ")
            site.provider.release()
            assert kinds_of((await duplicate.ends()).body)[-1] == "error"
        assert len(site.provider.requests) == 1


async def test_many_duplicates_share_one_call_and_all_see_all_of_it() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with streaming(site, site.instance()) as original:
            await original.shows("A lease ")
            there = site.instance()
            tasks = [asyncio.create_task(there.chat(ui_chat(f"tab-{n}"))) for n in range(20)]
            await passes(site, 4.0)
            site.provider.release()
            while not all(task.done() for task in tasks):
                site.clock.turn(0.05)
                await ticks(8)
        assert {text_of(task.result().body) for task in tasks} == {WHOLE}
        assert len(site.provider.requests) == 1
