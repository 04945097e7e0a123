"""What kind of answer a question wants: a way, a reason, a time, a yes or no. The rest of its words may be equal."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_ASKING: Final = MappingProxyType(
    {
        **dict.fromkeys(["what", "which", "whats"], "what"),
        **dict.fromkeys(["who", "whom"], "who"),
        **{word: word for word in ("whose", "when", "where", "why", "how")},
    }
)
_MEASURED: Final = frozenset(
    [
        "many",
        "much",
        "long",
        "often",
        "old",
        "far",
        "big",
        "tall",
        "fast",
        "high",
        "deep",
        "large",
        "soon",
        "heavy",
        "hot",
        "cold",
        "wide",
        "likely",
        "well",
        "good",
        "bad",
    ]
)
_TIMES: Final = frozenset(["time", "year", "day", "date", "month"])
_WAYS: Final = frozenset(["way", "ways", "method", "methods", "steps"])
_REASONS: Final = frozenset(["reason", "reasons", "causes"])
_AUXILIARY: Final = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "am",
        "do",
        "does",
        "did",
        "can",
        "could",
        "will",
        "would",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "has",
        "have",
        "had",
        "be",
        "isnt",
    ]
)
_REACH: Final = 7
"""Words after the asking one that are looked at."""


def frame(tokens: tuple[str, ...]) -> str:
    """The kind of question, by its first asking word or its first word; '' for what is no question."""
    words = [token for token in tokens if token[0].isalnum()]
    at = next((i for i, word in enumerate(words) if word in _ASKING), None)
    if at is None:
        if not words or words[0] not in _AUXILIARY:
            return ""
        return "how" if "there" in words[:3] and not _WAYS.isdisjoint(words[:_REACH]) else "yes or no"
    return _asked(_ASKING[words[at]], words[at + 1 : at + 1 + _REACH])


def _asked(asking: str, following: list[str]) -> str:
    if asking == "how":
        return _how(following)
    if asking != "what":
        return asking
    if not _WAYS.isdisjoint(following) or _is_what_to_do(following):
        return "how"
    if not _REASONS.isdisjoint(following[:3]):
        return "why"
    return "when" if following and following[0] in _TIMES else "what"


def _how(following: list[str]) -> str:
    first = following[0] if following else ""
    if first == "come":
        return "why"
    return f"how {first}" if first in _MEASURED else "how"


def _is_what_to_do(following: list[str]) -> bool:
    """Of: what should I do to …; what can be done to …."""
    done = next((at for at, word in enumerate(following) if word in ("do", "done")), None)
    return done is not None and "to" in following[done : done + 3]
