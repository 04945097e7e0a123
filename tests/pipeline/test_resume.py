"""Streams whose connection dies: the answer goes on, and its user comes back to it, on whatever instance."""

from __future__ import annotations

import pytest

from tests.scripted.sayings import says
from tests.scripted.steps import Act, interrupted, with_inserted
from tests.support.asgi_client import request
from tests.support.deployment import Deployment, Instance, deployed
from tests.support.kept_streams import (
    ANSWER,
    PATH,
    held_after_two_words,
    kinds_of,
    parts_of,
    passes,
    resumed,
    resuming,
    stopped,
    streaming,
    text_of,
    turning,
    ui_chat,
    user,
)

WHOLE = "".join(ANSWER)


def held(site: Deployment) -> Instance:
    site.provider.script("gpt-4o", [held_after_two_words()])
    return site.instance()


async def kinds_booked(here: Instance) -> dict[str, object]:
    return dict(await here.gateway.stats.get_user_usage("u1"))


async def test_who_lost_the_connection_gets_the_whole_answer_on_another_instance() -> None:
    async with deployed() as site:
        here, there = held(site), site.instance()
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            async with resuming(site, there) as second:
                await second.shows("A lease ")
                assert "finish" not in kinds_of(second.body)
                site.provider.release()
                response = await second.ends()
            assert response.status == 200
            assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
            assert text_of(response.body) == WHOLE
            assert kinds_of(response.body)[0] == "start"
            assert kinds_of(response.body)[-1] == "finish"
            assert response.body.endswith(b"data: [DONE]\n\n")


async def test_what_is_resumed_is_the_stream_that_was_begun() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words()])
        here = site.instance()
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await passes(site, 1.5)
            async with resuming(site, site.instance()) as second:
                await second.shows("A lease ")
                site.provider.release()
                whole, again = await first.ends(), await second.ends()
        strict = [part for part in parts_of(whole.body) if part["type"] != "text-delta"]
        assert [part for part in parts_of(again.body) if part["type"] != "text-delta"] == strict
        assert text_of(again.body) == text_of(whole.body) == WHOLE


async def test_an_answer_goes_on_without_its_caller_and_is_booked_cached_and_kept() -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            assert site.provider.hang_ups == 0
            site.provider.release()
            await first.ends()
        usage = await kinds_booked(here)
        assert usage["totalRequests"] == 1
        await passes(site, 200.0)
        assert text_of((await resumed(site, site.instance())).body) == WHOLE
        again = await here.chat(ui_chat("another"))
        assert again.headers["x-cache"] == "HIT (exact)"
        assert len(site.provider.requests) == 1


async def test_once_read_to_its_end_a_stream_is_soon_no_longer_there() -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            site.provider.release()
            await first.ends()
        assert (await resumed(site, here)).status == 200
        await passes(site, 31.0)
        assert (await resumed(site, here)).status == 204


async def test_a_page_that_is_reloaded_before_the_first_word_waits_for_it() -> None:
    async with deployed() as site:
        site.provider.hold()
        here = site.instance()
        async with streaming(site, here) as first:
            await site.provider.until(lambda p: p.in_flight == 1)
            await first.hangs_up()
            async with resuming(site, site.instance()) as second:
                await turning(site, lambda: second.exchange.response.status == 200)
                assert second.body == b""
                site.provider.release()
                response = await second.ends()
        assert text_of(response.body) == "echo: What is a lease?"


@pytest.mark.parametrize(("chat_id", "name"), [("chat-1", "u2"), ("chat-2", "u1"), ("x" * 300, "u1")])
async def test_another_user_or_chat_finds_nothing(chat_id: str, name: str) -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await passes(site, 3.0)
            response = await resumed(site, here, chat_id, name)
            assert (response.status, response.body) == (204, b"")
            assert (await stopped(here, chat_id, name)).status == 204
            await passes(site, 3.0)
            site.provider.release()
            assert text_of((await first.ends()).body) == WHOLE


async def test_a_delivered_answer_is_not_played_again_later() -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await passes(site, 2.0)
            site.provider.release()
            await first.ends()
        await passes(site, 31.0)
        assert (await resumed(site, here)).status == 204


async def test_text_of_every_kind_is_resumed_as_it_was() -> None:
    words = ("Schnee ☃ ", "fällt\u2028\n\n", "data: hin \U0001f9ca.")
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words(*words)])
        here = site.instance()
        async with streaming(site, here) as first:
            await first.shows("Schnee ☃ ")
            await first.hangs_up()
            async with resuming(site, site.instance()) as second:
                await second.shows("Schnee ☃ ")
                site.provider.release()
                response = await second.ends()
        assert text_of(response.body) == "".join(words)


async def test_the_latest_answer_of_a_chat_is_the_one_to_come_back_to() -> None:
    async with deployed() as site:
        here = site.instance()
        for text in ("first", "second"):
            site.provider.script("gpt-4o", [held_after_two_words(text, " answer")])
            async with streaming(site, here, ui_chat(text=text)) as under_way:
                await under_way.shows(text)
                await under_way.hangs_up()
                site.provider.release()
                await under_way.ends()
        assert text_of((await resumed(site, here)).body) == "second answer"


