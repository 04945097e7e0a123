"""A text as words of any script: case, width and contractions folded, light English stems, pairs of ideographs."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 4_000
"""Characters read of a text. Longer prompts hold documents and have no near hits."""

_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0980-\u09e3\u0a00-\u0a51"
    "\u0a80-\u0ae3\u0b00-\u0b63\u0b80-\u0bd7\u0c00-\u0c63\u0c80-\u0ce3\u0d00-\u0d63\u200c\u200d"
)
_PAIRED: Final = (
    "\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u109f\u1780-\u17d3\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: no blanks between words, or particles glued to them."""
_TOKEN: Final = re.compile(rf"\d[\d.,]{{0,40}}(?<=\d)|[{_PAIRED}]+|(?:(?![{_PAIRED}])[^\W\d_]|[{_MARKS}])++|[^\w\s]|_")
_PAIRED_RUN: Final = re.compile(rf"[{_PAIRED}]")

_CONTRACTED: Final = tuple(
    (re.compile(pattern), full)
    for pattern, full in (
        (r"\b(what|who|where|when|how|that|it|there|here|why|he|she)'s\b", r"\1 is"),
        (r"\bi'm\b", "i am"),
        (r"\b(\w{1,20})'re\b", r"\1 are"),
        (r"\b(\w{1,20})'ve\b", r"\1 have"),
        (r"\b(\w{1,20})'ll\b", r"\1 will"),
        (r"\b(how|what|where|why|when|who)'d\b", r"\1 did"),
        (r"\b(\w{1,20})'d\b", r"\1 would"),
        (r"\bcan't\b|\bcannot\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\bshan't\b", "shall not"),
        (r"\b(\w{1,20})n't\b", r"\1 not"),
        (r"\b(do|does|did|is|are|was|were|could|would|should|has|have|had)nt\b", r"\1 not"),
        (r"\bcant\b", "can not"),
        (r"(\w)'s\b", r"\1 's"),
    )
)
_QUOTES: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'})


def folded(text: str) -> str:
    """The text in one case and width, contractions in full."""
    text = unicodedata.normalize("NFKC", text[:LONGEST]).translate(_QUOTES).casefold()
    if "'" in text or "cannot" in text or "nt" in text:
        for pattern, full in _CONTRACTED:
            text = pattern.sub(full, text)
    return text


def tokens(text: str) -> list[str]:
    """Words, numbers and single signs of a folded text. Scripts without blanks come as pairs of characters."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        if len(token) > 1 and _PAIRED_RUN.match(token):
            found.extend(token[i : i + 2] for i in range(len(token) - 1))
        else:
            found.append(token)
    return found


_SUFFIXES: Final = (
    ("sses", "ss"),
    ("ies", "y"),
    ("ied", "y"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", "e"),
    ("s", ""),
)
_SHORTEST_STEM: Final = 3
_KEPT_DOUBLE: Final = "lsz"


def stem(word: str) -> str:
    """A word without its English ending; words of other scripts and short ones as they are."""
    if len(word) <= _SHORTEST_STEM or not word.isascii():
        return word
    for ending, instead in _SUFFIXES:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            if ending in ("ing", "ed") and word[-1:] == word[-2:-1] and word[-1] not in _KEPT_DOUBLE:
                word = word[:-1]
            break
    return word.rstrip("e") if len(word) > _SHORTEST_STEM + 1 else word
