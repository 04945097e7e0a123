"""A credential as it was sent, and what knows its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from lib.contract import Caller


@dataclass(frozen=True, slots=True)
class Credentials:
    """What authenticators look at."""

    token: str | None = field(repr=False)
    """Of the Authorization header; None without one, empty when it is not of the Bearer scheme."""
    address: str | None


class Authenticator(Protocol):
    """One kind of credential."""

    async def recognise(self, credentials: Credentials) -> Caller | None:
        """The caller, or None when the credential is not of this kind. AuthenticationFailed for a bad one of it.

        A caller without a tier (empty) gets the one that their user id has.
        """
        ...


class Tiers(Protocol):
    """Knows what users are entitled to."""

    async def tier_of(self, user_id: str) -> str:
        """The user's tier; the lowest where nothing else is known. Raises nothing."""
        ...
