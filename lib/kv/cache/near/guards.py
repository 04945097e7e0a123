"""Hard guards: what must be equal in two questions before anything else about them is compared.

Numbers, units, payload, languages and forms in their order; negation, time, degree, gender and "or" by what occurs.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from lib.kv.cache.near.guard_rows import (
    DEGREES,
    FORMS,
    LANGUAGES,
    NEGATING_SIGNS,
    NEGATIONS,
    NUMBERS,
    PEOPLE,
    TIMES,
    UNITS,
)
from lib.kv.cache.near.words import LONGEST

SIGNATURE_BYTES: Final = 3
SIGNATURE_CHARS: Final = 4
_SCRIPT: Final = 6
_NEGATION: Final = 7
"""Places among the facts."""

_PAYLOAD: Final = re.compile(
    r"""```.*?(?:```|\Z)|`[^`]*(?:`|\Z)|"[^"]*(?:"|\Z)|“[^”]*(?:”|\Z)|«[^»]*(?:»|\Z)|„[^“”]*(?:[“”]|\Z)"""
    r"""|「[^」]*(?:」|\Z)|『[^』]*(?:』|\Z)|(?<!\w)'(?!\s)[^'\n]{1,300}'(?!\w)|\bhttps?://\S{1,300}|\S{1,64}@\w[\w.-]{1,60}"""
    r"""|[#@]\w+|(?<![^\W_])(?:[A-Za-z]{1,30}\d|\d{1,30}[A-Za-z])\w{0,60}|\w{1,60}[_\\|=<>^~{}\[\]$:/][\w\\|=<>^~{}\[\]$:/]{0,200}\w|\w\(.{0,300}?\)""",
    re.DOTALL,
)
"""Quoted text, code, addresses, tags, names with digits in them, words joined by signs."""
_ORDINAL: Final = re.compile(r"(\d{1,20})(?:st|nd|rd|th)\b", re.IGNORECASE)
_SIGN: Final = re.compile(r"(?<![^\W\d_])[-+*/=<>^×÷±√∫∑!]|[=<>^×÷±√∫∑](?=\w)|(?<=[:：])\s{0,8}\Z")
_SHORT_NAMES: Final = re.compile(r"\b(?:IT|US|WHO)\b")
"""Names that small letters would make pronouns of."""
_BLANKS: Final = re.compile(r"\s+")
_KANA: Final = frozenset(["HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"])
_LETTERS: Final = frozenset("bcdefghjklmnopqrtuvwxyz")
"""Letters that stand for themselves: variables, programming languages. Not "a", "i" and the "s" of a genitive."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The facts that the guards compare."""

    facts: tuple[tuple[str, ...], ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers, in their order."""
        return self.facts[0]

    @property
    def script(self) -> str:
        """The script of most letters."""
        return self.facts[_SCRIPT][0]

    @property
    def negates(self) -> bool:
        """Whether a negation occurs."""
        return bool(self.facts[_NEGATION])

    @property
    def signature(self) -> str:
        """24 bits of the facts' hash: a filter before the texts are read, which are then compared in full."""
        text = "\0\0".join("\0".join(fact) for fact in self.facts)
        hashed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=SIGNATURE_BYTES).digest()
        return urlsafe_b64encode(hashed).decode()


def guards(text: str, tokens: tuple[str, ...]) -> Guards:
    """The guard facts of a text and its tokens; linear in the text's first 4,000 characters."""
    text = text[:LONGEST]
    return Guards(
        (
            _numbers(tokens),
            _named(tokens, UNITS),
            _payload(text),
            tuple(token for token in tokens if token in _LETTERS),
            tuple(token for token in tokens if token in LANGUAGES),
            _occurring(tokens, FORMS),
            (script(text),),
            _negation(text, tokens),
            _times(tokens),
            _occurring(tokens, DEGREES),
            _occurring(tokens, PEOPLE),
            ("or",) if "or" in tokens else (),
            () if text.isupper() else tuple(_SHORT_NAMES.findall(text)),
        )
    )


def _numbers(tokens: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for token in tokens:
        if token[0].isdigit():
            found.append(_value(token))
        elif token in NUMBERS:
            found.append(NUMBERS[token])
    return tuple(found)


def _value(token: str) -> str:
    """`1,000` is 1000 and `2.50` is 2.5; what is no number stays as written."""
    plain = token.replace(",", "")
    try:
        whole, _, rest = plain.partition(".")
        return str(int(whole)) + (f".{rest.rstrip('0')}" if rest.rstrip("0") else "")
    except ValueError:
        return token


def _named(tokens: tuple[str, ...], rows: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(rows[token] for token in tokens if token in rows)


def _occurring(tokens: tuple[str, ...], rows: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(set(_named(tokens, rows))))


def _times(tokens: tuple[str, ...]) -> tuple[str, ...]:
    formerly = any(one in ("use", "used") and other == "to" for one, other in pairwise(tokens))
    return (*_occurring(tokens, TIMES), *(("formerly",) if formerly else ()))


def _payload(text: str) -> tuple[str, ...]:
    text = _ORDINAL.sub(r"\1", text)
    quoted = [_BLANKS.sub(" ", found).strip(" .,;?!") for found in _PAYLOAD.findall(text)]
    signs = [found.group() for found in _SIGN.finditer(_PAYLOAD.sub(" ", text).rstrip(" ?!."))]
    pictures = (sign for sign in text if not sign.isascii() and unicodedata.category(sign) == "So")
    return (*quoted, "\1", *signs, "\1", *pictures)


def _negation(text: str, tokens: tuple[str, ...]) -> tuple[str, ...]:
    kinds = sorted(_named(tokens, NEGATIONS))
    return (*kinds, *(sign for sign in text if sign in NEGATING_SIGNS))


def script(text: str) -> str:
    """The script of most letters, as their Unicode names begin; '' without letters. Japanese is a mixture of three."""
    counts: dict[str, int] = {}
    for letter in text[:400]:
        if letter.isascii():
            if letter.isalpha():
                counts["LATIN"] = counts.get("LATIN", 0) + 1
        elif letter.isalpha():
            name = unicodedata.name(letter, "?").partition(" ")[0]
            counts[name] = counts.get(name, 0) + 1
    if not _KANA.isdisjoint(counts):
        return "KANA"
    return max(counts, key=lambda name: (counts[name], name), default="")
