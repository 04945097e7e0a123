"""A store that breaks: what the caller learns, that nothing is sent twice, and when the store is left alone."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from lib.aiohttp_transport import AiohttpTransport
from lib.errors import StoreError, StoreUnavailable, UnknownOutcome
from lib.kv.client import KV, KvEndpoint, KvLimits
from lib.transport import HttpRequest, HttpResponse, TransportError
from tests.support.asgi_transport import AsgiTransport, Exchange
from tests.support.breakable_server import BreakableServer
from tests.support.clock import HandTurnedClock
from tests.support.faulty_kv import (
    BAD_GATEWAY,
    EMPTY,
    HTML,
    QUOTA,
    SERVER_ERROR,
    TOO_MANY,
    UNAUTHORIZED,
    Fault,
    FaultyKv,
    Held,
    Scripted,
    Status,
)
from tests.support.kv import TOKEN, client_of, embedded_server, faulty_kv

GARBAGE = (
    TOO_MANY,
    SERVER_ERROR,
    BAD_GATEWAY,
    HTML,
    EMPTY,
    Fault.TRUNCATED,
    Fault.HALF_JSON,
    Fault.SHORT,
    Fault.WRONG_TYPE,
    Fault.WRONG_SHAPE,
    Fault.DROP,
    Fault.DROP_AFTER,
)
REFUSALS = (UNAUTHORIZED, QUOTA)


@pytest.mark.parametrize("fault", GARBAGE, ids=str)
async def test_no_usable_answer_is_an_unknown_outcome_for_the_whole_batch(fault: Scripted) -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    faulty.script.append(fault)
    results = await asyncio.gather(kv.run("INCR", "a"), kv.run_many([["INCR", "a"]] * 2), return_exceptions=True)
    assert [type(result) for result in results] == [UnknownOutcome, UnknownOutcome]
    assert results[0] is not results[1]
    assert faulty.requests == 1


@pytest.mark.parametrize("fault", REFUSALS, ids=str)
@pytest.mark.parametrize("count", [1, 3])
async def test_a_store_that_refuses_everything_is_an_error_for_all(fault: Status, count: int) -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    faulty.script.append(fault)
    cells = await kv.run_many([["INCR", "a"]] * count)
    assert [type(cell) for cell in cells] == [StoreError] * count
    assert kv.state.failures == 1
    assert faulty.requests == 1


async def test_upstreams_methods_raise_the_same_errors() -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    faulty.script.extend([UNAUTHORIZED, Fault.DROP])
    with pytest.raises(StoreError, match="WRONGPASS"):
        await kv.set("a", 1)
    pipeline = kv.pipeline()
    pipeline.incr("a")
    with pytest.raises(UnknownOutcome):
        await pipeline.exec()  # pyright: ignore[reportUnknownMemberType] - upstream's lists are bare


async def test_one_failing_command_of_a_batch_is_no_failure_of_the_store() -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    faulty.script.append(Fault.FIRST_FAILS)
    first, second = await kv.run_many([["INCR", "a"], ["INCR", "a"]])
    assert isinstance(first, StoreError)
    assert second == 2
    assert kv.state.failures == 0


async def test_a_dropped_answer_is_not_asked_for_again() -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    faulty.script.append(Fault.DROP_AFTER)
    with pytest.raises(UnknownOutcome):
        await kv.run("INCR", "a")
    assert await kv.run("GET", "a") == "1"
    assert faulty.requests == 2


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTER])
async def test_a_silent_store_is_given_up_after_its_time(fault: Fault) -> None:
    kv, faulty = faulty_kv(HandTurnedClock(), limits=KvLimits(total_seconds=0.05))
    faulty.script.append(fault)
    with pytest.raises(UnknownOutcome, match="timeout"):
        await kv.run("INCR", "a")


@pytest.mark.parametrize("fault", [SERVER_ERROR, Fault.DROP, UNAUTHORIZED, QUOTA, HTML], ids=str)
async def test_after_three_failures_the_store_is_left_alone_for_five_seconds(fault: Scripted) -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock)
    faulty.always = fault
    for _ in range(3):
        assert kv.state.available
        with pytest.raises(StoreError):
            await kv.run("GET", "a")
    assert not kv.state.available
    assert kv.state.since == clock.now()
    clock.turn(4.9)
    with pytest.raises(StoreUnavailable, match="left alone"):
        await kv.run("GET", "a")
    with pytest.raises(StoreUnavailable):
        await kv.run_many([["GET", "a"], ["GET", "b"]])
    assert faulty.requests == 3
    assert (kv.state.calls, kv.state.failures) == (3, 3)
    assert kv.state.last_error


async def open_circuit(kv: KV, faulty: FaultyKv) -> None:
    faulty.script.extend([SERVER_ERROR] * 3)
    for _ in range(3):
        with pytest.raises(UnknownOutcome):
            await kv.run("GET", "a")


async def probed(kv: KV, faulty: FaultyKv) -> None:
    """One call while a probe is due: it fails at once, and by the end of this the probe has ended."""
    faulty.arrived.clear()
    with pytest.raises(StoreUnavailable):
        await kv.run("GET", "a")
    await faulty.arrived.wait()
    await kv.close()


async def test_then_the_client_asks_by_itself_while_every_caller_is_told_at_once() -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock)
    await open_circuit(kv, faulty)
    clock.turn(5)
    answered = asyncio.Event()
    faulty.script.append(Held(answered))
    faulty.arrived.clear()
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="left alone"):
            await kv.run("SET", "a", 1)
    await faulty.arrived.wait()
    assert kv.state.since == clock.now() - 5
    answered.set()
    await kv.close()
    state = kv.state
    assert (state.available, state.since) == (True, None)
    assert faulty.requests == 3 + 1
    assert await kv.run("GET", "a") is None


async def test_a_failed_probe_leaves_the_store_alone_for_another_five_seconds() -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock)
    await open_circuit(kv, faulty)
    since = kv.state.since
    clock.turn(5)
    faulty.script.append(SERVER_ERROR)
    await probed(kv, faulty)
    clock.turn(4.9)
    with pytest.raises(StoreUnavailable):
        await kv.run("GET", "a")
    assert kv.state.since == since
    assert faulty.requests == 4
    clock.turn(0.1)
    await probed(kv, faulty)
    assert kv.state.available


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTER])
async def test_one_silence_is_enough_to_leave_the_store_alone(fault: Fault) -> None:
    kv, faulty = faulty_kv(HandTurnedClock(), limits=KvLimits(total_seconds=0.02))
    faulty.always = fault
    with pytest.raises(UnknownOutcome, match="timeout"):
        await kv.run("INCR", "a")
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="left alone"):
            await kv.run("INCR", "a")
    assert faulty.requests == 1


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTER])
async def test_a_call_that_a_standstill_of_the_process_overtook_says_nothing_about_the_store(fault: Fault) -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock, limits=KvLimits(total_seconds=0.02))
    faulty.script.append(fault)
    frozen = asyncio.ensure_future(kv.run("INCR", "a"))
    await faulty.arrived.wait()
    clock.turn(4)
    with pytest.raises(UnknownOutcome, match="timeout"):
        await frozen
    assert (kv.state.available, kv.state.failures) == (True, 1)
    assert await kv.run("GET", "b") is None


async def test_while_the_store_is_left_alone_nothing_is_encoded_for_it() -> None:
    kv, faulty = faulty_kv(HandTurnedClock(), limits=KvLimits(max_request_bytes=100))
    await open_circuit(kv, faulty)
    with pytest.raises(StoreUnavailable, match="left alone"):
        await kv.run("SET", "a", "more than the store takes " * 10)


async def test_a_connection_that_cannot_be_had_in_time_counts_like_a_silence() -> None:
    clock = HandTurnedClock()

    class Unreachable(AsgiTransport):
        def send(self, request: HttpRequest) -> Exchange:
            clock.turn(request.timeouts.connect)
            raise TransportError("connect", "no route", sent=False)

    kv = client_of(embedded_server(), clock, transport=Unreachable(embedded_server()))
    with pytest.raises(StoreUnavailable, match="no route"):
        await kv.run("GET", "a")
    assert not kv.state.available


async def test_when_one_call_times_out_those_beside_it_do_not_wait_any_longer() -> None:
    kv, faulty = faulty_kv(HandTurnedClock(), limits=KvLimits(total_seconds=0.02))
    answered = asyncio.Event()
    faulty.script.extend([Fault.HANG, Held(answered), Held(answered)])
    first = asyncio.ensure_future(kv.run("INCR", "a"))
    await faulty.arrived.wait()
    faulty.arrived.clear()
    second = asyncio.ensure_future(kv.run("INCR", "a"))
    await faulty.arrived.wait()
    third = asyncio.ensure_future(kv.run("INCR", "a"))
    with pytest.raises(UnknownOutcome, match="timeout"):
        await first
    with pytest.raises(UnknownOutcome, match="ended before its answer"):
        await second
    with pytest.raises(StoreError):
        await third
    assert (kv.state.available, kv.state.failures) == (False, 1)


async def test_a_call_that_hangs_while_later_ones_are_answered_leaves_the_store_in_use() -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock, limits=KvLimits(total_seconds=0.02))
    faulty.script.append(Fault.HANG)
    hanging = asyncio.ensure_future(kv.run("GET", "a"))
    await faulty.arrived.wait()
    clock.turn(0.01)
    assert await kv.run("GET", "a") is None
    with pytest.raises(UnknownOutcome):
        await hanging
    assert kv.state.available


async def test_failures_that_are_not_in_a_row_do_not_add_up() -> None:
    kv, faulty = faulty_kv(HandTurnedClock())
    for _ in range(3):
        faulty.script.extend([SERVER_ERROR, SERVER_ERROR, None])
        for _ in range(2):
            with pytest.raises(UnknownOutcome):
                await kv.run("GET", "a")
        assert await kv.run("GET", "a") is None
    assert kv.state.available


async def test_a_transport_that_fails_as_none_should_leaves_no_caller_waiting() -> None:
    class Broken:
        def send(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
            raise LookupError(request.url)

        async def aclose(self) -> None: ...

    def reported(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        assert isinstance(context["exception"], LookupError)

    kv = client_of(embedded_server(), HandTurnedClock(), transport=Broken())
    asyncio.get_running_loop().set_exception_handler(reported)
    with pytest.raises(UnknownOutcome, match="was ended"):
        await kv.run("GET", "a")


def test_a_loop_that_ends_during_a_call_leaves_no_caller_waiting_and_no_probe_pending() -> None:
    clock = HandTurnedClock()
    kv, faulty = faulty_kv(clock)
    outcomes: list[BaseException] = []

    async def wait_for_an_answer() -> None:
        try:
            await kv.run("GET", "a")
        except (StoreError, asyncio.CancelledError) as error:
            outcomes.append(error)

    async def hang_and_go() -> None:
        faulty.script.append(Fault.HANG)
        waiting = asyncio.ensure_future(wait_for_an_answer())
        await faulty.arrived.wait()
        assert not waiting.done()

    async def probe_and_go() -> None:
        faulty.arrived = asyncio.Event()
        await open_circuit(kv, faulty)
        clock.turn(5)
        faulty.script.append(Fault.HANG)
        faulty.arrived.clear()
        await wait_for_an_answer()
        await faulty.arrived.wait()

    async def ask_again() -> object:
        faulty.arrived = asyncio.Event()
        await probed(kv, faulty)
        return await kv.run("GET", "a")

    asyncio.run(hang_and_go())
    asyncio.run(probe_and_go())
    assert len(outcomes) == 2
    clock.turn(5)
    assert asyncio.run(ask_again()) is None


async def over_sockets(server: BreakableServer, limits: KvLimits | None = None) -> tuple[KV, AiohttpTransport]:
    transport = AiohttpTransport()
    endpoint = KvEndpoint(server.url, TOKEN)
    return KV(endpoint, transport=transport, clock=HandTurnedClock(), limits=limits or KvLimits()), transport


async def test_over_a_socket_a_refused_connection_means_that_nothing_was_executed() -> None:
    async with BreakableServer(FaultyKv(embedded_server())) as server:
        kv, transport = await over_sockets(server)
        assert await kv.run("INCR", "a") == 1
        await server.refuse()
        with pytest.raises(StoreUnavailable, match="connect"):
            await kv.run("INCR", "a")
        await server.accept()
        assert await kv.run("INCR", "a") == 2
        assert server.connections == 2
        await transport.aclose()


@pytest.mark.parametrize("fault", GARBAGE, ids=str)
async def test_over_a_socket_the_same_faults_leave_the_outcome_open_and_the_next_call_works(fault: Scripted) -> None:
    faulty = FaultyKv(embedded_server())
    async with BreakableServer(faulty) as server:
        kv, transport = await over_sockets(server, KvLimits(total_seconds=0.3))
        await kv.run("SET", "a", 1)
        faulty.script.append(fault)
        with pytest.raises(UnknownOutcome):
            await kv.run_many([["GET", "a"], ["GET", "a"]])
        assert await kv.run("GET", "a") == "1"
        assert faulty.requests == 3
        await transport.aclose()


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTER], ids=str)
async def test_over_a_socket_a_silent_store_is_used_again_once_it_answers_a_probe(fault: Fault) -> None:
    faulty = FaultyKv(embedded_server())
    async with BreakableServer(faulty) as server:
        kv, transport = await over_sockets(server, KvLimits(total_seconds=0.5, circuit_open_seconds=0.0))
        faulty.script.append(fault)
        with pytest.raises(UnknownOutcome, match="timeout"):
            await kv.run("SET", "a", 1)
        await probed(kv, faulty)
        assert kv.state.available
        assert await kv.run("SET", "a", 2) == "OK"
        await transport.aclose()


async def test_over_a_socket_one_connection_serves_calls_that_follow_each_other() -> None:
    async with BreakableServer(embedded_server()) as server:
        kv, transport = await over_sockets(server)
        for expected in range(1, 6):
            assert await kv.run("INCR", "a") == expected
        assert server.connections == 1
        await transport.aclose()
