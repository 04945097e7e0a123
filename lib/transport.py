"""The seam to the network: one method sends a request and gives back status, headers and body.

Everything that leaves the process (KV, providers, webhooks) goes through a `Transport`, so a test hands in
its own and a measurement can swap the client library.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol


class TransportError(Exception):
    """No complete response. `sent` is False only when the request certainly never left this process."""

    def __init__(self, kind: str, message: str, *, sent: bool) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        """`connect`, `timeout`, `reset`, `truncated` or `too_large`."""
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; each is a bound on one silence, `total` on the whole exchange."""

    connect: float = 5.0
    first_byte: float = 60.0
    between_bytes: float = 30.0
    total: float = 300.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Redirects are never followed and no body but an identity-encoded one is accepted."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)


class HttpResponse(Protocol):
    """A response whose body has not been read yet."""

    @property
    def status(self) -> int:
        """HTTP status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Header names in lower case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises TransportError when it is cut, stalls or times out."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body; TransportError of kind `too_large` beyond `limit` bytes, `truncated` when cut."""
        ...


class Transport(Protocol):
    """Sends requests; safe to share between tasks of one event loop and usable from any loop."""

    def send(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
        """Leaving the context closes the exchange, also when the body was not read to its end."""
        ...

    async def aclose(self) -> None:
        """Close what the running event loop holds open."""
        ...
