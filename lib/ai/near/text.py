r"""The stored form of an answer with its question: a line about both, the question as JSON, then the answer's entry.

    {"scope":…,"c":…}\n"…"\n{…entry…}

The first line holds nothing that anyone has said; what follows may be sealed (`lib.kv.seal`).
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from lib.ai.near.look import Look
from lib.json_text import value_in


@dataclass(frozen=True, slots=True)
class KeptText:
    """One read back."""

    scope: str
    digest: str
    """Of the answer in the exact cache."""
    question: str
    entry: str


def kept_text(look: Look, entry: str) -> str:
    """The stored text; `entry` as `lib.kv.cache.encode` writes it."""
    head = orjson.dumps({"scope": look.scope, "c": look.digest}).decode()
    return f"{head}\n{orjson.dumps(look.question.text).decode()}\n{entry}"


def read_kept(text: str) -> KeptText | None:
    """The parts of a stored text; None for anything else."""
    head, _, rest = text.partition("\n")
    line, _, entry = rest.partition("\n")
    match value_in(head), value_in(line):
        case {"scope": str(scope), "c": str(digest)}, str(question):
            return KeptText(scope, digest, question, entry)
        case _:
            return None
