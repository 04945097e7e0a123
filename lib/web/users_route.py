"""/api/ai/users/{id}/data and …/usage: what is held about a user, for themselves and for the operator."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import orjson

from lib.contract import CallerKind, Json, JsonObject
from lib.errors import (
    AuthenticationFailed,
    GatewayError,
    InvalidRequest,
    Overloaded,
    PermissionDenied,
    StoreError,
)
from lib.web.access import Access
from lib.web.asgi import Call, RawHeader
from lib.web.headers import header_value
from lib.web.json_route import Reply, send

USERS: Final = "/api/ai/users"
ME: Final = "me"
FORMATS: Final = ("json", "ndjson")
AGAIN_SECONDS: Final = 5.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class UserData:
    """What the routes do. Each raises StoreError."""

    export: Callable[[str], AsyncGenerator[JsonObject, None]]
    delete: Callable[[str], Awaitable[JsonObject]]
    usage: Callable[[str], Awaitable[JsonObject]]


@dataclass(frozen=True, slots=True)
class UsersRoute:
    """What is answered; `me` stands for the caller. Raises AuthenticationFailed, PermissionDenied, Overloaded."""

    access: Access
    data: UserData

    async def usage(self, call: Call) -> None:
        """A user's totals and latest requests."""
        user_id = await self._user(call)
        await send(call, Reply(await _done(self.data.usage(user_id))))

    async def all(self, call: Call) -> None:
        """GET: a download of everything. DELETE: a receipt, once all of it is gone."""
        user_id = await self._user(call)
        if call.method == "DELETE":
            await send(call, Reply(await _done(self.data.delete(user_id))))
        else:
            await self._export(call, user_id)

    async def _user(self, call: Call) -> str:
        """Whose data is asked for, which is the caller's own unless they are the operator."""
        named = call.path.split("/")[4]
        caller = await self.access.recognise(call.headers, peer=call.peer)
        if caller.kind is CallerKind.ADMIN:
            return named
        if caller.kind is CallerKind.ANONYMOUS:
            raise AuthenticationFailed("Data is shown to callers with a credential.", code="missing_credentials")
        if named not in (ME, caller.user_id):
            raise PermissionDenied("The data of other users is the operator's affair.", param="id")
        return caller.user_id

    async def _export(self, call: Call, user_id: str) -> None:
        chosen = call.query().get("format") or FORMATS[0]
        if chosen not in FORMATS:
            raise InvalidRequest(f"format must be one of {', '.join(FORMATS)}", param="format")
        pieces = _lines(self.data.export(user_id)) if chosen == "ndjson" else _document(self.data.export(user_id))
        kind = b"application/x-ndjson" if chosen == "ndjson" else b"application/json"
        headers: list[RawHeader] = [
            (b"content-type", kind),
            (b"content-disposition", b'attachment; filename="user-data.%s"' % chosen.encode()),
            (b"cache-control", b"no-store"),
            (b"x-request-id", header_value(call.request_id)),
        ]
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if not call.wire.started:  # only now, as the store may not answer
                        await call.wire.start(200, headers)
                    await call.wire.chunk(piece)
        except StoreError as error:
            raise away(error) from error
        await call.wire.end()


async def _lines(items: AsyncGenerator[JsonObject, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(items):
        async for item in items:
            yield orjson.dumps(item) + b"\n"


async def _document(items: AsyncGenerator[JsonObject, None]) -> AsyncGenerator[bytes, None]:
    """One object, whose `items` come piece by piece; without its end it is no JSON, so half of it is seen as such."""
    before = b'{"items":['
    async with aclosing(items):
        async for item in items:
            yield before + orjson.dumps(item)
            before = b","
    yield b"]}"


async def _done(work: Awaitable[Result]) -> Result:
    try:
        return await work
    except StoreError as error:
        raise away(error) from error


def away(error: StoreError) -> GatewayError:
    """The store does not answer. A deletion that had begun goes on when it is asked for again, or by itself."""
    message = "this cannot be done at the moment: the store does not answer"
    return Overloaded(message, retry_after=AGAIN_SECONDS, detail=str(error))


def shown(receipt_id: str, begun_at: float, completed_at: float, deleted: Mapping[str, int]) -> JsonObject:
    """A receipt as it is answered."""
    counts: dict[str, Json] = dict(deleted)
    return {"id": receipt_id, "begunAt": _time(begun_at), "completedAt": _time(completed_at), "deleted": counts}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
