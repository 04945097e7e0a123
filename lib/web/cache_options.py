"""What a request asks of the cache: `gateway.cache` in the body and Cache-Control (RFC 9111, 5.2.1) in the headers.

All of it makes the cache stricter than the deployment has it, never laxer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lib.contract import CacheWish
from lib.web.asgi import Headers
from lib.web.wire_model import CacheOptions

_MAX_AGE: Final = re.compile(r'max-age="?(\d{1,10})"?', re.ASCII)


_NO_OPTIONS: Final = CacheOptions()


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Whether to read the cache and to write it, and what will do of it."""

    read: bool
    write: bool
    wish: CacheWish


def cache_use(headers: Headers, *, enabled: bool | None, options: CacheOptions | None) -> CacheUse:
    """`no-cache` and a `max-age` of 0 read nothing, `no-store` and mode `off` neither read nor write."""
    chosen = options or _NO_OPTIONS
    directives = [part.strip().lower() for part in headers.get("cache-control", "").split(",")]
    write = enabled is not False and chosen.mode != "off" and "no-store" not in directives
    ages = [int(found[1]) for part in directives if (found := _MAX_AGE.fullmatch(part))]
    oldest = min((age for age in (*ages, chosen.max_age) if age is not None), default=None)
    wish = CacheWish(
        near=chosen.mode != "exact",
        max_wrong=chosen.max_wrong,
        max_age_seconds=oldest,
        private=chosen.scope == "user",
    )
    return CacheUse(write and "no-cache" not in directives and oldest != 0, write, wish)
