"""One question on its way through the near tier: filled in by it, kept with the request's run."""

from __future__ import annotations

from dataclasses import dataclass, field

from lib.errors import StoreError
from lib.kv.cache import Entry
from lib.kv.cache.near import Question
from lib.kv.replies import Reply
from lib.kv.seal import Seal


@dataclass(frozen=True, slots=True)
class Match:
    """The stored question that is nearest, and its answer."""

    id: str
    entry: Entry
    digest: str
    """Of the answer in the exact cache."""
    bin: int
    """The range of its score."""


@dataclass(slots=True, kw_only=True)
class Look:
    """Mutable on purpose, and owned by one request alone."""

    question: Question
    id: str
    """How postings name the question's own entry."""
    digest: str
    scope: str
    """All that must be equal besides the question."""
    person: str
    pool: str
    """Whose comparisons say what may be served."""
    arm_pool: str = ""
    """Where they are counted as well: the arm of an experiment."""
    serves: bool = False
    """Whether a certified answer may be served, or is only compared."""
    max_wrong: float = 0.01
    max_age_seconds: int | None = None
    postings: list[Reply | StoreError] = field(default_factory=list["Reply | StoreError"])
    """What lies under its terms, today's first."""
    match: Match | None = None
    served: bool = False
    unresolved: str = ""
    """The model's answer, where words do not show whether it is the match's."""

    @property
    def found(self) -> list[str]:
        """The records under each of its terms, newest first; what could not be read is left out."""
        lists = [reply for reply in self.postings if isinstance(reply, list)]
        return [
            "".join(part for held in lists if at < len(held) and isinstance(part := held[at], str))
            for at in range(len(self.question.fields))
        ]

    @property
    def mark(self) -> str:
        """What the usage record of a served hit keeps of it, so that its user can call it wrong."""
        return f"{self.id}.{self.match.id}.{self.match.bin}.{self.pool}" if self.match and self.served else ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is written to the cache, as the near tier needs it."""

    entry: str
    seconds: int
    seal: Seal
