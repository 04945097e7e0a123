"""The backend in this process: fakeredis, whose replies are those of Redis 7. Nothing survives the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol, cast

import fakeredis
import redis
from fakeredis._core import Database  # its databases have no public name

from dev.kv.backend import CommandError, RawCommand, Value


class MemoryStore:
    """Commands run one after the other without a turn of the loop between them, so a pipeline is atomic here.

    `now` (seconds since the epoch) rules when keys expire instead of the system's clock; the TIME command and the
    lifetimes of single hash fields still follow the latter.
    """

    reads_shebangs = False

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        server = fakeredis.FakeServer(version=(7,))
        if now is not None:
            server.dbs[0] = _ClockedDatabase(server.lock, now)
        # protocol=2: RESP2, as the REST API speaks it.
        client = fakeredis.FakeRedis(server=server, protocol=2)
        self._connection: _Connection = client.connection_pool.get_connection()  # pyright: ignore[reportUnknownMemberType]

    async def run(self, commands: Sequence[RawCommand]) -> list[Value]:
        """See `Backend.run`."""
        return [self._run(command) for command in commands]

    async def run_as_transaction(self, commands: Sequence[RawCommand]) -> Value:
        """See `Backend.run_as_transaction`."""
        self._run([b"MULTI"])
        for command in commands:
            self._run(command)
        return self._run([b"EXEC"])

    async def aclose(self) -> None:
        """Nothing to close."""

    def _run(self, command: RawCommand) -> Value:
        self._connection.send_command(*command)
        try:
            reply = self._connection.read_response(disconnect_on_error=False)
        except redis.ResponseError as error:
            reply = error
        return _value(reply)


class _Connection(Protocol):
    """What is used of redis-py's connection, whose own types are partial."""

    def send_command(self, *args: bytes) -> None: ...
    def read_response(self, *, disconnect_on_error: bool) -> object: ...


class _ClockedDatabase(Database):
    """A database that asks a clock for the time, where fakeredis sets it from the system's before each command."""

    def __init__(self, lock: threading.Lock, now: Callable[[], float]) -> None:
        self._now = now
        super().__init__(lock)

    @property
    def time(self) -> float:
        return self._now()

    @time.setter
    def time(self, system_time: float) -> None:
        pass


def _value(reply: object) -> Value:
    if isinstance(reply, list):
        return [_value(one) for one in cast("list[object]", reply)]
    if isinstance(reply, redis.ResponseError):
        return CommandError(_message(reply))
    if reply is None or isinstance(reply, (int, bytes)):
        return reply
    raise TypeError(f"fakeredis answered a {type(reply).__name__}")


def _message(error: redis.ResponseError) -> str:
    # redis-py takes the code off some messages.
    code = getattr(error, "status_code", None)
    text = str(error)
    return f"{code} {text}" if code and not text.startswith(f"{code} ") else text
