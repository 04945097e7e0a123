"""What stands around a whole prompt and says nothing: emphasis, heading and list marks, smiling faces at the edges."""

from __future__ import annotations

import re
from typing import Final

from lib.kv.cache.endings import GOVERNS
from lib.kv.cache.openings import STARTS

FACES: Final = r"(?:[🙂😊😀😃😄😁😉😅🤗😇☺🙏👋👍🙌✨❤🤔😆🥰😍💕🎉🌟]\ufe0f?+[\U0001f3fb-\U0001f3ff]?+)"
"""Signs of mood and thanks. Any other emoji may be what a prompt is about."""
MOST: Final = 4
_FRONT: Final = re.compile(rf"{FACES}\s*+")
_BACK: Final = re.compile(rf"(?:{FACES}|\s(?::-?[)D(P]|;-?\)|=\)|<3|\^_?\^|xD)(?!\S))")
_ABOUT_SIGNS: Final = re.compile(
    r"\b(?:emojis?|emoticons?|smileys?|signs?|symbols?|icons?|faces?|mean\w*|moods?|tone|sentiments?|feel\w*"
    r"|reacts?|reaction|sarcas\w*|characters?|translat\w*|unicode|say\w*|passive|flirt\w*|send\w*|sent|text\w*|messages?|captions?|emotions?)\b"
    r"|表情|意思|绘文字|絵文字|이모지|смайл|эмодзи",
    re.IGNORECASE,
)
"""Signs that a face may be what a prompt is about."""
_TAKES: Final = frozenset(["about", "from", "using", "into", "on", "add", "use", "draw", "describe", "explain"])
_JOINS: Final = frozenset(["or", "and", "vs", "versus", "is", "means", "in", "as", "from", "looks"])
_MARK: Final = re.compile(r"(?:#{1,6}|[-*•>])\s++")
_PAIRS: Final = (("**", "**"), ("__", "__"), ("*", "*"), ("_", "_"), ("(", ")"))


def unwrapped(text: str) -> str:
    """The text without what is around it. Linear."""
    if (found := _MARK.match(text)) and STARTS.match(text, found.end()):
        text = text[found.end() :]
    for opens, closes in _PAIRS:
        inner = text[len(opens) : -len(closes)]
        if text.startswith(opens) and text.endswith(closes) and not set(opens + closes) & set(inner):
            return inner.strip() if STARTS.match(inner) else text
    return text


def without_faces(text: str) -> str:
    """The text without faces at its edges, unless they may be what it is about."""
    front, back = _front(text), _back(text)
    if not (front or back) or _ABOUT_SIGNS.search(text):
        return text
    middle = text[front : len(text) - len(back)].rstrip()
    return text if _BACK.search(middle) or _is_governed(middle, front=front > 0, back=bool(back)) else middle


def _front(text: str) -> int:
    """Where the run of faces, at most a few, that begins the text ends."""
    end = 0
    for _ in range(MOST):
        end = found.end() if (found := _FRONT.match(text, end)) else end
    return end


def _back(text: str) -> str:
    """The run of faces, at most a few, that ends the text."""
    end = len(text)
    for _ in range(MOST):
        found = [each for each in _BACK.finditer(text, max(0, end - 6), end) if each.end() == end]
        if not found:
            break
        end = len(text[: found[-1].start()].rstrip())
    return text[end:]


def _is_governed(middle: str, *, front: bool, back: bool) -> bool:
    """Is a face part of the sentence: the object of the last word ("a story about 🙂"), or compared to another?"""
    words = middle.lower().split()
    if not words:
        return True
    return (back and words[-1] in GOVERNS | _TAKES) or (front and words[0] in _JOINS)
