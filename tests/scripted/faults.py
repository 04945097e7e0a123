"""What can go wrong with an answer, as rows: the one list that the tests and the published fault table go by.

A fault befalls a good answer, on either wire, whole or streamed, and says what a gateway should make of it that asks
a model at most twice and has another to fall back to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from tests.scripted.sayings import Saying, speaks
from tests.scripted.steps import Step

OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"
MIDDLE: Final = 12
"""Pieces of a streamed answer after which it breaks: past its frame and first words on both wires."""


class Outcome(Enum):
    """What should come of it."""

    ANSWER = "the model's answer"
    RETRIED = "the model's answer, after another try"
    FALLBACK = "another model's answer"
    REFUSED = "the provider's complaint, passed on"
    BROKEN = "an error after the part that was sent"


@dataclass(frozen=True)
class Scene:
    """What a fault befalls: an answer that was meant, and the time (seconds since the epoch)."""

    saying: Saying
    now: float

    @property
    def good(self) -> Step:
        """The answer as it should have come."""
        return speaks(self.saying)


def as_given(saying: Saying) -> Saying:
    """Says it unchanged."""
    return saying


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row."""

    name: str
    """As prompts, models and headers call for it."""
    what: str
    """For people."""
    befall: Callable[[Scene], Step]
    whole: Outcome | None = None
    """For an answer in one piece; None where the fault does not exist there."""
    stream: Outcome | None = None
    kinds: frozenset[str] = frozenset()
    """What a failed try is called in our own report, any of these."""
    tries: int = 2
    """Times a model is asked that fails every time: 1 where asking again is useless."""
    once: bool = False
    """Whether it befalls the first request only."""
    saying: Callable[[Saying], Saying] = as_given
    """What is said instead of the answer at hand."""
    silence: float = 0.0
    """Seconds that a hold lasts where a clock runs."""
    wires: frozenset[str] = field(default=frozenset({OPENAI, ANTHROPIC}))

    def expected(self, *, stream: bool) -> Outcome | None:
        """The outcome for a form of answer."""
        return self.stream if stream else self.whole

    def step(self, saying: Saying, now: float) -> Step:
        """The answer with its fault."""
        return self.befall(Scene(self.saying(saying), now))
