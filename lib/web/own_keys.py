"""Provider keys that callers bring for one request: `x-provider-key-openai: sk-…`, one header per provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lib.contract import OWN_KEY, Caller
from lib.errors import InvalidRequest, PermissionDenied
from lib.web.asgi import Headers

_KEY: Final = re.compile(r"[!-+\--~]+")
_LONGEST: Final = 1_024
"""Printable, without blanks and commas: two headers of one name arrive joined by a comma."""
_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class OwnKeyRules:
    """Who may bring keys, and of which providers. By default nobody."""

    tiers: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the headers that are read."""
        return tuple(f"{OWN_KEY}{name}" for name in sorted(self.providers)) if self.tiers else ()

    def read(self, headers: Headers, caller: Caller) -> Mapping[str, str]:
        """The keys by provider, none where none were sent.

        Raises PermissionDenied for callers who may not bring any, InvalidRequest naming the header for a provider that
        is not known or a key that cannot be one.
        """
        sent = {name.removeprefix(OWN_KEY): key for name, key in headers.items() if name.startswith(OWN_KEY)}
        if not sent:
            return {}
        if caller.tier not in self.tiers:
            raise PermissionDenied("Keys of your own are not accepted here.", code="own_keys_not_allowed")
        for provider, key in sent.items():
            name = f"{OWN_KEY}{provider}"[:_SHOWN]
            if provider not in self.providers:
                raise InvalidRequest("There is no provider of this name.", param=name)
            if len(key) > _LONGEST or not _KEY.fullmatch(key):
                raise InvalidRequest("This cannot be a provider's key.", param=name)
        return sent
