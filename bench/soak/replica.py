"""A replica of the soak's Redis that is always a little behind, and a backend that reads from it when told to.

Redis replicates over a relay that passes everything on late, so what is read there was true a moment ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final

from dev.kv import RedisBridge
from dev.kv.backend import Backend, RawCommand, Value

HOST: Final = "127.0.0.1"
LATE_SECONDS: Final = 1.5
"""Longer than a duplicate waits between two looks, shorter than a finished request is remembered."""
LOOK_SECONDS: Final = 0.05
PIECE_BYTES: Final = 65_536
READS: Final = frozenset({b"GET", b"MGET", b"LRANGE", b"LLEN"})
"""Commands of the product that a store with replicas may run there; scripts run on the primary."""


class StaleReads:
    """A backend. While `stale`, reads come from the replica; it counts them, and those that the primary contradicts."""

    def __init__(self, primary: Backend, replica: Backend) -> None:
        self._primary = primary
        self._replica = replica
        self.stale = False
        self.reads = 0
        self.wrong = 0

    @property
    def reads_shebangs(self) -> bool:
        """As the primary does."""
        return self._primary.reads_shebangs

    async def run(self, commands: Sequence[RawCommand]) -> list[Value]:
        """One value per command."""
        places = [place for place, command in enumerate(commands) if command[0].upper() in READS]
        if not self.stale or not places:
            return await self._primary.run(commands)
        found = await self._replica.run([commands[place] for place in places])
        values = await self._primary.run(commands)
        for place, value in zip(places, found, strict=True):
            self.reads += 1
            self.wrong += values[place] != value
            values[place] = value
        return values

    async def run_as_transaction(self, commands: Sequence[RawCommand]) -> Value:
        """On the primary."""
        return await self._primary.run_as_transaction(commands)

    async def aclose(self) -> None:
        """Close both."""
        await self._primary.aclose()
        await self._replica.aclose()


class Relay:
    """Passes connections on to a port; what comes back is `late` seconds old when it arrives."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.late = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side closes it."""
        from_primary, to_primary = await asyncio.open_connection(HOST, self._port)
        arrived: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        there = asyncio.create_task(_copy(reader, to_primary.write))
        back = asyncio.create_task(_copy(from_primary, lambda piece: arrived.put_nowait((_now(), piece))))
        handing = asyncio.create_task(self._hand_out(arrived, writer))
        try:
            await asyncio.wait({there, back, handing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back, handing):
                task.cancel()
            to_primary.close()
            writer.close()

    async def _hand_out(self, arrived: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            at, piece = await arrived.get()
            await asyncio.sleep(at + self.late - _now())
            writer.write(piece)


@asynccontextmanager
async def lagging(primary_url: str, replica_url: str) -> AsyncGenerator[StaleReads]:
    """A backend over the primary, once the other server is its late replica. Closes the connections of both."""
    primary, replica = RedisBridge.from_url(primary_url), RedisBridge.from_url(replica_url)
    relay = Relay(int(primary_url.rpartition(":")[2]))
    server = await asyncio.start_server(relay.serve, HOST, 0)
    async with aclosing(StaleReads(primary, replica)) as backend, server:
        await primary.run([[b"CONFIG", b"SET", b"repl-diskless-sync-delay", b"0"]])
        port = str(server.sockets[0].getsockname()[1])
        await replica.run([[b"REPLICAOF", HOST.encode(), port.encode()]])
        await _linked(replica)
        relay.late = LATE_SECONDS
        yield backend
        await replica.run([[b"REPLICAOF", b"NO", b"ONE"]])


async def _linked(replica: RedisBridge) -> None:
    while True:
        (told,) = await replica.run([[b"INFO", b"replication"]])
        if isinstance(told, bytes) and b"master_link_status:up" in told:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _copy(reader: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(PIECE_BYTES):
            take(piece)


def _now() -> float:
    return asyncio.get_running_loop().time()
