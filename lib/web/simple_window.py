"""A small route's own window per user, by `upstash_ratelimit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lib.errors import RateLimited


class Guard(Protocol):
    """`upstash_ratelimit`'s limiter, narrowed to what is used here."""

    async def limit(self, identifier: str, rate: int = 1) -> LimitAnswer:
        """Count `rate` calls, or none of them."""
        ...


class LimitAnswer(Protocol):
    """Its answer."""

    allowed: bool
    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class SimpleWindow:
    """`guard` makes the limiter on first use; `person` gives a user id as the KV may know it, `now` the time."""

    name: str
    guard: Callable[[], Guard]
    person: Callable[[str], str]
    now: Callable[[], float]

    async def enter(self, user_id: str) -> None:
        """Count one call. Raises RateLimited, StoreError."""
        answer = await self.guard().limit(f"{self.name}:{self.person(user_id)}")
        if answer.allowed:
            return
        wait = max(1.0, answer.reset - self.now())
        message = f"over the limit '{self.name}': {answer.limit} a minute; try again in {round(wait)} s"
        raise RateLimited(message, limit_name=self.name, limit=answer.limit, window_seconds=60, retry_after=wait)
