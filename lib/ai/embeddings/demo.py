"""The demo's vectors: no model, but texts with words in common are near each other. The same text, the same vector."""

from __future__ import annotations

import math
import re
from hashlib import blake2b
from typing import Final

from lib.embedding import Input, packed

WORD: Final = re.compile(r"\w+")
BITS: Final = 64


def demo_vector(text: Input, dimensions: int) -> bytes:
    """A unit vector: each word adds one to, or takes it from, a number that its hash picks (the hashing trick)."""
    numbers = [0.0] * dimensions
    for word in _words(text):
        drawn = int.from_bytes(blake2b(word.encode(), digest_size=BITS // 8).digest(), "big")
        numbers[(drawn >> 1) % dimensions] += 1.0 if drawn & 1 else -1.0
    length = math.sqrt(sum(number * number for number in numbers))
    if not length:
        numbers[0] = length = 1.0
    return packed(number / length for number in numbers)


def _words(text: Input) -> list[str]:
    return WORD.findall(text.lower()) if isinstance(text, str) else [str(token) for token in text]
