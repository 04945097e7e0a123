"""The signature of QStash's calls: a JWT over the body's hash, of a few minutes' life, in `Upstash-Signature`.

Signed with HMAC-SHA256 by the current key, or by the next one while keys are being rotated
(https://upstash.com/docs/qstash/howto/signature).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from lib.contract import Json
from lib.json_text import value_in

SKEW_SECONDS: Final = 5.0
LONGEST: Final = 4_096
ISSUER: Final = "Upstash"


def signed_by_queue(token: str, body: bytes, *, keys: Iterable[str], url: str, now: float) -> bool:
    """Whether QStash made this call, of this body, to this address, just now. An empty key signs nothing."""
    if len(token) > LONGEST:
        return False
    payload = next((found for key in keys if key and (found := _payload(token, key))), b"")
    match value_in(payload):
        case {"iss": str(issuer), "sub": str(subject), "exp": exp, "nbf": nbf, "body": str(digest)}:
            return (
                issuer == ISSUER
                and subject == url
                and _number(nbf) - SKEW_SECONDS <= now < _number(exp) + SKEW_SECONDS
                and hmac.compare_digest(digest.rstrip("=").encode(), _hash(body))
            )
        case _:
            return False


def _payload(token: str, key: str) -> bytes | None:
    """The signed bytes; None where the signature is not this key's, or of another algorithm."""
    from jwt import PyJWS
    from jwt.exceptions import InvalidTokenError

    try:
        return PyJWS().decode_complete(token, key.encode(), algorithms=["HS256"])["payload"]  # type: ignore[no-any-return]
    except InvalidTokenError:
        return None


def _hash(body: bytes) -> bytes:
    return urlsafe_b64encode(sha256(body).digest()).rstrip(b"=")


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
