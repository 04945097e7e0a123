"""Tokens that identity providers sign (JWT, RFC 7519 and 8725): the user, and where a claim says it the tier.

Which signatures count is decided here: a token's header only picks among them. HS256 is checked with the configured
secret and nothing else, every other algorithm with the issuer's public keys and nothing else. PyJWT checks signature,
audience and that no extension is critical; it is imported when a token first looks like one.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from lib.access.credentials import Credentials
from lib.access.key_set import KeySet
from lib.clock import Clock
from lib.contract import Caller, CallerKind, Json, JsonObject
from lib.errors import AuthenticationFailed
from lib.json_text import parse
from lib.settings.identity import Jwt
from lib.side_calls import SideCalls

LONGEST: Final = 8_192
"""Characters. Longer ones are not looked into."""
LONGEST_USER_ID: Final = 256
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SHARED: Final = "HS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What makes a token count."""

    audiences: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    secret: str = field(default="", repr=False)
    user_claim: str = "sub"
    tier_claim: str = ""
    tiers: frozenset[str] = frozenset()
    skew_seconds: float = 30.0


class JwtTokens:
    """Recognises the tokens of the issuers in `key_sets`."""

    def __init__(self, rules: TokenRules, key_sets: Mapping[str, KeySet], clock: Clock) -> None:
        self._rules = rules
        self._key_sets = key_sets
        self._clock = clock

    async def recognise(self, credentials: Credentials) -> Caller | None:
        """The user a token names; None for what is no JWT.

        Raises AuthenticationFailed for a bad or expired token, Overloaded when the issuer's keys cannot be had.
        """
        token = credentials.token
        if token is None or not looks_like_jwt(token):
            return None
        claims = await self._claims(token)
        check_times(claims, self._clock.now(), self._rules.skew_seconds)
        tier = claim_at(claims, self._rules.tier_claim)
        known = tier if isinstance(tier, str) and tier in self._rules.tiers else ""
        return Caller(self._user(claims), known, CallerKind.USER, credentials.address)

    async def _claims(self, token: str) -> JsonObject:
        """The claims of a token whose signature, issuer and audience are right."""
        if len(token) > LONGEST or not _SHAPE.fullmatch(token):
            raise refused()
        head, body = (_part(text) for text in token.split(".")[:2])
        issuer, algorithm, kid = body.get("iss"), head.get("alg"), head.get("kid")
        key_set = self._key_sets.get(issuer) if isinstance(issuer, str) else None
        if key_set is None or not isinstance(algorithm, str):
            raise refused()
        for key in await self._keys(key_set, algorithm, kid if isinstance(kid, str) else None):
            if self._signed(token, algorithm, key):
                return body
        raise refused()

    async def _keys(self, key_set: KeySet, algorithm: str, kid: str | None) -> tuple[object, ...]:
        if algorithm == _SHARED:
            return (self._rules.secret,) if self._rules.secret else ()
        if algorithm not in self._rules.algorithms:
            return ()
        return tuple(key.material for key in await key_set.keys_for(kid, algorithm))

    def _signed(self, token: str, algorithm: str, key: object) -> bool:
        import jwt

        try:
            # Times are checked by our own clock.
            jwt.decode(
                token,
                key,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - one of PyJWT's own key types
                algorithms=[algorithm],
                audience=self._rules.audiences or None,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            return False
        return True

    def _user(self, claims: JsonObject) -> str:
        user = claim_at(claims, self._rules.user_claim)
        named = str(user) if isinstance(user, int) and not isinstance(user, bool) else user
        if not isinstance(named, str) or not 0 < len(named) <= LONGEST_USER_ID or not named.isprintable():
            raise refused("The token names no user.")
        return named


def looks_like_jwt(token: str) -> bool:
    """Whether a credential has the form of a signed token: three parts, the first an object in base64url."""
    return token.startswith("eyJ") and token.count(".") == 2


def check_times(claims: JsonObject, now: float, skew: float) -> None:
    """`exp` is required; `nbf` and `iat` must not lie ahead. Raises AuthenticationFailed."""
    expires = claims.get("exp")
    if not _is_time(expires):
        raise refused("The token has no expiry.")
    if now >= float(expires) + skew:
        raise AuthenticationFailed("The token has expired.", code="expired_token")
    for name in ("nbf", "iat"):
        start = claims.get(name, 0)
        if not _is_time(start) or float(start) > now + skew:
            raise refused("The token is not valid yet.")


def claim_at(claims: JsonObject, path: str) -> Json:
    """The claim of that name, else the one that the dots in it lead to; None when there is none."""
    if path in claims:
        return claims[path]
    value: Json = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def refused(message: str = "The token is not valid.") -> AuthenticationFailed:
    """Says no more than that: what exactly is wrong helps forgers most."""
    return AuthenticationFailed(message, code="invalid_token")


def _is_time(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _part(text: str) -> JsonObject:
    """One part of a token, not yet trusted. Raises AuthenticationFailed when it is no object."""
    try:
        value = parse(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise refused() from None
    if not isinstance(value, dict):
        raise refused()
    return value


def jwt_authenticator(
    given: Jwt, addresses: Mapping[str, str], tiers: frozenset[str], calls: SideCalls, clock: Clock
) -> JwtTokens:
    """The authenticator that the settings ask for; `addresses` are of the key sets, by issuer."""
    rules = TokenRules(
        audiences=given.audiences,
        algorithms=given.algorithms,
        secret=given.secret or "",
        user_claim=given.user_claim,
        tier_claim=given.tier_claim,
        tiers=tiers,
        skew_seconds=given.skew_seconds,
    )
    key_sets = {issuer: KeySet(url, calls, clock, given.keys_seconds) for issuer, url in addresses.items()}
    return JwtTokens(rules, key_sets, clock)
