"""The product's sliding window as a limiter for `upstash_ratelimit`, which guards the simple routes with one call each.

Kept out of `rate_limit` so that a chat request never imports the package.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from upstash_ratelimit.limiter import AbstractLimiter, Response

from lib.kv.lua import script
from lib.kv.rate_limit import Limit

Command: TypeAlias = tuple[str, tuple[object, ...]]


class WindowWithLockout(AbstractLimiter):
    """Give it to `upstash_ratelimit.asyncio.Ratelimit`. `now` gives seconds since the epoch.

    A refused call consumes nothing; one that goes over the limit starts the lockout.
    """

    def __init__(self, limit: Limit, now: Callable[[], float]) -> None:
        self._rule = limit
        self._now = now

    def _limit(self, identifier: str, rate: int = 1) -> Generator[Command | Response, list[int], None]:
        allowed, used, wait_ms = yield self._ask(identifier, rate)
        yield Response(
            allowed=bool(allowed),
            limit=self._rule.maximum,
            remaining=max(0, self._rule.maximum - used),
            reset=self._now() + wait_ms / 1000,
        )

    def _get_remaining(self, identifier: str) -> Generator[Command | int, list[int], None]:
        _, used, _ = yield self._ask(identifier, 0)
        yield max(0, self._rule.maximum - used)

    def _get_reset(self, identifier: str) -> Generator[Command | float, list[int], None]:
        _, _, wait_ms = yield self._ask(identifier, 0)
        yield self._now() + wait_ms / 1000

    def _ask(self, identifier: str, rate: int) -> Command:
        rule = self._rule
        arguments = [int(self._now() * 1000), rule.maximum, rule.window_ms, rule.lockout_ms, rate]
        return "eval", (script("state", "window"), [identifier], arguments)
