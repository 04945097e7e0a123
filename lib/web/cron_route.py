"""GET /api/ai/cron: what is to be done from time to time, called by the platform with CRON_SECRET."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lib.contract import Json, JsonObject
from lib.errors import AuthenticationFailed, Overloaded, StoreError
from lib.web.access import bearer_token, same_secret
from lib.web.asgi import Call
from lib.web.json_route import Reply


@dataclass(frozen=True, slots=True)
class CronTask:
    """Something that may be done at any time, and twice. `run` says what it did."""

    name: str
    run: Callable[[], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class CronRoute:
    """Without a secret nobody may call."""

    secret: str = field(repr=False)
    tasks: Sequence[CronTask]

    async def __call__(self, call: Call) -> Reply:
        """What each task did. One that the store is not there for does not keep the others from running."""
        if not same_secret(bearer_token(call.headers), self.secret):
            raise AuthenticationFailed("This needs the cron secret: send it as `Authorization: Bearer …`.")
        did: JsonObject = {}
        failed = ""
        for task in self.tasks:
            try:
                did[task.name] = await task.run()
            except StoreError as error:
                failed = f"{task.name}: {error}"
        if failed:
            raise Overloaded("the store does not answer", retry_after=60.0, detail=failed)
        return Reply({"did": did})
