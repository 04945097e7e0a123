"""A store whose reads come from a replica that lags behind: for a while it has not seen what was just written."""

from __future__ import annotations

from collections import Counter
from typing import Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.contract import Json

NOTHING_YET: Final[dict[str, Json]] = {"GET": None, "LRANGE": [], "LLEN": 0}


class LateReplica:
    """An ASGI app. The first `late` reads of each key find nothing; MGET, too, finds nothing of such a key.

    Scripts and writes run on the primary and are always right.
    """

    def __init__(self, app: ASGIApp, late: int) -> None:
        self._app = app
        self._late = late
        self._seen: Counter[str] = Counter()
        self.late_reads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await receive()
        document: Json = orjson.loads(asked["body"])
        single = scope["path"] == "/"
        commands = [document] if single else document
        messages: list[Message] = []

        async def given() -> Message:
            return asked

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, given, keep)
        answer: Json = orjson.loads(b"".join(message["body"] for message in messages[1:]))
        cells = [answer] if single else answer
        assert isinstance(commands, list)
        assert isinstance(cells, list)
        seen = [self._late_cell(command, cell) for command, cell in zip(commands, cells, strict=True)]
        body = orjson.dumps(seen[0] if single else seen)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _late_cell(self, command: Json, cell: Json) -> Json:
        assert isinstance(command, list)
        name, *keys = [str(part) for part in command]
        if name == "MGET" and isinstance(cell, dict) and isinstance(cell.get("result"), list):
            found = cell["result"]
            assert isinstance(found, list)
            shown: list[Json] = [None if self._is_late(key) else one for key, one in zip(keys, found, strict=True)]
            return {"result": shown}
        if name in NOTHING_YET and self._is_late(keys[0]):
            return {"result": NOTHING_YET[name]}
        return cell

    def _is_late(self, key: str) -> bool:
        self._seen[key] += 1
        late = self._seen[key] <= self._late
        self.late_reads += late
        return late