async def test_a_provider_that_breaks_off_is_an_error_for_who_comes_back_too() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        broken = interrupted(with_inserted(says(*ANSWER), 2, Act.HOLD), 3, Act.RESET)
        site.provider.script("gpt-4o", [broken])
        here = site.instance()
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            site.provider.release()
            await first.ends()
        response = await resumed(site, here)
        assert text_of(response.body) == "A lease "
        assert "openai/gpt-4o broke off" in str(parts_of(response.body)[-1]["errorText"])


async def test_without_an_id_or_with_resume_off_a_hang_up_ends_the_call_as_ever() -> None:
    for env, document in (
        ({}, {k: v for k, v in ui_chat().items() if k != "id"}),
        ({}, ui_chat(resume=False)),
        ({"STREAM_RESUME": "off"}, ui_chat()),
    ):
        async with deployed(**env) as site:
            here = held(site)
            async with streaming(site, here, document) as first:
                await first.shows("A lease ")
                await first.hangs_up()
                await first.ends()
                assert site.provider.hang_ups == 1
                assert (await resumed(site, here)).status == 204


async def test_addresses_below_a_chat_that_are_no_stream_are_not_found() -> None:
    async with deployed() as site:
        here = site.instance()
        named = {name.replace("-", "_"): value for name, value in user().items()}
        for path in (f"{PATH}/chat-1", f"{PATH}/chat-1/other", f"{PATH}/stream"):
            assert (await request(here.chat_app, "GET", path, **named)).status == 404
        assert (await request(here.chat_app, "POST", f"{PATH}/chat-1/stream", **named)).status == 405
        unknown = await request(here.chat_app, "GET", f"{PATH}/chat-1/stream", authorization="Bearer unknown")
        assert unknown.status == 401


async def test_an_answer_too_long_to_be_kept_is_streamed_whole_and_ends_in_an_error_for_who_comes_back() -> None:
    pieces = ("start ", "x" * 262_144, " end")
    async with deployed() as site:
        site.provider.script("gpt-4o", [held_after_two_words(*pieces)])
        here = site.instance()
        async with streaming(site, here) as first:
            await first.shows("start ")
            await passes(site, 2.0)
            async with resuming(site, site.instance()) as second:
                await second.shows("start ")
                site.provider.release()
                assert text_of((await first.ends()).body) == "".join(pieces)
                response = await second.ends()
        assert kinds_of(response.body)[-1] == "error"
        assert "too long" in str(parts_of(response.body)[-1]["errorText"])
        assert len(response.body) < 262_144


async def test_a_reader_whose_time_is_up_is_told_to_come_back() -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            response = await resumed(site, site.instance(REQUEST_TIMEOUT_SECONDS="5"))
            assert text_of(response.body) == "A lease "
            assert "come back" in str(parts_of(response.body)[-1]["errorText"])
            assert not first.task.done()


async def test_an_answer_of_less_than_a_second_costs_the_store_nothing_more() -> None:
    trips: list[int] = []
    for resume in (True, False):
        async with deployed() as site:
            await site.instance().chat(ui_chat(resume=resume))
            trips.append(site.store.stats.requests)
    assert trips[0] == trips[1]


async def test_nothing_of_an_answer_is_written_while_it_arrives_and_nobody_reads() -> None:
    async with deployed() as site:
        twice = with_inserted(held_after_two_words(), 4, Act.HOLD)
        site.provider.script("gpt-4o", [twice])
        here = site.instance()
        buffer, person = here.gateway.buffer, here.gateway.keys.person("u1")
        assert buffer is not None
        async with streaming(site, here, ui_chat(text="a secret question")) as first:
            await first.shows("A lease ")
            await passes(site, 3.0)
            site.provider.release()
            await first.shows("ends by ")
            await passes(site, 6.0)
            name = await buffer.find(person, "chat-1")
            assert name is not None
            early = (await buffer.read(name, 0, wish=False)).text
            site.provider.release()
            await first.ends()
            late = (await buffer.read(name, 0, wish=False)).text
        assert "ends by" not in early
        assert late.startswith(early)
        assert "ends by" in late
        assert "secret" not in late
        assert "u1" not in late


async def test_two_readers_see_the_same_stream() -> None:
    async with deployed() as site:
        here = held(site)
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            async with resuming(site, here) as one, resuming(site, site.instance()) as other:
                await one.shows("A lease ")
                await other.shows("A lease ")
                site.provider.release()
                bodies = [(await reader.ends()).body for reader in (one, other)]
        assert bodies[0] == bodies[1]
        assert text_of(bodies[0]) == WHOLE


async def test_head_tells_whether_there_is_a_stream_and_does_not_wait_for_its_end() -> None:
    async with deployed() as site:
        here = held(site)
        named = {name.replace("-", "_"): value for name, value in user().items()}
        async with streaming(site, here) as first:
            await first.shows("A lease ")
            await first.hangs_up()
            response = await request(here.chat_app, "HEAD", f"{PATH}/chat-1/stream", **named)
            assert (response.status, response.body, response.complete) == (200, b"", True)
            assert (await request(here.chat_app, "HEAD", f"{PATH}/chat-2/stream", **named)).status == 204
