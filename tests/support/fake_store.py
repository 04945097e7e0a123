"""`Store` straight on a backend, without client and REST between: for tests of thousands of steps."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Final, TypeVar

from dev.kv.backend import Backend, CommandError, Value
from dev.kv.scripts import ScriptDialect
from lib.errors import StoreError, StoreUnavailable
from lib.kv.replies import Command, Reply

Result = TypeVar("Result")
Content = tuple[Reply, ...]
READS: Final = {"string": ("GET",), "list": ("LRANGE", 0, -1), "zset": ("ZRANGE", 0, -1)}
"""The read of a whole value by its type: the command, and what follows the key."""


class FakeStore:
    """Runs commands at once. While `away`, none of them."""

    def __init__(self, backend: Backend) -> None:
        self.away = False
        self.commands = 0
        self._backend = backend
        self._dialect = ScriptDialect(keep_shebang=backend.reads_shebangs)

    async def run(self, *command: str | int) -> Reply:
        (reply,) = await self.run_many([command])
        if isinstance(reply, StoreError):
            raise reply
        return reply

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        self.commands += len(commands)
        if self.away:
            raise StoreUnavailable("away")
        raw = [self._dialect.to_server([str(part).encode() for part in command]) for command in commands]
        return [_reply(value) for value in await self._backend.run(raw)]

    async def contents(self) -> dict[str, Content]:
        """Every key with its value and the milliseconds it has left."""
        names = sorted(_texts(await self.run("KEYS", "*")))
        types = await self.run_many([("TYPE", name) for name in names])
        reads: list[Command] = []
        for name, kind in zip(names, types, strict=True):
            command, *rest = READS[str(kind)]
            reads += [(str(command), name, *rest), ("PTTL", name)]
        replies = await self.run_many(reads)
        found: dict[str, Content] = {}
        for at, name in enumerate(names):
            value, left = replies[2 * at : 2 * at + 2]
            assert not isinstance(value, StoreError)
            assert isinstance(left, int)
            found[name] = (value, left)
        return found


def at_once(coroutine: Coroutine[None, None, Result]) -> Result:
    """The result of a coroutine that never waits, as none does that only asks a store in this process."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    coroutine.close()
    raise AssertionError("it waits")


def _reply(value: Value) -> Reply | StoreError:
    return StoreError(value.message) if isinstance(value, CommandError) else _plain(value)


def _plain(value: Value) -> Reply:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")  # totals are binary
    if isinstance(value, list):
        return [_plain(one) for one in value]
    assert not isinstance(value, CommandError)
    return value


def _texts(reply: Reply) -> list[str]:
    assert isinstance(reply, list)
    return [str(one) for one in reply]
