"""The backend over TCP: any server that speaks RESP2, one pooled connection per request under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from dev.kv.backend import CommandError, RawCommand, Value

BUFFER_BYTES: Final = 64 * 1024 * 1024
KEPT_CONNECTIONS: Final = 64

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, and what is said to it first on each connection."""

    host: str
    port: int
    greeting: tuple[RawCommand, ...] = ()

    @classmethod
    def from_url(cls, url: str) -> Address:
        """Read `redis://[[user]:password@]host[:port][/database]`. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme != "redis" or not parts.hostname:
            raise ValueError(f"a store's address looks like redis://127.0.0.1:6379, not {url!r}")
        greeting: list[RawCommand] = []
        if parts.password:
            user = [unquote(parts.username).encode()] if parts.username else []
            greeting.append([b"AUTH", *user, unquote(parts.password).encode()])
        if database := parts.path.strip("/"):
            greeting.append([b"SELECT", database.encode()])
        return cls(parts.hostname, parts.port or 6379, tuple(greeting))


class RedisBridge:
    """Usable from one event loop. A server that is not there raises OSError from each call."""

    def __init__(self, address: Address, *, reads_shebangs: bool = True) -> None:
        self._address = address
        self._free: list[Streams] = []
        self.reads_shebangs = reads_shebangs
        """False for servers before Redis 7."""

    @classmethod
    def from_url(cls, url: str) -> RedisBridge:
        """See `Address.from_url`."""
        return cls(Address.from_url(url))

    async def run(self, commands: Sequence[RawCommand]) -> list[Value]:
        """See `Backend.run`: all commands are written at once, then all replies read."""
        streams = await self._take()
        reader, writer = streams
        whole = False
        try:
            writer.write(encode(commands))
            replies = [await read_reply(reader) for _ in commands]
            whole = True
        finally:
            if not whole:
                writer.close()  # replies that nobody reads must not meet the next request
        self._put_back(streams)
        return replies

    async def run_as_transaction(self, commands: Sequence[RawCommand]) -> Value:
        """See `Backend.run_as_transaction`."""
        return (await self.run([[b"MULTI"], *commands, [b"EXEC"]]))[-1]

    async def aclose(self) -> None:
        """Close the connections that are not in use."""
        while self._free:
            _, writer = self._free.pop()
            writer.close()
            await writer.wait_closed()

    async def _take(self) -> Streams:
        while self._free:
            reader, writer = self._free.pop()
            if not writer.is_closing() and not reader.at_eof():
                return reader, writer
            writer.close()
        reader, writer = await asyncio.open_connection(self._address.host, self._address.port, limit=BUFFER_BYTES)
        if self._address.greeting:
            writer.write(encode(self._address.greeting))
            for _ in self._address.greeting:
                reply = await read_reply(reader)
                if isinstance(reply, CommandError):
                    writer.close()
                    raise ConnectionError(reply.message)
        return reader, writer

    def _put_back(self, streams: Streams) -> None:
        if len(self._free) < KEPT_CONNECTIONS:
            self._free.append(streams)
        else:
            streams[1].close()


def encode(commands: Sequence[RawCommand]) -> bytes:
    """Commands as RESP arrays of bulk strings, one after the other."""
    out = bytearray()
    for command in commands:
        out += b"*%d\r\n" % len(command)
        for argument in command:
            out += b"$%d\r\n%b\r\n" % (len(argument), argument)
    return bytes(out)


async def read_reply(reader: asyncio.StreamReader) -> Value:
    """Read one RESP2 value. Raises ConnectionError for what is none, IncompleteReadError at the end."""
    line = (await reader.readuntil(b"\r\n"))[:-2]
    kind, rest = line[:1], line[1:]
    match kind:
        case b"+":
            return rest
        case b":":
            return int(rest)
        case b"-":
            return CommandError(rest.decode("utf-8", "replace"))
        case b"$":
            return None if rest == b"-1" else (await reader.readexactly(int(rest) + 2))[:-2]
        case b"*":
            return None if rest == b"-1" else [await read_reply(reader) for _ in range(int(rest))]
        case _:
            raise ConnectionError(f"not a RESP2 reply: {line[:40]!r}")
