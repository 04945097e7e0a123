"""Which web origins may call from a browser: an allow-list, no credentials, answers to preflight requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.web.asgi import Headers, RawHeader
from lib.web.headers import EXPOSED, header_value

_REQUEST_HEADERS: Final = b", ".join(
    (
        b"authorization",
        b"x-api-key",
        b"content-type",
        b"accept",
        b"cache-control",
        b"idempotency-key",
        b"x-ai-stream-protocol",
        b"x-user-id",
        b"x-user-tier",
    )
)
_EXPOSED: Final = ", ".join(EXPOSED).encode()
_PREFLIGHT_SECONDS: Final = b"7200"
"""The longest that Chrome keeps a preflight answer."""


@dataclass(frozen=True, slots=True)
class Cors:
    """Origins such as `https://app.example.com`; `*` lets any in."""

    origins: tuple[str, ...] = ()

    def headers(self, request: Headers) -> list[RawHeader]:
        """What a response to this request carries; only `vary` when its origin is not on the list."""
        if not self.origins:
            return []
        vary: list[RawHeader] = [(b"vary", b"Origin")]
        allowed = self._allowed(request.get("origin", ""))
        if not allowed:
            return vary
        return [*vary, (b"access-control-allow-origin", allowed), (b"access-control-expose-headers", _EXPOSED)]

    def preflight(self, request: Headers, methods: tuple[str, ...]) -> list[RawHeader]:
        """What an OPTIONS answer adds to `headers`."""
        if not self._allowed(request.get("origin", "")):
            return []
        return [
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]

    def _allowed(self, origin: str) -> bytes:
        if not origin:
            return b""
        if "*" in self.origins:
            return b"*"
        return header_value(origin) if origin in self.origins else b""
