"""What every route shares: method, CORS, request id, and the one place where any exception becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from lib.errors import GatewayError, Overloaded
from lib.web.asgi import BODY_LIMIT, Call, ClientGone, RawHeader, Receive, Scope, Send, Wire, headers_of, peer_of
from lib.web.cors import Cors
from lib.web.errors import error_body, error_headers
from lib.web.headers import header_value

LOG: Final = logging.getLogger(__name__)
AGAIN_SECONDS: Final = 1.0
"""After which a request that was turned away may find room."""


Handler: TypeAlias = Callable[[Call], Awaitable[None]]
"""Sends the whole response through `call.wire`, or raises before it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRules:
    """How a route is reached."""

    methods: tuple[str, ...] = ("GET",)
    """GET stands for HEAD too."""
    cors: Cors = field(default_factory=Cors)
    body_limit: int = BODY_LIMIT
    error_body: Callable[[GatewayError, str], bytes] = error_body
    """An error in the words of the route's protocol; it is given the request id too."""
    at_once: int | None = None
    """Requests under way beyond which further ones are turned away before any work; None for no bound."""


class Endpoint:
    """An ASGI app around a handler. `ids` gives a fresh request id."""

    def __init__(self, handler: Handler, ids: Callable[[], str], rules: EndpointRules) -> None:
        self._handler = handler
        self._ids = ids
        self._rules = rules
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing but a cancellation leaves here."""
        call = self._call(scope, receive, send)
        if call.method == "OPTIONS":
            await self._options(call)
        elif not self._takes(call.method):
            await self._refuse_method(call)
        else:
            await self._answer(call)

    def _call(self, scope: Scope, receive: Receive, send: Send) -> Call:
        headers = headers_of(scope)
        method = str(scope.get("method", "GET"))
        query = scope.get("query_string", b"")
        return Call(
            request_id=self._ids(),
            method=method,
            path=str(scope.get("path", "/")),
            query_string=query.decode("latin-1") if isinstance(query, bytes) else "",
            headers=headers,
            peer=peer_of(scope),
            receive=receive,
            wire=Wire(send, self._rules.cors.headers(headers), without_body=method == "HEAD"),
            body_limit=self._rules.body_limit,
        )

    def _takes(self, method: str) -> bool:
        return method in self._rules.methods or (method == "HEAD" and "GET" in self._rules.methods)

    async def _answer(self, call: Call) -> None:
        most = self._rules.at_once
        if most is not None and self._under_way >= most:
            await self._guarded(call, self._turn_away(call))
            return
        self._under_way += 1
        try:
            await self._carry_out(call)
        finally:
            self._under_way -= 1

    async def _carry_out(self, call: Call) -> None:
        try:
            await self._guarded(call, self._handler(call))
        finally:
            for act in call.afterwards:
                await self._guarded(call, act())

    async def _options(self, call: Call) -> None:
        headers: list[RawHeader] = [(b"allow", self._allow()), (b"x-request-id", header_value(call.request_id))]
        headers += self._rules.cors.preflight(call.headers, self._rules.methods)
        await call.wire.start(204, headers)
        await call.wire.end()

    async def _refuse_method(self, call: Call) -> None:
        error = GatewayError("This method is not available here.", code="method_not_allowed")
        error.type = "invalid_request_error"
        headers = [*error_headers(error, call.request_id), (b"allow", self._allow())]
        await call.wire.whole(405, headers, self._rules.error_body(error, call.request_id))

    def _allow(self) -> bytes:
        head = ("HEAD",) if "GET" in self._rules.methods else ()
        return ", ".join((*self._rules.methods, *head, "OPTIONS")).encode()

    async def _guarded(self, call: Call, work: Awaitable[None]) -> None:
        """The outermost place: whatever `work` raises is logged and, while there is a response to send, answered."""
        try:
            try:
                await work
            except GatewayError as error:
                _log(call, error)
                await self._fail(call, error)
            except ClientGone:
                raise
            except Exception:
                LOG.exception("request %s: unexpected error", call.request_id)
                await self._fail(call, GatewayError("Something went wrong on our side."))
        except ClientGone:
            LOG.info("request %s: the client hung up", call.request_id)

    async def _turn_away(self, call: Call) -> None:
        # Not logged: a flood of these is no time for a line each.
        message = "this instance has as many requests under way as it can carry; try again soon"
        await self._fail(call, Overloaded(message, retry_after=AGAIN_SECONDS))

    async def _fail(self, call: Call, error: GatewayError) -> None:
        if call.wire.started:
            await call.wire.fail(error)
        else:
            body = self._rules.error_body(error, call.request_id)
            await call.wire.whole(error.status, error_headers(error, call.request_id), body)


def _log(call: Call, error: GatewayError) -> None:
    """The operator's half of an error; a caller's own mistake is not worth a line."""
    if error.detail or error.status >= 500:
        LOG.warning("request %s: %d %s %s", call.request_id, error.status, error.code, error.detail)
