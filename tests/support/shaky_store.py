"""A store in the hands of functions that take turns at random and are killed: for what must happen exactly once."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lib.errors import StoreError
from lib.kv.replies import Command, Reply
from tests.support.fake_store import FakeStore
from tests.support.ticks import next_tick


class Killed(Exception):
    """The function was killed."""


@dataclass
class ShakyStore:
    """A store whose callers take turns at random, and may be killed before or after a command has run."""

    store: FakeStore
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    kill_at: int = -1
    after_running: bool = False
    before_writing: Callable[[], Awaitable[object]] | None = None
    calls: int = 0

    async def run(self, *command: str | int) -> Reply:
        (reply,) = await self.run_many([command])
        assert not isinstance(reply, StoreError)
        return reply

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        for _ in range(self.chance.randrange(4)):
            await next_tick()
        if commands[0][0] == "EVAL" and (hook := self.before_writing):
            self.before_writing = None
            await hook()
        self.calls += 1
        if self.calls == self.kill_at and not self.after_running:
            raise Killed
        replies = await self.store.run_many(commands)
        if self.calls == self.kill_at:
            raise Killed
        return replies
