"""A durable job of 1,000 items whose functions are killed at random, on a real Redis; and what an item costs in the KV.

python -m bench.batch_kill [items] [kills]
"""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import sys
import time
from typing import Final

from dev.kv import RedisBridge
from lib.clock import SystemClock
from lib.composition import Gateway, World
from lib.contract import Json, JsonObject
from lib.site import Site
from tests.support.asgi_transport import AsgiTransport
from tests.support.batches import Client, question
from tests.support.deployment import SERVICE, Instance
from tests.support.killed_batch import Account, batch_site, killed_batch
from tests.support.kv import TOKEN, embedded_server
from tests.support.redis_server import running_redis

ITEMS: Final = 1_000
KILLS: Final = 25
WORKERS: Final = 3
METERED: Final = 300
IGNORED: Final = frozenset({"info", "config|resetstat"})


async def main(items: int, kills: int) -> int:
    """Print the figures; 1 when an item was not answered once, or was bought again."""
    if shutil.which("redis-server") is None:
        print("this needs a redis-server")
        return 0
    logging.disable()
    with running_redis() as url:
        backend = RedisBridge.from_url(url)
        started = time.monotonic()
        async with batch_site(backend) as place:
            account = await killed_batch(place, items=items, kills=kills, workers=WORKERS)
        seconds = time.monotonic() - started
        await backend.run([[b"FLUSHALL"]])
        print(f"{items} items, {WORKERS} processes, {kills} times one or all killed (SIGKILL), {seconds:.0f} s")
        good = told(account, items)
        for mode in ("inline", "durable"):
            print(f"{mode}: {await commands_per_item(url, mode):.2f} billed commands per item")
        await backend.aclose()
    return 0 if good else 1


def told(account: Account, items: int) -> bool:
    """Print what became of the items; whether that is as it should be."""
    answered = [result for result in account.results if result["status"] == "done"]
    once = [result["index"] for result in account.results] == list(range(items))
    print(f"items answered: {len(answered)} of {items}, each once: {'yes' if once else 'NO'}")
    print(f"provider calls: {account.asked.total()}, of which repeated: {sum(account.repeated.values())}")
    print(f"items in flight when functions died: {sum(len(kill.in_flight) for kill in account.kills)}")
    print(f"answers that were in the store and bought again: {len(account.bought_again())}")
    print(f"items asked for more often than functions died over them: {len(account.beyond_kills())}")
    print(f"calls of killed functions found by reconciling: {account.lost}, totals that differ: {account.differences}")
    return once and len(answered) == items and not (account.bought_again() or account.beyond_kills())


async def commands_per_item(url: str, mode: str) -> float:
    """Commands as they are billed, those in scripts included, over everything that a batch of METERED items does."""
    bridge = RedisBridge.from_url(url)
    transport = AsgiTransport(embedded_server(bridge))
    env = {
        "UPSTASH_REDIS_REST_URL": "http://kv.test",
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        "GATEWAY_SERVICE_TOKEN": SERVICE,
        "DEMO_PROVIDER": "on",
        "TIER_LIMITS": "pro=1000000/0",
    }
    world = World(env, transport, transport, SystemClock(), random.Random(1))
    client = Client.of(Instance(Site(Gateway(world))), user=f"user of {mode}")
    await bridge.run([[b"CONFIG", b"RESETSTAT"]])
    size = 100 if mode == "inline" else METERED
    for begin in range(0, METERED, size):
        requests: list[Json] = [question(n, model="demo/echo") for n in range(begin, begin + size)]
        document: JsonObject = {"requests": requests, "mode": mode}
        response = await client.post(document)
        if response.status >= 300:
            raise RuntimeError(response.body.decode())
    stats = (await bridge.run([[b"INFO", b"commandstats"]]))[0]
    await bridge.aclose()
    lines = stats.decode().splitlines() if isinstance(stats, bytes) else []
    calls = [line.removeprefix("cmdstat_").split(":calls=") for line in lines if line.startswith("cmdstat_")]
    return sum(int(rest.split(",")[0]) for name, rest in calls if name not in IGNORED) / METERED


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(asyncio.run(main(*(given + [ITEMS, KILLS][len(given) :]))))
