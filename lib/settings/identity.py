"""Settings of who users are and what they pay for: tokens of identity providers, subscriptions, keys of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from lib.errors import SettingsError
from lib.settings.variables import Group, Variable, declared, number, pairs, secret, text, whole, words

ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures with a key pair. HS256 is switched on by its secret alone."""
USUAL: Final = ("RS256", "ES256", "EdDSA")
USERS_WRITE: Final = frozenset({"user_metadata", "unsafe_metadata"})
"""Claims that users of Supabase and Clerk may set themselves."""
SHORTEST_SECRET: Final = 32
"""Bytes: an HS256 key is no shorter than its hash (RFC 7518, 3.2)."""
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
COLUMNS: Final = {"user": "user_id", "tier": "tier", "status": "status", "ends": "current_period_end"}


def https(name: str, purpose: str) -> str:
    """A setting that takes an https address, or a loopback one over http."""

    def parse(given: str) -> str:
        if not is_safe(given):
            raise ValueError(given)
        return given.rstrip("/")

    return declared(Variable(name, purpose, "an https address", "–", parse, ""), "")


def is_safe(address: str) -> bool:
    """Whether what is read from there cannot have been changed on the way."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _algorithms(name: str, purpose: str) -> tuple[str, ...]:
    def parse(given: str) -> tuple[str, ...]:
        names = tuple(word.strip() for word in given.split(","))
        if not set(names) <= set(ALGORITHMS):
            raise ValueError(given)
        return names

    return declared(Variable(name, purpose, f"some of {', '.join(ALGORITHMS)}", ", ".join(USUAL), parse, USUAL), USUAL)


def _claim_of_the_issuer(name: str, purpose: str) -> str:
    def parse(given: str) -> str:
        if not USERS_WRITE.isdisjoint(given.split(".")):
            raise ValueError(given)
        return given

    takes = f"a claim that users cannot write themselves, so not in {' or '.join(sorted(USERS_WRITE))}"
    return declared(Variable(name, purpose, takes, "–", parse, ""), "")


def _secret_key(name: str, purpose: str) -> str | None:
    def parse(given: str) -> str:
        if len(given.encode()) < SHORTEST_SECRET:
            raise ValueError
        return given

    takes = f"a secret text of at least {SHORTEST_SECRET} bytes"
    return declared(Variable(name, purpose, takes, "–", parse, None, secret=True), None)


def _column(given: str) -> str:
    if not COLUMN.fullmatch(given):
        raise ValueError(given)
    return given


class Jwt(Group):
    """Tokens of identity providers (Supabase, Clerk, Auth0, any OIDC issuer). Without an issuer none is taken."""

    issuers: tuple[str, ...] = words("JWT_ISSUER", "Issuers (`iss`) whose tokens are taken")
    audiences: tuple[str, ...] = words(
        "JWT_AUDIENCE", "Audiences (`aud`); when unset, only tokens that name none are taken"
    )
    jwks_url: str = https("JWT_JWKS_URL", "The issuer's key set, where it is not at `/.well-known/jwks.json`")
    algorithms: tuple[str, ...] = _algorithms("JWT_ALGORITHMS", "Signatures that are taken")
    secret: str | None = _secret_key("JWT_SECRET", "Takes HS256 tokens signed with it as well (Supabase's legacy keys)")
    user_claim: str = text("JWT_USER_CLAIM", "sub", "Claim with the user id; dots lead into objects")
    tier_claim: str = _claim_of_the_issuer("JWT_TIER_CLAIM", "Claim with the tier, such as `app_metadata.tier`")
    skew_seconds: int = whole("JWT_CLOCK_SKEW_SECONDS", 30, "How far the issuer's clock may be off", high=600)
    keys_seconds: int = whole("JWT_JWKS_SECONDS", 600, "How long a key set is kept", low=60, high=86_400)

    def key_sets(self) -> Mapping[str, str]:
        """The address of each issuer's key set. Raises SettingsError for what cannot be."""
        if (self.secret or self.jwks_url) and len(self.issuers) != 1:
            name = "JWT_SECRET" if self.secret else "JWT_JWKS_URL"
            raise SettingsError(f"{name} goes with exactly one issuer in JWT_ISSUER")
        for issuer in () if self.jwks_url else self.issuers:
            if not is_safe(issuer):
                raise SettingsError("JWT_ISSUER must be https addresses, or JWT_JWKS_URL must be set")
        return {issuer: self.jwks_url or f"{issuer.rstrip('/')}/.well-known/jwks.json" for issuer in self.issuers}


class Subscriptions(Group):
    """Where a user's tier is known: Supabase's table, told by Stripe's webhook."""

    supabase_url: str = https("SUPABASE_URL", "Project in which tiers are looked up; with its key")
    supabase_key: str | None = secret("SUPABASE_SERVICE_ROLE_KEY", "Reads the subscriptions")
    table: str = text("SUPABASE_SUBSCRIPTIONS_TABLE", "subscriptions", "The table")
    columns: Mapping[str, str] = pairs(
        "SUPABASE_SUBSCRIPTIONS_COLUMNS",
        f"Its columns, where they are not {', '.join(COLUMNS.values())}",
        "user=column,tier=column,status=column,ends=column, any of these",
        _column,
    )
    cache_seconds: int = whole("TIER_CACHE_SECONDS", 300, "How long a tier is trusted before it is looked up again")
    wait_seconds: float = number("TIER_LOOKUP_SECONDS", 1.0, "Longest that a request waits for it", low=0.01)
    stripe_secret: str | None = secret("STRIPE_WEBHOOK_SECRET", "Signs Stripe's events; unset closes the webhook")
    stripe_tiers: Mapping[str, str] = pairs(
        "STRIPE_PRICE_TIERS", "The tier that a price buys; else the subscription's metadata `tier`", "price=tier,…", str
    )
    stripe_user_field: str = text("STRIPE_USER_METADATA", "user_id", "Field of a subscription's metadata with the user")

    @property
    def in_supabase(self) -> bool:
        """Whether there is a table to ask."""
        return bool(self.supabase_url and self.supabase_key)

    def columns_in_force(self) -> Mapping[str, str]:
        """The names of COLUMNS and the columns that hold them. Raises SettingsError for another name."""
        if strange := set(self.columns) - set(COLUMNS):
            raise SettingsError(
                f"SUPABASE_SUBSCRIPTIONS_COLUMNS must name some of {', '.join(COLUMNS)}, not {min(strange)}"
            )
        return {**COLUMNS, **self.columns}


class OwnKeys(Group):
    """Provider keys that callers bring themselves."""

    tiers: tuple[str, ...] = words(
        "BYOK_ALLOWED_TIERS", "Tiers that may send provider keys of their own in `x-provider-key-…`; unset: none"
    )
