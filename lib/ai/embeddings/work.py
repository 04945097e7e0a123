"""What is known of one embedding request while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lib.ai.embeddings.offer import Chosen
from lib.ai.run import Run
from lib.embedding import EmbeddingJob, Input, tokens_in


@dataclass(slots=True)
class Work:
    """Mutable on purpose, and owned by one request alone. Equal inputs are one."""

    job: EmbeddingJob
    run: Run
    """The same request as the books and the limits know it."""
    chosen: Chosen
    digests: Sequence[str]
    """One per input."""
    texts: dict[str, Input] = field(default_factory=dict[str, Input])
    """The distinct inputs by digest, in order."""
    vectors: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """What there is so far, by digest."""
    cached: frozenset[str] = frozenset()
    """Digests of the vectors that were read from the cache."""
    served_model: str = ""
    """As the last provider named it."""
    price_known: bool = True

    @property
    def missing(self) -> list[str]:
        """Digests whose vectors are not there yet."""
        return [digest for digest in self.texts if digest not in self.vectors]

    def tokens(self, digests: Sequence[str]) -> int:
        """Estimated tokens of these inputs."""
        return sum(tokens_in(self.texts[digest]) for digest in digests)
