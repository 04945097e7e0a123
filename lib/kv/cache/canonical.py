"""The canonical text of a prompt: equal for prompts that differ only in typing and manners, never for other ones.

Folded: case and width where they mean nothing, contractions, politeness and punctuation at the edges, blanks.
Kept as written: quoted text, code, URLs, numbers, referents, inner punctuation, what follows a colon or a line break.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from lib.kv.cache.endings import LAST_LINE, MENTIONS
from lib.kv.cache.letter_case import fold_case, fold_shouting, holds_cased_words, shouts
from lib.kv.cache.politeness import PASSES, without_lead, without_tail
from lib.kv.cache.wording import ABOUT_SPELLING, expanded
from lib.kv.cache.wrapping import unwrapped, without_faces

CANONICAL_VERSION: Final = 2
"""Raise it with every change of what is folded: entries keyed the old way are then left to expire."""
LONGEST: Final = 4_000
"""Characters. Longer prompts hold documents: compared as they are (normalising accents is quadratic at worst)."""

_QUOTE: Final = r"""(?=["“„«「『‘`])"""
_PAYLOAD: Final = re.compile(
    r"""(```.*?(?:```|\Z)|`[^`]*(?:`|\Z)|(?<!\d)"[^"]*(?:"|\Z)|“[^”]*(?:”|\Z)|„[^“”]*(?:[“”]|\Z)|«[^»]*(?:»|\Z)"""
    r"""|「[^」]*(?:」|\Z)|『[^』]*(?:』|\Z)|‘[^’]*(?:’|\Z)|(?<!\w)'(?!\s)[^'\n]{1,300}'(?!\w)"""
    r"""|https?://\S*[^\s.,;:!?'")\]}]"""
    rf"""|[:：]\s\s*+(?:{_QUOTE}|.*\Z)"""
    rf"""|\n\s*+(?:{_QUOTE}|(?={LAST_LINE}[^\n]{{0,30}}\Z)|.*\Z))""",
    re.DOTALL | re.IGNORECASE,
)
"""Quoted text (an unclosed quote reaches to the end), code, URLs, and what follows a colon or line break unless that is
quoted itself or a word of thanks. Every alternative either always matches or is bounded, so the split is linear."""

_OUTER: Final = " ¡¿\t\r\n\u00a0\u2009\u3000?!.,;…~～．。！？，、；،؟।\u200b\u200e\u200f\ufeff"
_FRONT: Final = "¿¡ …\u200b\u200e\u200f\ufeff"
_UNSEEN: Final = " \t\r\n\u200b\u200e\u200f\ufeff"
_FACTORIAL: Final = re.compile(r"(?:\d|\)|(?<!\w)[A-Za-z])!{1,2}(?!!)")


def canonical(text: str) -> str:
    """The canonical form of a user's prompt; linear in its length."""
    text = text.strip()
    if len(text) > LONGEST:
        return text
    bare = without_faces(unwrapped(text.strip(_UNSEEN)))
    folded = _without_edges(without_lead(bare.lstrip(_FRONT)))
    return folded or text


def _without_edges(text: str) -> str:
    pieces = _pieces(text)
    mentions = MENTIONS.search(text) is not None
    pieces[-1] = _without_end(pieces[-1], about_words=mentions and len(pieces) == 1, quoted=len(pieces) > 1)
    shouted = shouts(text)
    if shouted and holds_cased_words(text):
        return "".join(pieces)
    for index, piece in enumerate(pieces):
        if index % 2:
            pieces[index] = _fold_quotes(piece)
        elif piece:
            words = _folded(piece, starts=index == 0, shouted=shouted)
            pieces[index] = _between(
                piece, expanded(words, about_words=mentions or ABOUT_SPELLING.search(text) is not None)
            )
    return "".join(pieces).strip()


def _pieces(text: str) -> list[str]:
    """Free text and payload in turn, the first and last free. A mere line break belongs to the free text around it."""
    pieces = _PAYLOAD.split(text)
    merged = [pieces[0]]
    for payload, free in zip(pieces[1::2], pieces[2::2], strict=True):
        if payload.isspace():
            merged[-1] += " " + free
        elif payload[-1].isspace():
            merged[-1] += payload + free
        else:
            merged += (payload, free)
    return merged


def _without_end(piece: str, *, about_words: bool, quoted: bool) -> str:
    """The last free piece without outer punctuation and politeness. What a prompt is about may be its last words."""
    for _ in range(PASSES):
        bare = _without_outer(piece)
        shorter = without_tail(bare, about_words=about_words, after_quote=quoted)
        if shorter == bare:
            return bare
        piece = shorter
    return _without_outer(piece)


def _without_outer(piece: str) -> str:
    bare = piece.rstrip(_OUTER)
    factorial = _FACTORIAL.match(piece, max(0, len(bare) - 1))
    return piece[: factorial.end()] if factorial else bare


def _fold_quotes(piece: str) -> str:
    if piece[0] == "“" and piece[-1] == "”" and '"' not in piece:
        return f'"{piece[1:-1]}"'
    return piece


def _folded(piece: str, *, starts: bool, shouted: bool) -> list[str]:
    if not piece.isascii():
        piece = _fold_width(piece)
    return fold_shouting(piece.split()) if shouted else fold_case(piece.split(), starts=starts)


def _between(piece: str, words: list[str]) -> str:
    before, after = (" " if end.isspace() else "" for end in (piece[:1], piece[-1:]))
    return before + " ".join(words) + (after if words else "")


def _narrow(code: int) -> str:
    kind, _, target = unicodedata.decomposition(chr(code)).partition(" ")
    if kind not in ("<wide>", "<narrow>", "<noBreak>"):
        return chr(code)
    return "".join(chr(int(number, 16)) for number in target.split())


_WIDTHS: Final = {
    **{code: _narrow(code) for code in (0x00A0, 0x2007, 0x202F, 0x3000, *range(0xFF01, 0xFFEF))},
    0x2018: "'",
    0x2019: "'",
    0x02BC: "'",
    0x200B: None,
    0x200E: None,
    0x200F: None,
    0xFEFF: None,
    0x00AD: None,
}
"""Full- and half-width forms, special blanks and apostrophes. Not all of NFKC: that would turn 10⁵ into 105."""


def _fold_width(piece: str) -> str:
    return unicodedata.normalize("NFC", piece.translate(_WIDTHS))
