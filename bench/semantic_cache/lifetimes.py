"""Which lifetime class questions get whose answers are known to change soon, slowly or never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from bench.semantic_cache.data import Aging
from lib.kv.cache import TtlClass, ttl_for

ASKED_AT: Final = 1_767_225_600.0
"""2026-01-01: years near it make a question time-sensitive."""


def shown(questions: Sequence[Aging]) -> Iterator[str]:
    """A line by label: the share of each class, by the prompt alone."""
    found = Counter((aging.label, ttl_for(aging.text, "", now=ASKED_AT).kind) for aging in questions)
    for label, count in sorted(Counter(aging.label for aging in questions).items()):
        shares = "  ".join(f"{kind.value} {100 * found[label, kind] / count:5.1f} %" for kind in TtlClass)
        yield f"{label:16} {count:5}  {shares}"
