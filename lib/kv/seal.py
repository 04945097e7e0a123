"""Texts sealed at rest: AES-256-GCM under a fresh nonce, bound to the name of where they are kept.

A text that was moved to another name, altered, or sealed under a key that is gone does not open. `cryptography` is
imported with the first key, never without one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK: Final = "~1"
"""How a sealed text begins; then come nonce, ciphertext and tag in base64. It begins no JSON."""
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
PURPOSE: Final = b"serverless-ai-gateway at rest 1"


class Seal:
    """Seals texts of one owner and opens them. Without ciphers texts stay as they are; else the first seals, all open.

    `name` is the key that a text is kept under, with its place in there if it is not alone.
    """

    def __init__(self, ciphers: Sequence[AESGCM] = (), fresh: Callable[[int], bytes] = token_bytes) -> None:
        self._ciphers = ciphers
        self._fresh = fresh

    def seal(self, name: str, text: str) -> str:
        """The text as it is kept: one line."""
        if not self._ciphers:
            return text
        nonce = self._fresh(NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, text.encode("utf-8", "surrogatepass"), name.encode())
        return MARK + b64encode(nonce + sealed).decode()

    def open(self, name: str, text: str) -> str | None:
        """The text that was sealed under this name; None for anything else."""
        if not self._ciphers:
            return None if text.startswith(MARK) else text
        if not text.startswith(MARK):
            return None
        try:
            raw = b64decode(text[len(MARK) :], validate=True)
        except ValueError:
            return None
        opened = (_opened(cipher, raw, name) for cipher in self._ciphers)
        return next((each for each in opened if each is not None), None)

    def seal_rest(self, name: str, text: str) -> str:
        """The same, but the first line stays clear, to be read by scripts; it is bound to the rest."""
        if not self._ciphers:
            return text
        first, _, rest = text.partition("\n")
        return first + "\n" + self.seal(name + "\n" + first, rest)

    def open_rest(self, name: str, text: str) -> str | None:
        """What `seal_rest` was given; None for anything else."""
        if not self._ciphers:
            return text
        first, _, rest = text.partition("\n")
        opened = self.open(name + "\n" + first, rest)
        return None if opened is None else first + "\n" + opened


PLAIN: Final = Seal()
"""Leaves texts as they are."""


def seal_of(secrets: Sequence[str], salt: bytes, owner: str, fresh: Callable[[int], bytes] = token_bytes) -> Seal:
    """The seal of an owner: from each secret a key by HKDF-SHA256 (RFC 5869), which nobody has without the salt."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = PURPOSE + b"\n" + owner.encode()
    keys = (HKDF(SHA256(), KEY_BYTES, salt, info).derive(secret.encode()) for secret in secrets)
    return Seal(tuple(AESGCM(key) for key in keys), fresh)


def _opened(cipher: AESGCM, raw: bytes, name: str) -> str | None:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], name.encode()).decode("utf-8", "surrogatepass")
    except (InvalidTag, ValueError):
        return None
