"""Where the store is, found in the environment under any of the names that Upstash and Vercel give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lib.errors import SettingsError

NAME_PAIRS: Final = (
    ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
    ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
)
"""Upstash's own names, then those of Vercel's Marketplace integration, which may put `PREFIX_` before either."""


@dataclass(frozen=True, slots=True)
class KvEndpoint:
    """An Upstash Redis database over REST; `url` has no trailing slash."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> KvEndpoint | None:
        """The first pair that is set, plain names before prefixed ones; None when there is none.

        Raises SettingsError naming what is missing of half a pair, or a URL that is none. A read-only token is
        never taken: nothing here works without writing.
        """
        for url_name, token_name in _candidates(env):
            url, token = env.get(url_name, "").strip().rstrip("/"), env.get(token_name, "").strip()
            if not url and not token:
                continue
            if not url or not token:
                missing, given = (url_name, token_name) if token else (token_name, url_name)
                raise SettingsError(f"{missing} must be set, since {given} is")
            if not url.startswith(("https://", "http://")):
                raise SettingsError(f"{url_name} must be an http(s) URL (the REST URL, not redis://)")
            return cls(url, token)
        return None


def _candidates(env: Mapping[str, str]) -> list[tuple[str, str]]:
    prefixed: set[tuple[str, str]] = set()
    for url_name, token_name in NAME_PAIRS:
        for end in (url_name, token_name):
            prefixes = (name.removesuffix(end) for name in env if name.endswith("_" + end))
            prefixed |= {(prefix + url_name, prefix + token_name) for prefix in prefixes}
    return [*NAME_PAIRS, *sorted(prefixed)]
