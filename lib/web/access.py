"""Who is asking: credentials to a `Caller`, and the client's address where it can be trusted.

Authenticators stand in a row; the first that knows the credential decides. A secret that is not set knows nobody:
its endpoint is closed. What a body claims counts only for callers who may speak for others.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field, replace
from typing import Final

from lib.access.credentials import Authenticator, Credentials, Tiers
from lib.contract import Caller, CallerKind
from lib.errors import AuthenticationFailed, InvalidRequest, PermissionDenied
from lib.web.asgi import Headers

_LONGEST_USER_ID: Final = 256
_TRUSTED: Final = frozenset({CallerKind.SERVICE, CallerKind.ADMIN})
_NETWORK_BITS: Final = 64
"""One household or host gets at least a /64 of IPv6 (RFC 6177): its addresses count as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """The secrets and switches that decide who may enter."""

    service_token: str = field(default="", repr=False)
    admin_token: str = field(default="", repr=False)
    allow_anonymous: bool = False
    on_vercel: bool = False
    """Whether the platform sets the client's address headers."""
    tiers: frozenset[str] = frozenset({"free", "pro", "expert", "master"})
    default_tier: str = "free"


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a request says it speaks for."""

    user_id: str | None = None
    tier: str | None = None


NOBODY: Final = Claim()


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A token that all callers of one kind share: the service's own servers, or the operator."""

    kind: CallerKind
    secret: str = field(repr=False)

    async def recognise(self, credentials: Credentials) -> Caller | None:
        """The kind itself as a user, until a claim names one."""
        known = same_secret(credentials.token, self.secret)
        return Caller(self.kind.value, "", self.kind) if known else None


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No credential at all: one user per address, where that is switched on."""

    allowed: bool
    tier: str

    async def recognise(self, credentials: Credentials) -> Caller | None:
        """The address as a user; a credential that nobody knew is never taken for none."""
        if credentials.token is not None or not self.allowed:
            return None
        address = credentials.address
        return Caller(f"anon:{address or 'unknown'}", self.tier, CallerKind.ANONYMOUS, address)


class Access:
    """The row of authenticators. `more` come before anonymous callers: API keys, JWTs.

    `tiers` is asked for whoever comes without a tier; without it they all have the default one.
    """

    def __init__(self, rules: AccessRules, more: tuple[Authenticator, ...] = (), tiers: Tiers | None = None) -> None:
        self._rules = rules
        self._tiers = tiers
        self._authenticators: tuple[Authenticator, ...] = (
            SharedSecret(CallerKind.ADMIN, rules.admin_token),
            SharedSecret(CallerKind.SERVICE, rules.service_token),
            *more,
            Anonymous(allowed=rules.allow_anonymous, tier=rules.default_tier),
        )

    async def identify(self, headers: Headers, *, peer: str | None) -> Caller:
        """Who sends this request, where its body names nobody: `recognise`, then `entitled`."""
        return await self.entitled(await self.recognise(headers, peer=peer), NOBODY)

    async def recognise(self, headers: Headers, *, peer: str | None) -> Caller:
        """Who sends this request; `x-user-id` and `x-user-tier` say for whom a trusted caller speaks.

        `peer` is the address at the other end of the socket. The tier is empty until `entitled` has settled it.

        Raises:
            AuthenticationFailed: no credential is known, or none was sent and anonymous callers are not let in.
            InvalidRequest: a trusted caller names an impossible user or tier.
        """
        token = bearer_token(headers)
        address = client_address(headers, on_vercel=self._rules.on_vercel, peer=peer)
        for authenticator in self._authenticators:
            caller = await authenticator.recognise(Credentials(token, address))
            if caller is not None:
                claim = Claim(_as_utf_8(headers.get("x-user-id", "")) or None, headers.get("x-user-tier") or None)
                return self.on_behalf(caller, claim)
        if token is None:
            raise AuthenticationFailed(
                "Credentials are missing: send them as `Authorization: Bearer …`.",
                code="missing_credentials",
            )
        raise AuthenticationFailed("The credentials are not valid.")

    def on_behalf(self, caller: Caller, claim: Claim) -> Caller:
        """The caller a claim makes of a trusted caller; anyone else stays who they are.

        Raises InvalidRequest for a user id of control characters or beyond 256 characters, or an unknown tier.
        """
        if caller.kind not in _TRUSTED:
            return caller
        user_id, tier = claim.user_id or caller.user_id, claim.tier or caller.tier
        if len(user_id) > _LONGEST_USER_ID or not user_id.isprintable():
            raise InvalidRequest(f"A user id is at most {_LONGEST_USER_ID} printable characters.", param="userId")
        if tier and tier not in self._rules.tiers:
            raise InvalidRequest(f"The tier must be one of {', '.join(sorted(self._rules.tiers))}.", param="tier")
        return replace(caller, user_id=user_id, tier=tier)

    async def entitled(self, caller: Caller, claim: Claim) -> Caller:
        """`on_behalf`, with a tier: the one claimed, or of the credential, or that the user is known to have."""
        named = self.on_behalf(caller, claim)
        if named.tier:
            return named
        if self._tiers is None or (named.kind in _TRUSTED and named.user_id == named.kind.value):
            return replace(named, tier=self._rules.default_tier)
        return replace(named, tier=await self._tiers.tier_of(named.user_id))

    def require_admin(self, headers: Headers) -> None:
        """Pass the operator. Raises AuthenticationFailed without a known token, PermissionDenied for the service's."""
        token = bearer_token(headers)
        if same_secret(token, self._rules.admin_token):
            return
        if same_secret(token, self._rules.service_token):
            raise PermissionDenied("This needs the admin token.")
        raise AuthenticationFailed("This needs the admin token: send it as `Authorization: Bearer …`.")


def _as_utf_8(header: str) -> str:
    """A header's text as a body would hold it, so that a user is the same one either way; Latin-1 where it must be."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def same_secret(given: str | None, secret: str) -> bool:
    """Compare in constant time, as bytes (header text is Latin-1). An empty secret equals nothing."""
    if not secret or not given:
        return False
    return hmac.compare_digest(given.encode("latin-1", "replace"), secret.encode())


def bearer_token(headers: Headers) -> str | None:
    """The token of `Authorization: Bearer …`, else of `x-api-key`: None without either, empty for another scheme."""
    header = headers.get("authorization")
    if header is None:
        key = headers.get("x-api-key")
        return key.strip() if key is not None else None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def client_address(headers: Headers, *, on_vercel: bool, peer: str | None) -> str | None:
    """The client's address for per-address limits: IPv4 as it is, IPv6 as its /64; None when there is none to trust.

    On Vercel the platform overwrites both headers that are read; anywhere else a client could write them itself.
    """
    if not on_vercel:
        return _normal(peer or "")
    forwarded = headers.get("x-vercel-forwarded-for", "").split(",")[0]
    return _normal(forwarded) or _normal(headers.get("x-real-ip", ""))


def _normal(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address.packed, _NETWORK_BITS), strict=False))
        address = address.ipv4_mapped
    return str(address)
