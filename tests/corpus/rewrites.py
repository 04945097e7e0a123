"""Families of superficial rewrites, in any language, over prompts of our own.

A third of the families, by a hash of the name, is held out: whoever writes rules looks at their sum only, so that it
tells how the rules do on ways of typing that nobody thought of.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

HERE: Final = Path(__file__).parent
MARKS: Final = "?.!？。！؟ "


@dataclass(frozen=True, slots=True)
class Family:
    """One way to write the same."""

    name: str
    language: str
    kind: str
    """Which prompts it fits: `wh`, `task` or `any`."""
    rewrite: Callable[[str], str]

    @property
    def held_out(self) -> bool:
        """Whether it is one of those to be measured on."""
        return crc32(self.name.encode()) % 3 == 0


def pairs_of(family: Family) -> Iterator[tuple[str, str]]:
    """Each fitting prompt with its rewrite."""
    for language, kind, prompt in ASKED:
        if language == family.language and family.kind in (kind, "any"):
            yield prompt, family.rewrite(prompt)


def _lines(name: str) -> Iterator[list[str]]:
    for line in (HERE / name).read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("# "):
            yield line.split(" ", 2)


def _of_template(template: str) -> Callable[[str], str]:
    def rewrite(prompt: str) -> str:
        small = prompt[0].lower() + prompt[1:]
        return (
            template.replace("\\n", "\n")
            .replace("{q}", prompt)
            .replace("{l}", small)
            .replace("{b}", prompt.rstrip(MARKS))
            .replace("{s}", small.rstrip(MARKS))
        )

    return rewrite


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


ASKED: Final = tuple((language, kind, prompt) for language, kind, prompt in _lines("asked.txt"))
TYPING: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("upper case", str.upper),
    ("lower case", str.lower),
    ("capitals", lambda text: " ".join(word[0].upper() + word[1:] for word in text.split())),
    ("alternating case", lambda text: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text))),
    ("full width", _wide),
    ("double blanks", lambda text: text.replace(" ", "  ")),
    ("tabs", lambda text: text.replace(" ", "\t")),
    ("no-break blanks", lambda text: text.replace(" ", "\u00a0")),
    ("thin blanks", lambda text: text.replace(" ", "\u2009")),
    ("ideographic blanks", lambda text: text.replace(" ", "\u3000")),
    ("zero-width blanks", lambda text: text.replace(" ", " \u200b")),
    ("soft hyphens", lambda text: text.replace("e", "e\u00ad")),
    ("direction marks", lambda text: f"\u200e{text}\u200f"),
    ("byte order mark", lambda text: "\ufeff" + text),
    ("decomposed", lambda text: unicodedata.normalize("NFD", text)),
    ("what's", lambda text: text.replace("What is", "What's")),
    ("whats", lambda text: text.replace("What is", "Whats")),
    ("curly what’s", lambda text: text.replace("What is", "What’s")),
    ("why's", lambda text: text.replace("Why is", "Why's")),
    ("mathematical bold", lambda text: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text)),
    ("how can I", lambda text: text.replace("How do I", "How can I")),
    ("how do you", lambda text: text.replace("How do I", "How do you")),
    ("how to", lambda text: text.replace("How do I", "How to")),
    ("how would I", lambda text: text.replace("How do I", "How would I")),
    ("summarise", lambda text: text.replace("Summarize", "Summarise")),
    ("blank before the mark", lambda text: f"{text[:-1]} {text[-1]}"),
)
FAMILIES: Final = (
    *(Family(f"{language}: {name}", language, "any", change) for name, change in TYPING for language in ("en",)),
    *(
        Family(f"{language} {kind} {text}", language, kind, _of_template(text))
        for language, kind, text in _lines("rewrites.txt")
    ),
)
