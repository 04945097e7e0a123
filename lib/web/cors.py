"""Which web origins may call from a browser: an allow-list, no credentials, answers to preflight requests."""

from __future__ import annotations

import re
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
_NAME: Final = re.compile(r"[a-z0-9-]+")
_LONGEST_WISH: Final = 2_000
_PREFLIGHT_SECONDS: Final = b"7200"
"""The longest that Chrome keeps a preflight answer."""


@dataclass(frozen=True, slots=True)
class Cors:
    """Origins such as `https://app.example.com`; `*` lets any in."""

    origins: tuple[str, ...] = ()
    more_headers: tuple[str, ...] = ()
    """That requests may carry, beside the usual ones."""

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
            (b"access-control-allow-headers", b", ".join((_REQUEST_HEADERS, *map(header_value, self._more(request))))),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]

    def _more(self, request: Headers) -> tuple[str, ...]:
        """Further headers: the vendors' SDKs send many of their own, and none does harm where no cookie is sent."""
        asked = request.get("access-control-request-headers", "")
        names = _NAME.findall(asked.lower()) if len(asked) <= _LONGEST_WISH else []
        return tuple(dict.fromkeys((*self.more_headers, *names)))

    def _allowed(self, origin: str) -> bytes:
        if not origin:
            return b""
        if "*" in self.origins:
            return b"*"
        return header_value(origin) if origin in self.origins else b""
