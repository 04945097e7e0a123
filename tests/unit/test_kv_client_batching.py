"""Commands that share a request: which do, how they are sent, and that nobody's trouble becomes another's."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from dev.kv import EmbeddedServer, MemoryStore
from lib.errors import StoreError
from lib.kv.client import KV, KvLimits
from tests.support.asgi_transport import AsgiTransport
from tests.support.clock import HandTurnedClock
from tests.support.faulty_kv import Held
from tests.support.kv import READ_ONLY_TOKEN, URL, client_of, embedded_kv, embedded_server, faulty_kv
from tests.support.recording_transport import RecordingTransport


def recorded() -> tuple[KV, EmbeddedServer, RecordingTransport]:
    clock = HandTurnedClock()
    server = embedded_server(MemoryStore(clock.now))
    transport = RecordingTransport(AsgiTransport(server))
    return client_of(server, clock, transport=transport), server, transport


def bodies(transport: RecordingTransport) -> list[tuple[str, object]]:
    return [(request.url.removeprefix(URL), orjson.loads(request.body)) for request in transport.requests]


async def test_one_command_goes_alone_to_the_root() -> None:
    kv, _, transport = recorded()
    assert await kv.run("SET", "a", 1) == "OK"
    assert bodies(transport) == [("", ["SET", "a", 1])]


async def test_commands_of_one_tick_share_one_request_in_their_order() -> None:
    kv, server, transport = recorded()
    first, second, third = await asyncio.gather(kv.run("SET", "a", "1"), kv.run("INCR", "a"), kv.run("GET", "a"))
    assert (first, second, third) == ("OK", 2, "2")
    assert bodies(transport) == [("/pipeline", [["SET", "a", "1"], ["INCR", "a"], ["GET", "a"]])]
    assert (server.stats.requests, server.stats.commands) == (1, 3)


async def test_run_many_shares_the_tick_with_others() -> None:
    kv, server, _ = recorded()
    many, one, typed = await asyncio.gather(
        kv.run_many([["SET", "a", 5], ["GET", "a"]]), kv.run("INCR", "a"), kv.incrby("a", 10)
    )
    assert (many, one, typed) == (["OK", "5"], 6, 16)
    assert server.stats.requests == 1


async def test_a_later_tick_is_a_later_request() -> None:
    kv, server, _ = recorded()
    await kv.run("SET", "a", 1)
    await kv.run("GET", "a")
    assert server.stats.requests == 2


async def test_no_commands_make_no_request() -> None:
    kv, server, _ = recorded()
    assert await kv.run_many([]) == []
    assert server.stats.requests == 0


async def test_a_failing_command_keeps_its_error_to_itself() -> None:
    kv, _, _ = recorded()
    await kv.run("SET", "text", "x")
    results = await asyncio.gather(kv.run("INCR", "text"), kv.run("GET", "text"), return_exceptions=True)
    assert isinstance(results[0], StoreError)
    assert "not an integer" in str(results[0])
    assert results[1] == "x"
    many = await kv.run_many([["GET", "text"], ["LPUSH", "text", 1], ["STRLEN", "text"]])
    assert many[0] == "x"
    assert isinstance(many[1], StoreError)
    assert many[2] == 1


async def test_a_command_that_cannot_be_written_fails_alone() -> None:
    kv, server, _ = recorded()
    results = await asyncio.gather(
        kv.run("SET", "a", "\ud800"), kv.run("SET", "b", 2**70), kv.run("SET", "c", 3), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreError, StoreError, str]
    assert server.stats.commands == 1


async def test_a_caller_that_leaves_before_the_request_takes_its_command_along() -> None:
    kv, server, _ = recorded()
    leaving, staying = asyncio.ensure_future(kv.run("INCR", "a")), asyncio.ensure_future(kv.run("INCR", "b"))
    asyncio.get_running_loop().call_soon(leaving.cancel)
    assert await staying == 1
    assert leaving.cancelled()
    assert dict(server.stats.by_name) == {"INCR": 1}


async def test_a_caller_that_leaves_during_the_request_does_not_disturb_the_others() -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock)
    answered = asyncio.Event()
    faulty.script.append(Held(answered))
    leaving, staying = asyncio.ensure_future(kv.run("INCR", "a")), asyncio.ensure_future(kv.run("INCR", "a"))
    await faulty.arrived.wait()
    leaving.cancel()
    answered.set()
    assert await staying == 2
    assert leaving.cancelled()
    assert kv.state.failures == 0


async def test_a_batch_is_cut_at_its_largest_number_of_commands() -> None:
    kv, server = embedded_kv(HandTurnedClock(), limits=KvLimits(max_batch=3))
    assert await asyncio.gather(*(kv.run("INCR", "a") for _ in range(7))) == [1, 2, 3, 4, 5, 6, 7]
    assert server.stats.requests == 3
    assert await kv.run_many([["INCR", "a"]] * 5) == [8, 9, 10, 11, 12]
    assert server.stats.requests == 4


async def test_a_batch_is_cut_at_the_size_that_the_store_takes() -> None:
    kv, server = embedded_kv(HandTurnedClock(), limits=KvLimits(max_request_bytes=1000))
    value = "x" * 400
    replies = await asyncio.gather(*(kv.run("SET", name, value) for name in "abcd"))
    assert replies == ["OK"] * 4
    assert server.stats.requests == 2


async def test_a_request_larger_than_the_store_takes_is_not_sent() -> None:
    kv, server = embedded_kv(HandTurnedClock(), limits=KvLimits(max_request_bytes=1000))
    results = await asyncio.gather(kv.run("SET", "a", "x" * 1000), kv.run("SET", "b", 1), return_exceptions=True)
    assert isinstance(results[0], StoreError)
    assert results[1] == "OK"
    assert server.stats.commands == 1
    assert kv.state.available


async def test_an_answer_larger_than_allowed_is_an_unknown_outcome() -> None:
    kv, _ = embedded_kv(HandTurnedClock(), limits=KvLimits(max_answer_bytes=1000))
    await kv.run("SET", "a", "x" * 2000)
    with pytest.raises(StoreError, match="too_large"):
        await kv.run("GET", "a")


async def test_a_transaction_goes_alone_to_multi_exec() -> None:
    kv, _, transport = recorded()
    transaction = kv.multi()
    transaction.set("a", 1)
    transaction.incr("a")
    elsewhere = asyncio.ensure_future(kv.run("GET", "nothing"))
    assert await transaction.exec() == [True, 2]  # pyright: ignore[reportUnknownMemberType] - upstream's lists are bare
    assert await elsewhere is None
    assert {url for url, _ in bodies(transport)} == {"/multi-exec", ""}


async def test_writes_are_read_back_by_naming_the_state_they_led_to() -> None:
    kv, _, transport = recorded()
    await kv.run("SET", "a", 1)
    await kv.run("GET", "a")
    first, second = transport.requests
    assert "Upstash-Sync-Token" not in first.headers
    assert second.headers["Upstash-Sync-Token"] == "embedded-1"


async def test_requests_carry_the_token_and_nothing_about_the_machine() -> None:
    kv, _, transport = recorded()
    await kv.get("a")
    (request,) = transport.requests
    assert request.headers == {"Authorization": "Bearer store-token", "Content-Type": "application/json"}


async def test_closing_waits_for_what_is_underway_and_leaves_the_transport_open() -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    answered = asyncio.Event()
    faulty.script.append(Held(answered))
    call = asyncio.ensure_future(kv.run("INCR", "a"))
    await faulty.arrived.wait()
    closing = asyncio.ensure_future(kv.close())
    answered.set()
    await closing
    assert call.done() or await call == 1
    assert await kv.run("INCR", "a") == 2


def test_one_client_serves_several_event_loops() -> None:
    clock = HandTurnedClock()
    kv, server = embedded_kv(clock)

    async def twice() -> list[object]:
        return list(await asyncio.gather(kv.run("INCR", "a"), kv.run("INCR", "a")))

    assert asyncio.run(twice()) == [1, 2]
    assert asyncio.run(twice()) == [3, 4]
    assert server.stats.requests == 2


async def test_two_clients_see_the_same_store() -> None:
    clock = HandTurnedClock()
    kv, server = embedded_kv(clock)
    await kv.run("SET", "a", "shared")
    assert await client_of(server, clock).run("GET", "a") == "shared"


async def test_a_read_only_token_is_told_what_it_may_not_do() -> None:
    clock = HandTurnedClock()
    _, server = embedded_kv(clock)
    reader = client_of(server, clock, token=READ_ONLY_TOKEN)
    assert await reader.run("GET", "a") is None
    with pytest.raises(StoreError, match="NOPERM"):
        await reader.run("SET", "a", 1)
    assert reader.state.available
