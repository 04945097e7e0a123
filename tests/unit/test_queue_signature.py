"""QStash's signature: what holds, and everything that does not."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

import jwt
import pytest

from lib.access.queue_signature import signed_by_queue

CURRENT: Final = "sig_current_key_of_the_queue_" + "0123456789" * 4
NEXT: Final = "sig_the_next_key_of_the_queue_0123456789"
URL: Final = "https://gateway.example/api/ai/hooks/queue"
BODY: Final = b'{"job":"batch_1"}'
NOW: Final = 1_795_521_600.0


def claims(**changed: object) -> dict[str, object]:
    digest = urlsafe_b64encode(sha256(BODY).digest()).decode()
    usual: dict[str, object] = {"iss": "Upstash", "sub": URL, "exp": NOW + 300, "nbf": NOW, "iat": NOW, "body": digest}
    return {name: value for name, value in {**usual, "jti": "jwt_1", **changed}.items() if value is not None}


def token(key: str = CURRENT, algorithm: str = "HS256", **changed: object) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm)


def holds(signature: str, body: bytes = BODY, keys: tuple[str, ...] = (CURRENT, NEXT), now: float = NOW + 1) -> bool:
    return signed_by_queue(signature, body, keys=keys, url=URL, now=now)


def test_a_call_signed_by_either_key_is_the_queues() -> None:
    assert holds(token())
    assert holds(token(NEXT))
    unpadded = urlsafe_b64encode(sha256(BODY).digest()).rstrip(b"=").decode()
    assert holds(token(body=unpadded))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "a.b.c",
        "x" * 10_000,
        token("sig_a_key_of_somebody_else_0123456789ab"),
        token(iss="Somebody"),
        token(sub="https://gateway.example/api/ai/v2/chat"),
        token(sub=None),
        token(body=None),
        token(body="0" * 43),
        token(exp=NOW - 10),
        token(nbf=NOW + 60),
        token(exp=True),
        token(exp="9999999999"),
        token(algorithm="HS512"),
        jwt.encode(claims(), "", algorithm="none"),
    ],
)
def test_anything_else_is_not(signature: str) -> None:
    assert not holds(signature)


def test_another_body_is_not_what_was_signed() -> None:
    assert not holds(token(), body=b'{"job":"batch_2"}')


def test_a_signature_ends_with_its_time() -> None:
    assert holds(token(), now=NOW + 299)
    assert not holds(token(), now=NOW + 306)


def test_an_empty_key_signs_nothing() -> None:
    assert holds(token(), keys=("", CURRENT))
    assert not holds(token(), keys=("",))
    assert not holds(token(), keys=())
