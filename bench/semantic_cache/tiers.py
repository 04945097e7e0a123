"""What is measured, behind one small interface: the product's tiers, each begun empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lib.contract import ChatRequest
from lib.kv.cache import cache_key


@dataclass(frozen=True, slots=True)
class Served:
    """A stored answer given to another request."""

    answer: str
    near: bool = False
    """Found by likeness, not under the request's own key."""
    checked: bool = False
    """The tier wants to be told the right answer all the same."""


class Tier(Protocol):
    """A cache as a client sees it: asked, then told the answer where there was none or it checks what it served."""

    async def ask(self, text: str) -> Served | None:
        """What is served for a prompt, or None."""
        ...

    async def store(self, text: str, answer: str) -> None:
        """The model's answer to the prompt that was asked last."""
        ...


class ExactTier:
    """Tier 0: answers under the hash of the canonical text."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}

    async def ask(self, text: str) -> Served | None:
        """The answer under the prompt's key."""
        answer = self._answers.get(key_of(text))
        return None if answer is None else Served(answer)

    async def store(self, text: str, answer: str) -> None:
        """Put it under the prompt's key."""
        self._answers[key_of(text)] = answer


def key_of(text: str) -> str:
    """The cache key of a lone question, everything else being equal."""
    request = ChatRequest(model="auto", messages=({"role": "user", "content": text},))
    return cache_key(request, tenant="", model="model")


@dataclass(frozen=True, slots=True)
class TierRow:
    """One tier to measure: `make` begins an empty one."""

    name: str
    make: Callable[[], Tier]
    pairs: bool = True
    """Whether it means anything for pairs."""
    streams: bool = True


EXACT: Final = TierRow("exact", ExactTier)
