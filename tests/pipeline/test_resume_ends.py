"""Kept streams that end otherwise than with their answer: stopped, deleted, without a store, or left by the dead."""

from __future__ import annotations

from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import Deployment, Instance, deployed
from tests.support.faulty_kv import Fault, FaultyKv
from tests.support.kept_streams import (
    ANSWER,
    held_after_two_words,
    kinds_of,
    parts_of,
    passes,
    resumed,
    resuming,
    stopped,
    streaming,
    text_of,
)

WHOLE = "".join(ANSWER)


def held(site: Deployment) -> Instance:
    site.provider.script("gpt-4o", [held_after_two_words()])
    return site.instance()


async def test_stopping_ends_the_call_and_tells_every_reader() -> None:
    async with deployed() as site:
        here, there = held(site), site.instance()
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await passes(site, 3.0)
            async with resuming(site, there) as second:
                await second.shows("A lease ")
                assert (await stopped(there)).status == 204
                one, two = await first.ends(), await second.ends()
                assert site.provider.hang_ups == 1
        usage = await here.gateway.stats.get_user_usage("u1")
        assert (usage["totalRequests"], usage["errors"]) == (1, 0)
        for response in (one, two):
            assert kinds_of(response.body)[-1] == "abort"
            assert response.body.endswith(b"data: [DONE]\n\n")


async def test_stopping_what_runs_on_without_its_caller_ends_the_call() -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            await stopped(site.instance())
            await first.ends()
            assert site.provider.hang_ups == 1
        usage = await here.gateway.stats.get_user_usage("u1")
        assert usage["totalRequests"] == 1
        assert usage["errors"] == 0


async def test_without_the_store_the_stream_is_whole_and_nothing_is_resumed() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            store.always = Fault.DROP
            await passes(site, 6.0)
            site.provider.release()
            assert text_of((await first.ends()).body) == WHOLE
        response = await resumed(site, here)
        assert (response.status, response.headers["x-ai-degraded"]) == (204, "kv")


async def test_a_store_that_fails_after_a_hang_up_does_not_keep_the_call_running() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            store.always = Fault.DROP
            await first.hangs_up()
            await first.ends()
            assert site.provider.hang_ups == 1


async def test_a_deleted_user_leaves_no_stream_behind_and_an_unheard_answer_ends() -> None:
    async with deployed() as site:
        here = held(site)
        gateway = here.gateway
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            assert gateway.buffer is not None
            person = gateway.keys.person("u1")
            keys = await gateway.buffer.keys_of(person)
            assert await gateway.store.run("EXISTS", *keys) == 2  # the note and the stream
            await gateway.store.run("DEL", *keys)
            await first.ends()
            assert site.provider.hang_ups == 1
            assert await gateway.store.run("EXISTS", *keys) == 0


async def test_an_answer_that_could_not_be_kept_when_it_was_left_is_an_error_for_who_comes_back() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            store.script.append(Fault.DROP)
            await first.hangs_up()
            await first.ends()
            assert site.provider.hang_ups == 1
        came_back = site.clock.now()
        response = await resumed(site, here)
        assert "broke off" in str(parts_of(response.body)[-1]["errorText"])
        assert site.clock.now() - came_back < 1.0  # known to be over, not found out by waiting


async def test_when_the_function_has_died_the_stream_ends_in_an_error_that_says_so() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        dying = site.instance(kv_transport=AsgiTransport(store))
        site.provider.script("gpt-4o", [held_after_two_words()])
        async with streaming(site, dying) as first:
            await first.shows("A lease ")
            await passes(site, 3.0)
            async with resuming(site, site.instance()) as second:
                await second.shows("A lease ")
                store.always = Fault.DROP
                response = await second.ends()
            assert kinds_of(response.body)[-1] == "error"
            assert "broke off" in str(parts_of(response.body)[-1]["errorText"])
            late = await resumed(site, site.instance())
            assert kinds_of(late.body)[-1] == "error"
