"""The store's process: the REST server over a real Redis and its replica, with faults that the driver switches on."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import deque
from collections.abc import Mapping
from typing import Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.soak.child import commands, say
from bench.soak.replica import StaleReads, lagging
from dev.kv import EmbeddedServer
from lib.contract import Json, JsonObject
from tests.support.breakable_server import BreakableServer
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
    Scripted,
)

SLOW_SECONDS: Final = 2.0
FLAPS: Final = 2_000
ALWAYS: Final[Mapping[str, Scripted]] = {
    "drop": Fault.DROP,
    "drop after": Fault.DROP_AFTER,
    "hang": Fault.HANG,
    "hang after": Fault.HANG_AFTER,
    "truncated": Fault.TRUNCATED,
    "half json": Fault.HALF_JSON,
    "short": Fault.SHORT,
    "wrong shape": Fault.WRONG_SHAPE,
    "wrong type": Fault.WRONG_TYPE,
    "unauthorized": UNAUTHORIZED,
    "quota": QUOTA,
    "too many": TOO_MANY,
    "server error": SERVER_ERROR,
    "bad gateway": BAD_GATEWAY,
    "html": HTML,
    "empty": EMPTY,
}


class Unruly:
    """An ASGI app that may be slow, or have the first command of each request refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.slow = False
        self.refuses_first = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self.slow:
            await asyncio.sleep(SLOW_SECONDS)
        await self._app(scope, self._refusing(receive) if self.refuses_first else receive, send)

    @staticmethod
    def _refusing(receive: Receive) -> Receive:
        async def changed() -> Message:
            pieces: list[bytes] = []
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return message
                pieces.append(message.get("body", b""))
                if not message.get("more_body"):
                    return {"type": "http.request", "body": without_first(b"".join(pieces)), "more_body": False}

        return changed


def without_first(body: bytes) -> bytes:
    """The commands, the first replaced by one that no server knows."""
    given: Json = orjson.loads(body)
    unknown: Json = ["NOSUCHCOMMAND"]
    if isinstance(given, list) and given and isinstance(given[0], list):
        return orjson.dumps([unknown, *given[1:]])
    return orjson.dumps(unknown)


class FaultyStore:
    """The server and the fault that is on."""

    def __init__(self, backend: StaleReads, token: str, chance: random.Random) -> None:
        self._backend = backend
        self._unruly = Unruly(EmbeddedServer(backend, token=token))
        self._faulty = FaultyKv(self._unruly)
        self._chance = chance
        self.server = BreakableServer(self._faulty)

    async def obey(self, told: JsonObject) -> None:
        """Do as the driver tells; a fault is confirmed, and so are the counts that it may ask for."""
        match told:
            case {"fault": str(fault)}:
                await self.switch(fault)
                say("done")
            case {"stale": bool(stale)}:
                self._backend.stale = stale
            case _:
                say(f"{self._backend.reads} {self._backend.wrong}")

    async def switch(self, fault: str) -> None:
        """Behave as `fault` says from now on; the empty text for well. Connections under the old fault break."""
        await self.server.refuse()
        self._faulty.always = ALWAYS.get(fault)
        self._faulty.script = deque(self._flaps() if fault == "flapping" else ())
        self._unruly.slow, self._unruly.refuses_first = fault == "slow", fault == "first command refused"
        if fault != "refused":
            await self.server.accept()

    def _flaps(self) -> list[Scripted]:
        kinds: tuple[Scripted, ...] = (None, None, Fault.DROP, Fault.DROP_AFTER, SERVER_ERROR)
        return self._chance.choices(kinds, k=FLAPS)


async def serve(redis: str, replica: str, token: str, seed: int) -> None:
    """Serve until stdin ends."""
    async with lagging(redis, replica) as backend:
        store = FaultyStore(backend, token, random.Random(seed))
        async with store.server:
            say(store.server.url)
            async for told in commands():
                await store.obey(told)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
