"""The canonical text of a prompt: equal for prompts that differ only in typing and manners, never for other ones.

Folded: case and width where they mean nothing, contractions, politeness and punctuation at the edges, blanks.
Kept as written: quoted text, code, URLs, numbers, referents, inner punctuation, what follows a colon or a line break.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from lib.kv.cache.letter_case import fold_case, fold_shouting, holds_cased_words, shouts
from lib.kv.cache.politeness import MENTIONS, PASSES, without_lead, without_tail

CANONICAL_VERSION: Final = 1
"""Raise it with every change of what is folded: entries keyed the old way are then left to expire."""
LONGEST: Final = 4_000
"""Characters. Longer prompts hold documents: compared as they are (normalising accents is quadratic at worst)."""

_QUOTE: Final = r"""(?=["“„«「『‘`])"""
_PAYLOAD: Final = re.compile(
    r"""(```.*?(?:```|\Z)|`[^`]*(?:`|\Z)|(?<!\d)"[^"]*(?:"|\Z)|“[^”]*(?:”|\Z)|„[^“”]*(?:[“”]|\Z)|«[^»]*(?:»|\Z)"""
    r"""|「[^」]*(?:」|\Z)|『[^』]*(?:』|\Z)|‘[^’]*(?:’|\Z)|(?<!\w)'(?!\s)[^'\n]{1,300}'(?!\w)"""
    r"""|https?://\S*[^\s.,;:!?'")\]}]"""
    rf"""|[:：]\s\s*+(?:{_QUOTE}|.*\Z)"""
    rf"""|\n\s*+(?:{_QUOTE}|(?=(?:thank|thx|please|merci|danke|gracias|谢谢)[^\n]{{0,20}}\Z)|.*\Z))""",
    re.DOTALL | re.IGNORECASE,
)
"""Quoted text (an unclosed quote reaches to the end), code, URLs, and what follows a colon or line break unless that is
quoted itself or a word of thanks. Every alternative either always matches or is bounded, so the split is linear."""

_OUTER: Final = " \t\r\n\u3000?!.,;…。！？，、；،؟।\u200b\ufeff"
_FACTORIAL: Final = re.compile(r"(?:\d|\)|(?<!\w)[A-Za-z])!{1,2}(?!!)")

CONTRACTIONS: Final = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "let's": "let us",
    "i'm": "i am",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "isnt": "is not",
    "arent": "are not",
    "wasnt": "was not",
    "couldnt": "could not",
    "wouldnt": "would not",
    "shouldnt": "should not",
    "whats": "what is",
}
_ENDINGS: Final = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"))
_IS: Final = frozenset(["what", "who", "where", "when", "why", "how", "that", "it", "there", "here", "he", "she"])
_WOULD: Final = frozenset(["i", "you", "he", "she", "we", "they"])


def canonical(text: str) -> str:
    """The canonical form of a user's prompt; linear in its length."""
    text = text.strip()
    if len(text) > LONGEST:
        return text
    folded = _without_edges(without_lead(text.lstrip("¿¡ ")))
    return folded or text


def _without_edges(text: str) -> str:
    pieces = _pieces(text)
    pieces[-1] = _without_end(pieces[-1], text, quoted=len(pieces) > 1)
    shouted = shouts(text)
    if shouted and holds_cased_words(text):
        return "".join(pieces)
    for index, piece in enumerate(pieces):
        if index % 2:
            pieces[index] = _fold_quotes(piece)
        elif piece:
            pieces[index] = _fold(piece, starts=index == 0, shouted=shouted)
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


def _without_end(piece: str, text: str, *, quoted: bool) -> str:
    """The last free piece without outer punctuation and politeness. What a prompt is about may be its last words."""
    about_words = not quoted and MENTIONS.search(text) is not None
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


def _fold(piece: str, *, starts: bool, shouted: bool) -> str:
    if not piece.isascii():
        piece = _fold_width(piece)
    words = fold_shouting(piece.split()) if shouted else fold_case(piece.split(), starts=starts)
    if "'" in piece or not CONTRACTIONS.keys().isdisjoint(words):
        words = [_expanded(word) for word in words]
    before, after = (" " if end.isspace() else "" for end in (piece[:1], piece[-1:]))
    return before + " ".join(words) + (after if words else "")


def _expanded(word: str) -> str:
    """A contraction in full, where it has one reading; blanks and punctuation around it stay."""
    if word in CONTRACTIONS:
        return CONTRACTIONS[word]
    core = word.rstrip(",.;!?")
    rest = word[len(core) :]
    for ending, full in _ENDINGS:
        if core.endswith(ending):
            return CONTRACTIONS.get(core, core[: -len(ending)] + full) + rest
    stem, _, ending = core.partition("'")
    if full := _full_verb(stem, ending):
        return f"{stem} {full}{rest}"
    return CONTRACTIONS.get(core, core) + rest


def _full_verb(stem: str, ending: str) -> str:
    if ending == "s" and stem in _IS:
        return "is"
    return "would" if ending == "d" and stem in _WOULD else ""


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
    0xFEFF: None,
    0x00AD: None,
}
"""Full- and half-width forms, special blanks and apostrophes. Not all of NFKC: that would turn 10⁵ into 105."""


def _fold_width(piece: str) -> str:
    return unicodedata.normalize("NFC", piece.translate(_WIDTHS))
