"""An identity provider: keys of every kind, the key set that shows them, and tokens that it signs."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cache
from typing import Final, TypeAlias

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from lib.contract import Json, JsonObject
from tests.support.clock import START

ISSUER: Final = "https://project.supabase.example/auth/v1"
AUDIENCE: Final = "authenticated"
SECRET: Final = "a shared secret of more than 32 bytes"

Private: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def private_key(algorithm: str, number: int = 0) -> Private:
    """The `number`-th key for an algorithm, the same within a test run."""
    del number
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, 2_048)


@dataclass(frozen=True)
class Signer:
    """One key of the issuer."""

    algorithm: str = "ES256"
    kid: str | None = "k1"
    number: int = 0

    @property
    def key(self) -> Private:
        return private_key(self.algorithm, self.number)

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self, **fields: Json) -> JsonObject:
        """As the key set shows it; fields of None are left out."""
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            text = RSAAlgorithm.to_jwk(public)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            text = ECAlgorithm.to_jwk(public)
        else:
            text = OKPAlgorithm.to_jwk(public)
        shown: JsonObject = orjson.loads(text)
        shown |= {"kid": self.kid, "use": "sig", "alg": self.algorithm, **fields}
        return {name: value for name, value in shown.items() if value is not None}

    def token(self, header: JsonObject | None = None, /, **claims: Json) -> str:
        """A token with the usual claims, changed by `claims`; those of None are left out."""
        head: JsonObject = dict(header or {})
        if self.kid is not None:
            head["kid"] = self.kid
        return PyJWS().encode(orjson.dumps(claims_with(**claims)), self.key, self.algorithm, headers=head)


@dataclass(frozen=True)
class SharedSigner:
    """HS256."""

    secret: str = field(default=SECRET, repr=False)

    def token(self, **claims: Json) -> str:
        return PyJWS().encode(orjson.dumps(claims_with(**claims)), self.secret, "HS256")


def claims_with(**claims: Json) -> JsonObject:
    """The usual claims with these changes."""
    usual: JsonObject = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": int(START), "exp": int(START) + 3_600}
    return {name: value for name, value in (usual | claims).items() if value is not None}


def key_set(*signers: Signer) -> JsonObject:
    """Their JWKS."""
    return {"keys": [signer.jwk() for signer in signers]}


def handmade(header: JsonObject, signature: bytes = b"", /, **claims: Json) -> str:
    """A token put together by hand."""
    parts = (orjson.dumps(header), orjson.dumps(claims_with(**claims)), signature)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
