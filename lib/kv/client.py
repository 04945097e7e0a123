"""The store's client: `upstash_redis.asyncio.Redis` with its transport replaced by `AutoPipeline`.

Upstream has no timeout, repeats a write blindly after 3 s, is bound to one event loop and loses a pipeline's
results to one failing command; its typed commands, and `upstash_ratelimit` on top, are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Final

from upstash_redis.asyncio import Redis
from upstash_redis.commands import AsyncJsonCommands, AsyncSearchCommands
from upstash_redis.format import cast_response  # pyright: ignore[reportUnknownVariableType] - upstream's lists are bare
from upstash_redis.http import AsyncHttpClient, make_headers

from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.endpoint import KvEndpoint
from lib.kv.pipeline import AutoPipeline, KvLimits, KvState
from lib.kv.replies import Command, Reply
from lib.transport import Transport

__all__ = ["KV", "Command", "KvEndpoint", "KvLimits", "KvState", "Reply"]

DEFAULT_LIMITS: Final = KvLimits()


class KV(Redis):
    """An Upstash Redis database. `run` and `run_many` are the product's own way in; upstream's methods work as well.

    All of them raise StoreError and its kinds, never upstream's errors. Nothing is retried. A `pipeline` that is given
    is shared, its circuit included; `transport` and `limits` then go unused.
    """

    def __init__(
        self,
        endpoint: KvEndpoint,
        *,
        transport: Transport,
        clock: Clock,
        limits: KvLimits = DEFAULT_LIMITS,
        pipeline: AutoPipeline | None = None,
    ) -> None:
        # Upstream's constructor is not called: it builds an httpx client with a TLS context (20 ms of CPU) that would
        # never be used. What its commands and upstash_ratelimit read from the instance is set here instead.
        own = pipeline or AutoPipeline(endpoint, transport=transport, clock=clock, limits=limits)
        self._pipeline = own
        self._url = endpoint.url
        self._read_your_writes = True
        self._sync_token = ""
        self._allow_telemetry = False
        self._headers = make_headers(endpoint.token, None, allow_telemetry=False)
        self._json = AsyncJsonCommands(self)
        self._search = AsyncSearchCommands(self)
        self._http = _PipelineAsHttp(own)

    @property
    def state(self) -> KvState:
        """How the store has been answering."""
        return self._pipeline.state

    async def run(self, *command: str | int) -> Reply:
        """See `AutoPipeline.run`."""
        return await self._pipeline.run(*command)

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        """See `AutoPipeline.run_many`."""
        return await self._pipeline.run_many(commands)

    async def execute(self, command: list[str]) -> Reply:
        """What upstream's typed commands call: the answer is cast to the type they promise."""
        reply = await self._pipeline.run(*_formatted(command))
        cast: Reply = cast_response(command, reply, self)  # pyright: ignore[reportUnknownVariableType]
        return cast  # pyright: ignore[reportUnknownVariableType]

    async def close(self) -> None:
        """Wait for the calls underway. The transport is closed by whoever made it."""
        await self._pipeline.drain()


class _PipelineAsHttp(AsyncHttpClient):
    """Stands where upstream keeps its HTTP client, for `redis.pipeline()` and `redis.multi()`."""

    def __init__(self, pipeline: AutoPipeline) -> None:
        self._pipeline = pipeline

    async def execute(
        self,
        url: str,
        headers: dict[str, str],  # noqa: ARG002 - upstream's signature
        command: list[list[object]],
        from_pipeline: bool = False,  # noqa: ARG002, FBT001, FBT002 - same
    ) -> list[Reply]:
        """Run a batch; the first error in it is raised, as upstream does."""
        commands = [_formatted(one) for one in command]
        if url.endswith("/multi-exec"):
            cells = await self._pipeline.run_as_transaction(commands)
        else:
            cells = await self._pipeline.run_many(commands)
        replies: list[Reply] = []
        for cell in cells:
            if isinstance(cell, StoreError):
                raise cell
            replies.append(cell)
        return replies

    async def close(self) -> None:
        await self._pipeline.drain()


def _formatted(command: Sequence[object]) -> list[str | int]:
    """Arguments as upstream's clients send them: what is neither text nor a number as JSON."""
    formatted: list[str | int] = []
    for argument in command:
        if isinstance(argument, (str, int)):
            formatted.append(argument)
        elif isinstance(argument, float):
            formatted.append(repr(argument))
        else:
            formatted.append(dumps(argument))
    return formatted
