"""The text of an API key: `aig_<public id>_<secret><check>`.

The check is made with this deployment's own secret, so that made-up keys are told from real ones without asking the
KV. Only the hash of a secret is ever stored.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from lib.kv.keys import Keys

PREFIX: Final = "aig_"
ID_BYTES: Final = 8
SECRET_BYTES: Final = 24
"""192 bits."""
_ID: Final = re.compile(r"[0-9a-f]{16}")
_TOKEN: Final = re.compile(r"aig_([0-9a-f]{16})_([0-9a-f]{48})([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class KeyToken:
    """An API key as its owner holds it."""

    id: str
    """Public: names the key in lists."""
    secret: str = field(repr=False)

    @property
    def hash(self) -> str:
        """What is stored of the secret. It has 192 random bits, so a plain hash cannot be guessed from."""
        return sha256(self.secret.encode()).hexdigest()

    def text(self, keys: Keys) -> str:
        """The whole key, to be shown once."""
        return f"{PREFIX}{self.id}_{self.secret}{_check(self.id, self.secret, keys)}"


def is_key_id(text: str) -> bool:
    """Whether a text has the form of a public id."""
    return _ID.fullmatch(text) is not None


def read_token(text: str, keys: Keys) -> KeyToken | None:
    """The key in a credential; None for a text that this deployment cannot have given out."""
    found = _TOKEN.fullmatch(text)
    if found is None or not hmac.compare_digest(_check(found[1], found[2], keys), found[3]):
        return None
    return KeyToken(found[1], found[2])


def new_token(fresh: Callable[[int], str], key_id: str = "") -> KeyToken:
    """A key unlike any other, or a new secret for one. `fresh` gives random bytes as hex digits."""
    return KeyToken(key_id or fresh(ID_BYTES), fresh(SECRET_BYTES))


def _check(key_id: str, secret: str, keys: Keys) -> str:
    return keys.seal(f"{key_id}_{secret}")
