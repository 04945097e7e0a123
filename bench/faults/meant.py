"""What the provider means to say: a text that names its model and its question, so that every mix-up is seen."""

from __future__ import annotations

import re
from typing import Final

from tests.scripted.faults import Fault
from tests.scripted.sayings import Saying

MARK: Final = re.compile(r"\[fault:(?P<name>[\w-]+)\]")
_WORDS: Final = tuple(
    f"{word} " for word in ("Grüße", "世界", "naïve", "🚀", "one", "two", "three", "four", "five") * 3
)


def prompt(fault: Fault, nonce: str) -> str:
    """The question that calls for a fault; the nonce keeps caches and twins out of it."""
    return f"[fault:{fault.name}] What is {nonce}?"


def answer(model: str, question: str) -> Saying:
    """What a model says to a question."""
    return Saying((f"Model {model} ", f"answers «{question}»: ", *_WORDS, "end."))


def text_of(saying: Saying) -> str:
    """The whole text."""
    return "".join(saying.pieces)


def speaker(text: str, question: str) -> str | None:
    """The model whose whole answer the text is, or None."""
    named = re.match(r"Model (\S+) ", text)
    if named is None or text != text_of(answer(named[1], question)):
        return None
    return named[1]
