"""POST /api/ai/hooks/queue: the queue's call to go on with a durable batch, believed by its signature alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from lib.access.queue_signature import signed_by_queue
from lib.clock import Clock
from lib.errors import AuthenticationFailed, InvalidRequest, NotFound, Overloaded, StoreError
from lib.json_text import parse
from lib.web.asgi import Call
from lib.web.json_route import Reply

LARGEST: Final = 4_096
"""Bytes of a message."""


@dataclass(frozen=True, slots=True)
class QueueRoute:
    """`url` is the address that the queue was given; without a key there is nothing here."""

    keys: tuple[str, ...] = field(repr=False)
    url: str
    work: Callable[[str], Awaitable[None]]
    clock: Clock

    async def __call__(self, call: Call) -> Reply:
        """200 once the slice is done. 503 has the queue call again, as does a function that dies."""
        if not any(self.keys) or not self.url:
            raise NotFound("There is nothing at this address.")
        body, token = await call.body(), call.headers.get("upstash-signature", "")
        if not signed_by_queue(token, body, keys=self.keys, url=self.url, now=self.clock.now()):
            raise AuthenticationFailed("The signature does not hold.", code="invalid_signature")
        job = _job(body)
        try:
            await self.work(job)
        except StoreError as error:
            raise Overloaded("the store does not answer", retry_after=60.0, detail=str(error)) from error
        return Reply({"worked_on": job})


def _job(body: bytes) -> str:
    try:
        message = parse(body)
    except ValueError:
        message = None
    match message:
        case {"job": str(job)} if job:
            return job
        case _:
            raise InvalidRequest("The message names no job.", param="job")
