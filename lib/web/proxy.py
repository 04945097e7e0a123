"""Hands a request on to another implementation and its response back, piece by piece as it comes.

Only the configured address is ever asked, no redirect is followed, and only headers that are listed are handed on: ours
stay ours (its own credentials, provider keys, who the caller says they speak for).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lib.clock import Clock
from lib.contract import Caller, CallerKind
from lib.errors import UpstreamFailed
from lib.forwarding import Forwarded
from lib.transport import HttpRequest, HttpResponse, Timeouts, Transport, TransportError
from lib.web.access import client_address
from lib.web.asgi import Call, ClientGone, Headers, RawHeader
from lib.web.hangup import WhileConnected
from lib.web.headers import header_value

HANDED_ON: Final = frozenset(
    {
        "accept",
        "accept-language",
        "authorization",
        "content-type",
        "cookie",
        "idempotency-key",
        "last-event-id",
        "origin",
        "referer",
        "sec-fetch-site",
        "traceparent",
        "tracestate",
        "user-agent",
    }
)
"""Request headers; the old implementation does its own authentication and its own check against forged requests."""
NEVER_HANDED_ON: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive"}
)
KEPT_BACK: Final = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "server", "date", "alt-svc", "set-cookie", "strict-transport-security", "vary"),
        *("x-request-id", "x-rollout-arm"),
    }
)
"""Response headers that belong to the connection behind (RFC 9110, 7.6.1), or of which ours are sent."""
NO_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The other implementation, and what it is told."""

    url: str
    token: str = field(default="", repr=False)
    """Replaces the caller's credential; then it is also told who they are."""
    headers: frozenset[str] = frozenset()
    """Handed on beside HANDED_ON, in lower case."""
    connect_seconds: float = 5.0
    idle_seconds: float = 60.0
    on_vercel: bool = False


@dataclass(slots=True)
class Watch:
    """What becomes of one request that is handed on."""

    call: Call
    caller: Caller
    requested: str
    started: float
    """Monotonic seconds, as all that follow."""
    first_byte: float | None = None
    status: int = 0
    complete: bool = False
    hung_up: bool = False
    error: str = ""
    cost_micro_usd: int | None = None

    def outcome(self, now: float) -> Forwarded:
        """As the books take it."""
        return Forwarded(
            request_id=self.call.request_id,
            caller=self.caller,
            requested=self.requested,
            status=self.status,
            complete=self.complete,
            hung_up=self.hung_up,
            error=self.error,
            latency_ms=round((now - self.started) * 1000),
            first_byte_ms=None if self.first_byte is None else round((self.first_byte - self.started) * 1000),
            cost_micro_usd=self.cost_micro_usd,
        )


class Proxy:
    """Asks one address."""

    def __init__(self, transport: Transport, clock: Clock, target: Target) -> None:
        self._transport = transport
        self._clock = clock
        self._target = target

    def watch(self, call: Call, caller: Caller, requested: str = "") -> Watch:
        """For `forward`."""
        return Watch(call, caller, requested, self._clock.monotonic())

    async def forward(self, watch: Watch, body: bytes, seconds: float) -> None:
        """Answer the call with what the other implementation says, within `seconds`.

        Raises UpstreamFailed (502, or 504 when it is late), ClientGone. A response that breaks off is cut.
        """
        call = watch.call
        request = HttpRequest(
            call.method,
            self._address(call.query_string),
            request_headers(call, watch.caller, self._target),
            body,
            Timeouts(self._target.connect_seconds, seconds, self._target.idle_seconds, seconds),
        )
        try:
            async with WhileConnected(call.receive), self._transport.send(request) as response:
                await self._pass_on(watch, response)
            await call.wire.end()
            watch.complete = True
        except TransportError as error:
            watch.error = f"legacy_{error.kind}"
            watch.status = watch.status or (504 if error.kind == "timeout" else 502)
            message = "the old implementation did not answer" + (" in time" if error.kind == "timeout" else "")
            raise UpstreamFailed(message, status=504 if error.kind == "timeout" else 502, detail=str(error)) from error
        except ClientGone:
            watch.hung_up = True
            raise

    async def _pass_on(self, watch: Watch, response: HttpResponse) -> None:
        headers = response.headers
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise TransportError("malformed", "the response is compressed although identity was asked for", sent=True)
        watch.first_byte, watch.status = self._clock.monotonic(), response.status
        watch.cost_micro_usd = cost_in(headers)
        wire = watch.call.wire
        shown = response_headers(headers, bodiless=response.status in NO_BODY)
        await wire.start(response.status, [*shown, (b"x-request-id", header_value(watch.call.request_id))])
        async for piece in response.chunks():
            await wire.chunk(piece)

    def _address(self, query: str) -> str:
        url = self._target.url
        return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def request_headers(call: Call, caller: Caller, target: Target) -> dict[str, str]:
    """What is handed on. The caller's credential is, unless it is one of this product's own or `target` has a token."""
    names = (HANDED_ON | target.headers) - NEVER_HANDED_ON
    shown = {name: value for name, value in call.headers.items() if name in names}
    if target.token or is_ours(caller):
        shown.pop("authorization", None)
        shown.pop("x-api-key", None)
    if target.token:
        shown["authorization"] = f"Bearer {target.token}"
        shown["x-user-id"] = caller.user_id
        shown["x-user-tier"] = caller.tier
    address = client_address(call.headers, on_vercel=target.on_vercel, peer=call.peer)
    if address:
        shown["x-forwarded-for"] = address.partition("/")[0]
    return shown | {"x-request-id": call.request_id}


def is_ours(caller: Caller) -> bool:
    """Whether the credential that showed who they are is worth nothing elsewhere, and something here."""
    return caller.kind in (CallerKind.SERVICE, CallerKind.ADMIN) or bool(caller.grant.key_id)


def response_headers(headers: Mapping[str, str], *, bodiless: bool) -> list[RawHeader]:
    """What the caller is shown of a response's headers."""
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    hidden = KEPT_BACK | named
    return [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
        if name not in hidden and not (name == "content-length" and bodiless) and not name.startswith("access-control-")
    ]


def cost_in(headers: Headers) -> int | None:
    """Micro-dollars of `x-ai-cost-usd`, where the other side sends it and it is a plain number."""
    whole, _, part = headers.get("x-ai-cost-usd", "").partition(".")
    if not whole.isdecimal() or not (part or "0").isdecimal() or len(whole) > 6:
        return None
    return int(whole) * 1_000_000 + int((part + "000000")[:6])


def names_of(headers: Sequence[str]) -> frozenset[str]:
    """Header names as they are compared."""
    return frozenset(name.strip().lower() for name in headers)
