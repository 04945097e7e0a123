"""Many requests with unique words at once, hung up on at random: does each answer belong to its request?"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.aiohttp_transport import AiohttpTransport
from lib.contract import Json, JsonObject
from lib.kv.pipeline import AutoPipeline
from lib.web.asgi import AsgiMessage
from tests.support.asgi_client import Exchange, Response
from tests.support.breakable_server import BreakableServer
from tests.support.deployment import Deployment, Instance, deployed
from tests.support.ticks import next_tick

AT_ONCE: Final = 40
USERS: Final = 20
WORDS: Final = 6
HUNG_UP_SHARE: Final = 0.4
FROM_FIRST_PIECE: Final = 0.5
LATEST_TICK: Final = 300
"""Turns of the loop after which a client that hangs up has done so, at the latest."""
PIECE: Final = re.compile(rb'"(?:content|delta)":"((?:[^"\\]|\\.)*)"')
"""A piece of text in either stream; the words contain nothing that JSON escapes."""


@dataclass
class Tally:
    """What became of the requests."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    """Answers that are not their request's, with what was expected."""


@asynccontextmanager
async def busy_site() -> AsyncGenerator[tuple[Deployment, list[Instance]]]:
    """Two instances that reach store and provider over few kept connections."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(
            deployed(TIER_LIMITS="pro=1000000", MODEL_CLASS_LIMITS="gpt-4o=1000000", KV_TIMEOUT_SECONDS="60")
        )
        server = await stack.enter_async_context(BreakableServer(site.store))
        site.env["UPSTASH_REDIS_REST_URL"] = server.url
        kv_transport = AiohttpTransport(max_connections=4)
        stack.push_async_callback(kv_transport.aclose)
        instances = [site.instance(kv_transport=kv_transport) for _ in range(2)]
        yield site, instances
        for instance in instances:
            store = instance.gateway.store
            assert isinstance(store, AutoPipeline)
            await store.drain()


async def talk(instances: list[Instance], seed: int, goes_on: Callable[[int], bool]) -> Tally:
    """Send requests, AT_ONCE at a time, numbered from 0 while `goes_on` says so of the next number."""
    tally, chance, number = Tally(), random.Random(seed), 0
    running: set[asyncio.Task[None]] = set()
    while goes_on(number):
        running.add(asyncio.create_task(_one(instances[number % 2], number, random.Random(chance.random()), tally)))
        number += 1
        if len(running) >= AT_ONCE:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    await asyncio.gather(*running)
    return tally


class SlowReader(Exchange):
    """A client that takes a few turns of the loop for each piece."""

    async def _send(self, message: AsgiMessage) -> None:
        await super()._send(message)
        for _ in range(3):
            await next_tick()


async def _one(here: Instance, number: int, chance: random.Random, tally: Tally) -> None:
    prompt = " ".join(f"w{number}x{chance.getrandbits(48):x}" for _ in range(WORDS))
    template = here.exchange(asked(prompt, chance.choice(["json", "openai", "ui"])))
    headers = {**template.headers, "x-user-id": f"u{number % USERS}"}
    exchange = SlowReader(template.app, path=template.path, headers=headers, body=template.body)
    asking = asyncio.create_task(exchange.run())
    if chance.random() < HUNG_UP_SHARE:
        await _moment(exchange, asking, chance)
        exchange.hang_up()
    await asking
    _judge(exchange, f"echo: {prompt}", tally)


async def _moment(exchange: Exchange, asking: asyncio.Task[Response], chance: random.Random) -> None:
    """Let a random while go by: before anything has come, or from the first piece on."""
    if chance.random() < FROM_FIRST_PIECE:
        while not exchange.response.chunks and not asking.done():
            await next_tick()
        ticks = chance.randrange(4)
    else:
        ticks = chance.randrange(LATEST_TICK)
    for _ in range(ticks):
        await next_tick()


def asked(prompt: str, form: str) -> JsonObject:
    """A chat that is answered as JSON, in OpenAI's stream or in the AI SDK's."""
    if form == "ui":
        return {"model": "gpt-4o", "messages": [{"role": "user", "parts": [{"type": "text", "text": prompt}]}]}
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}], "stream": form == "openai"}


def _judge(exchange: Exchange, expected: str, tally: Tally) -> None:
    response = exchange.response
    said = text_of(response.body)
    if response.complete:
        tally.outcomes["answered"] += 1
        right = response.status == 200 and said == expected
    else:
        tally.outcomes["cut" if said else "hung up"] += 1
        right = expected.startswith(said)
    if not right:
        tally.wrong.append(f"{response.status} {said!r} instead of {expected!r}")


def text_of(body: bytes) -> str:
    """The text of a JSON answer, or what there is of a stream."""
    if body.startswith(b"{"):
        document: Json = orjson.loads(body)
        return str(document.get("content")) if isinstance(document, dict) else ""
    return b"".join(PIECE.findall(body)).decode()
