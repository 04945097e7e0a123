"""One instance under a thousand requests at a time: each gets its own answer, and what is too much is turned away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from lib.aiohttp_transport import AiohttpTransport
from lib.contract import JsonObject
from tests.support.asgi_client import Response, request
from tests.support.deployment import Deployment, Instance, deployed, text_in
from tests.support.ticks import next_tick

CROWD: Final = 1_000
TOO_MANY: Final = 100


def ask(number: int) -> JsonObject:
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": f"question {number}"}]}


@asynccontextmanager
async def crowded(**env: str) -> AsyncGenerator[tuple[Deployment, Instance]]:
    """An instance with as many connections as `real_world` would give it, at a provider that answers nobody yet."""
    slow = {"CONNECT_TIMEOUT_SECONDS": "60", "KV_TIMEOUT_SECONDS": "60"}
    async with deployed(TIER_LIMITS="pro=1000000", **slow, **env) as site:
        await site.transport.aclose()
        site.transport = AiohttpTransport(max_connections=2 * CROWD)
        site.provider.hold()
        try:
            yield site, site.instance()
        finally:
            await site.transport.aclose()


def started(here: Instance, numbers: range) -> list[asyncio.Task[Response]]:
    return [asyncio.create_task(here.chat(ask(number), x_user_id=f"u{number % 50}")) for number in numbers]


async def test_a_thousand_requests_held_at_once_all_get_their_own_answer() -> None:
    async with crowded(MAX_CONCURRENT_REQUESTS=str(CROWD)) as (site, here):
        tasks = started(here, range(CROWD))
        await site.provider.until(lambda p: p.in_flight == CROWD)
        refused = await asyncio.gather(*started(here, range(CROWD, CROWD + TOO_MANY)))
        assert {(response.status, response.headers["retry-after"]) for response in refused} == {(503, "1")}
        assert (await request(here.app("health"), path="/api/ai/health")).status == 200
        before = site.store.stats.requests
        site.provider.release()
        responses = await asyncio.gather(*tasks)
        assert [text_in(response) for response in responses] == [f"echo: question {n}" for n in range(CROWD)]
        assert len(site.provider.requests) == CROWD
        assert site.store.stats.requests - before <= CROWD  # turned away is not booked: it costs nothing
        assert (await here.usage())["totalRequests"] == CROWD


async def test_whoever_hangs_up_in_a_crowd_makes_room() -> None:
    async with crowded(MAX_CONCURRENT_REQUESTS="20") as (site, here):
        exchanges = [here.exchange(ask(number)) for number in range(20)]
        tasks = [asyncio.create_task(exchange.run()) for exchange in exchanges]
        await site.provider.until(lambda p: p.in_flight == 20)
        assert (await here.chat(ask(20))).status == 503
        exchanges[0].hang_up()
        while not any(task.done() for task in tasks):
            await next_tick()
        late = asyncio.create_task(here.chat(ask(20)))
        await site.provider.until(lambda p: len(p.requests) == 21)
        site.provider.release()
        assert (await late).status == 200
        await asyncio.gather(*tasks)
