"""A store that misbehaves as told: wraps the embedded server, in process or on a socket (`BreakableServer`).

Faults are taken from `script` one per request, then `always` rules. None means to behave.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, TypeAlias

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.contract import Json
from lib.transport import HttpRequest
from tests.support.asgi_transport import AsgiTransport, Exchange


class Fault(Enum):
    """What goes wrong with one request."""

    DROP = auto()
    """The connection breaks and nothing was executed."""
    DROP_AFTER = auto()
    """The commands are executed, then the connection breaks."""
    HANG = auto()
    """Nothing is executed and nothing answered, until the client leaves."""
    HANG_AFTER = auto()
    """The commands are executed and nothing is answered."""
    TRUNCATED = auto()
    """Half the announced body, then the connection breaks."""
    HALF_JSON = auto()
    """Half the body, announced as all there is."""
    SHORT = auto()
    """One result too few."""
    ROTATED = auto()
    """Every result at its neighbour's place."""
    FIRST_FAILS = auto()
    """The first command's result is replaced by an error."""
    WRONG_TYPE = auto()
    """Each result is an object, which Redis never answers."""
    WRONG_SHAPE = auto()
    """A JSON object that is no answer at all."""


@dataclass(frozen=True)
class Status:
    """Answered instead of the real answer; nothing is executed."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class Held:
    """Answered in full once the event is set."""

    until: asyncio.Event


@dataclass(frozen=True)
class Refuses:
    """Commands of that name with that text in one of their arguments are answered by an error and not executed."""

    command: str
    containing: str = ""

    def meets(self, command: Json) -> bool:
        if not isinstance(command, list) or command[0] != self.command:
            return False
        return any(self.containing in str(part) for part in command)


Scripted: TypeAlias = Fault | Status | Held | Refuses | None

INSTANT_SECONDS: Final = 0.02
REFUSED: Final = "OOM command not allowed when used memory > 'maxmemory'."
UNAUTHORIZED: Final = Status(401, b'{"error":"WRONGPASS invalid or missing auth token"}')
QUOTA: Final = Status(400, b'{"error":"ERR max requests limit exceeded. Limit: 500000, Usage: 500001."}')
TOO_MANY: Final = Status(429, b"Too Many Requests", "text/plain")
SERVER_ERROR: Final = Status(500, b'{"error":"internal error"}')
BAD_GATEWAY: Final = Status(502, b"<html><body>502</body></html>", "text/html")
HTML: Final = Status(200, b"<html><body>Sign in</body></html>", "text/html")
EMPTY: Final = Status(200, b"")


class FaultyKv:
    """An ASGI app. `requests` counts what arrived; `arrived` is set by each request and may be cleared by the test."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.script: deque[Scripted] = deque()
        self.always: Scripted = None
        self.requests = 0
        self.arrived = asyncio.Event()

    @property
    def next(self) -> Scripted:
        """What happens to the next request."""
        return self.script[0] if self.script else self.always

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.requests += 1
        self.arrived.set()
        match self.script.popleft() if self.script else self.always:
            case None:
                await self._app(scope, receive, send)
            case Status() as answer:
                await _answer(send, answer.status, answer.body, answer.content_type)
            case Held(until):
                await until.wait()
                await self._app(scope, receive, send)
            case Refuses() as rule:
                await self._refuse(rule, (scope, receive, send))
            case Fault.DROP:
                raise ConnectionResetError("scripted")
            case Fault.HANG:
                await _client_gone(receive)
            case fault:
                await self._after(fault, (scope, receive, send))

    async def _refuse(self, rule: Refuses, call: tuple[Scope, Receive, Send]) -> None:
        scope, receive, send = call
        asked: Json = orjson.loads((await receive())["body"])
        single = scope["path"] == "/"
        commands: list[Json] = [asked] if single else list(asked) if isinstance(asked, list) else []
        passed = [command for command in commands if not rule.meets(command)]
        cells: list[Json] = []
        if passed:
            body = orjson.dumps(passed)
            there = {"type": "http.request", "body": body, "more_body": False}
            headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
            pipeline = dict(scope) | {"path": "/pipeline", "raw_path": b"/pipeline", "headers": headers}

            async def given() -> Message:
                return there

            answer: Json = orjson.loads((await self._run(pipeline, given))[1])
            cells = answer if isinstance(answer, list) else []
        replies = iter(cells)
        merged: list[Json] = [{"error": REFUSED} if rule.meets(command) else next(replies) for command in commands]
        await _answer(send, 200, orjson.dumps(merged[0] if single else merged))

    async def _after(self, fault: Fault, call: tuple[Scope, Receive, Send]) -> None:
        """The faults that let the commands be executed."""
        scope, receive, send = call
        start, body = await self._run(scope, receive)
        if fault is Fault.DROP_AFTER:
            raise ConnectionResetError("scripted")
        if fault is Fault.HANG_AFTER:
            await _client_gone(receive)
        elif fault is Fault.TRUNCATED:
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            raise ConnectionResetError("scripted")
        else:
            await _answer(send, start["status"], SPOILS[fault](body))

    async def _run(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The real answer, kept back."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages[0], b"".join(message["body"] for message in messages[1:])


async def _answer(send: Send, status: int, body: bytes, content_type: str = "application/json") -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _on_results(change: Callable[[list[Json]], Json]) -> Callable[[bytes], bytes]:
    """Change the cells of an answer; a single answer is a list of one."""

    def spoil(body: bytes) -> bytes:
        answer: Json = orjson.loads(body)
        if isinstance(answer, list):
            return orjson.dumps(change(answer))
        changed = change([answer])
        return orjson.dumps(changed[0] if isinstance(changed, list) and changed else changed)

    return spoil


SPOILS: Final[dict[Fault, Callable[[bytes], bytes]]] = {
    Fault.HALF_JSON: lambda body: body[: len(body) // 2],
    Fault.SHORT: _on_results(lambda cells: cells[:-1]),
    Fault.ROTATED: _on_results(lambda cells: cells[1:] + cells[:1]),
    Fault.FIRST_FAILS: _on_results(lambda cells: [{"error": "ERR scripted"}, *cells[1:]]),
    Fault.WRONG_TYPE: _on_results(lambda cells: [{"result": {"un": "expected"}} for _ in cells]),
    Fault.WRONG_SHAPE: lambda _: b'{"ok":true}',
}


class ImpatientTransport(AsgiTransport):
    """Waits for a silence that is scripted for an instant only, and for everything else as long as it is told to.

    So a test of silences does not take long, and none fails because the machine is slow.
    """

    def __init__(self, faulty: FaultyKv) -> None:
        super().__init__(faulty)
        self._faulty = faulty

    def send(self, request: HttpRequest) -> Exchange:
        """See `Transport`."""
        if self._faulty.next in (Fault.HANG, Fault.HANG_AFTER):
            request = replace(request, timeouts=replace(request.timeouts, total=INSTANT_SECONDS))
        return super().send(request)
