"""The public keys of one issuer, read from its JWKS (RFC 7517): kept for a while, and again when a new key appears.

However many tokens name keys that do not exist, the issuer is asked once per `AGAIN_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lib.clock import Clock
from lib.contract import Json, JsonObject
from lib.errors import Overloaded, SideCallFailed
from lib.json_text import value_in
from lib.side_calls import SideCalls

if TYPE_CHECKING:
    from jwt.types import JWKDict

AGAIN_SECONDS: Final = 30.0
"""Between two readings that were not due, because a token named an unknown key."""
AGAIN_AFTER_TROUBLE_SECONDS: Final = 5.0
STALE_SECONDS: Final = 86_400.0
"""Keys that cannot be read again are trusted this long beyond their time."""
WAIT_SECONDS: Final = 3.0
LARGEST: Final = 131_072
"""Bytes of a key set."""
MOST_KEYS: Final = 32
NEVER: Final = float("-inf")
SHORTEST_RSA: Final = 342
"""Digits of a modulus of 2,048 bits (RFC 7518, 3.3) in base64url."""

KINDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
        "ES256": ("EC", "P-256"),
        "ES384": ("EC", "P-384"),
        "ES512": ("EC", "P-521"),
        "EdDSA": ("OKP", "Ed25519"),
    }
)
"""Type and curve of the keys that a signature is checked with."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of a set; `material` is what the signature library takes."""

    kid: str
    kind: tuple[str, str]
    algorithm: str
    """The only one it is for; empty when its kind decides."""
    material: object = field(repr=False)

    def fits(self, algorithm: str) -> bool:
        """Whether it may check signatures of this algorithm."""
        return self.kind == KINDS[algorithm] and self.algorithm in ("", algorithm)


class KeySet:
    """Answers from memory while it can; one reading at a time serves everybody who waits."""

    def __init__(self, url: str, calls: SideCalls, clock: Clock, seconds: float) -> None:
        self._url = url
        self._calls = calls
        self._clock = clock
        self._seconds = seconds
        self._keys: tuple[PublicKey, ...] = ()
        self._read_at = self._tried_at = NEVER
        self._failed = False
        self._reading: asyncio.Task[None] | None = None

    async def keys_for(self, kid: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have signed a token: those of its `kid`, or the only one that fits where it names none.

        Raises Overloaded when that cannot be known, because the key set cannot be read.
        """
        if not (self._fresh and self._known(kid, algorithm)) and self._may_read:
            await self._read_once()
        found = self._known(kid, algorithm) if self._usable else ()
        if not found and self._failed:
            raise Overloaded("the token cannot be checked right now; try again soon", retry_after=1.0)
        return found

    def _known(self, kid: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        fit = tuple(key for key in self._keys if key.fits(algorithm))
        if kid is None:
            return fit if len(fit) == 1 else ()
        return tuple(key for key in fit if key.kid == kid)

    @property
    def _fresh(self) -> bool:
        return self._clock.now() < self._read_at + self._seconds

    @property
    def _usable(self) -> bool:
        return self._clock.now() < self._read_at + self._seconds + STALE_SECONDS

    @property
    def _may_read(self) -> bool:
        pause = AGAIN_AFTER_TROUBLE_SECONDS if self._failed and not self._keys else AGAIN_SECONDS
        return self._reading is not None or self._clock.now() >= self._tried_at + pause

    async def _read_once(self) -> None:
        if self._reading is None or self._reading.get_loop() is not asyncio.get_running_loop():
            self._tried_at = self._clock.now()
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            answer = await self._calls.send(
                "GET", self._url, headers={"accept": "application/json"}, seconds=WAIT_SECONDS
            )
            keys = read_key_set(answer.body) if answer.status == 200 else None
        except SideCallFailed:
            keys = None
        finally:
            self._reading = None
        self._failed = keys is None
        if keys is not None:
            self._keys, self._read_at = keys, self._clock.now()


def read_key_set(body: bytes) -> tuple[PublicKey, ...] | None:
    """The usable signature keys in a JWKS; None for what is none. Keys of unknown kinds are passed over."""
    value = value_in(body) if len(body) <= LARGEST else None
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        return None
    keys = (_read_key(each) for each in listed[:MOST_KEYS] if isinstance(each, dict))
    return tuple(key for key in keys if key is not None)


def _read_key(given: JsonObject) -> PublicKey | None:
    kind = _text(given, "kty"), _text(given, "crv")
    if kind not in KINDS.values() or not _for_checking(given) or _too_short(given):
        return None
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    usual = next(algorithm for algorithm, its_kind in KINDS.items() if its_kind == kind)
    public: JWKDict = {name: given[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in given}
    try:
        material: object = PyJWK(public, algorithm=usual).key
    except (PyJWTError, ValueError, TypeError):
        return None
    return PublicKey(_text(given, "kid"), kind, _text(given, "alg"), material)


def _for_checking(given: JsonObject) -> bool:
    operations = given.get("key_ops", ["verify"])
    return given.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _too_short(given: JsonObject) -> bool:
    return given.get("kty") == "RSA" and len(_text(given, "n")) < SHORTEST_RSA


def _text(given: Mapping[str, Json], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""
