"""An endpoint that has its hands full turns further requests away at once, and takes them again when it has room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lib.contract import JsonObject
from lib.web.asgi import Call
from lib.web.endpoint import Endpoint, EndpointRules
from tests.support.asgi_client import Exchange, request
from tests.support.ticks import next_tick


class Work:
    """Handlers that wait to be let go, each in its turn."""

    def __init__(self) -> None:
        self.begun = 0
        self.gate = asyncio.Event()
        self.settling = asyncio.Event()
        self.afterwards = asyncio.Event()
        self.afterwards.set()

    async def __call__(self, call: Call) -> None:
        self.begun += 1
        call.afterwards.append(self._settle)
        await self.gate.wait()
        await call.wire.whole(200, [], b"done")

    async def _settle(self) -> None:
        self.settling.set()
        await self.afterwards.wait()


def endpoint_of(work: Work, at_once: int | None) -> Endpoint:
    return Endpoint(work, lambda: "req_1", EndpointRules(at_once=at_once))


async def two_under_way(work: Work, app: Endpoint) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(_asked(app)) for _ in range(2)]
    await _until(lambda: work.begun == 2)
    return tasks


async def _asked(app: Endpoint) -> None:
    assert (await request(app)).status == 200


def error_of(body: JsonObject) -> JsonObject:
    error = body["error"]
    assert isinstance(error, dict)
    return error


async def test_beyond_the_bound_a_request_is_turned_away_unread_and_told_when_to_come_again() -> None:
    work = Work()
    app = endpoint_of(work, 2)
    tasks = await two_under_way(work, app)
    turned_away = Exchange(app, "GET", body=(b"a body",))
    response = await turned_away.run()
    assert (response.status, response.headers["retry-after"], response.headers["x-should-retry"]) == (503, "1", "true")
    assert error_of(response.json())["code"] == "overloaded"
    assert turned_away.unread == [b"a body"]
    assert work.begun == 2
    assert (await request(app, "OPTIONS")).status == 204
    work.gate.set()
    await asyncio.gather(*tasks)
    assert (await request(app)).status == 200


async def test_a_place_is_free_only_when_what_follows_the_answer_is_done() -> None:
    work = Work()
    app = endpoint_of(work, 1)
    work.gate.set()
    work.afterwards.clear()
    first = asyncio.create_task(_asked(app))
    await work.settling.wait()
    assert (await request(app)).status == 503
    work.afterwards.set()
    await first
    assert (await request(app)).status == 200


async def test_a_request_that_fails_or_is_cancelled_gives_its_place_back() -> None:
    work = Work()
    app = endpoint_of(work, 2)
    for task in await two_under_way(work, app):
        task.cancel()
    await work.settling.wait()
    await next_tick()
    work.gate.set()
    responses = await asyncio.gather(*(request(app) for _ in range(2)))
    assert [response.status for response in responses] == [200, 200]


async def _until(seen: Callable[[], bool]) -> None:
    while not seen():
        await next_tick()


async def test_without_a_bound_all_are_taken() -> None:
    work = Work()
    app = endpoint_of(work, None)
    tasks = [asyncio.create_task(_asked(app)) for _ in range(50)]
    await _until(lambda: work.begun == 50)
    work.gate.set()
    await asyncio.gather(*tasks)
