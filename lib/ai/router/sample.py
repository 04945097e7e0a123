"""How much of a prompt the router looks at: its beginning and its end, cut into words once.

The bound makes a decision cost the same for a prompt of ten thousand characters and one of a million.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

HEAD_CHARACTERS: Final = 3_000
TAIL_CHARACTERS: Final = 1_000
INSTRUCTION_HEAD: Final = 600
INSTRUCTION_TAIL: Final = 300
"""What is asked stands at one end of a long prompt; what it is asked about stands between."""

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+|\+\+|#)?")
"""A word with what may hang on it: `don't`, `c++`, `c#`. No repetition can go on where the next begins: linear."""


@dataclass(frozen=True)
class Sample:
    """The part of a text that is read. `full_length` is that of the whole text, in characters."""

    text: str
    full_length: int

    @classmethod
    def of(cls, text: str) -> Sample:
        """The beginning and the end of `text`, or all of a short one."""
        if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
            return cls(text, len(text))
        return cls(f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}", len(text))

    @cached_property
    def lowered(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in lower case and in order."""
        return tuple(_WORD.findall(self.lowered))

    @cached_property
    def instruction(self) -> Sample:
        """Where the instruction is likely to stand: both ends of the text, or all of a short one."""
        if len(self.text) <= INSTRUCTION_HEAD + INSTRUCTION_TAIL:
            return self
        ends = f"{self.text[:INSTRUCTION_HEAD]}\n{self.text[-INSTRUCTION_TAIL:]}"
        return Sample(ends, self.full_length)
