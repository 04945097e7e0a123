"""Counts of users' votes: how they are stored, and how they are shown.

Two hashes take each vote: a model's day by task (`code|up`), and a task's whole time by model (`openai/gpt-4o|up`).
"""

from __future__ import annotations

from typing import Final

from lib.contract import Json, JsonObject
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply

RATINGS: Final = ("up", "down", "regenerate")
WRONG: Final = "wrong"
"""A cached answer that did not fit its question, beside the rating."""
SHOWN: Final = (*zip(RATINGS, RATINGS, strict=True), (WRONG, "wrongCacheHit"))


def read_votes(keys: Keys, model: str, day: str) -> Command:
    """The read of a model's day; `described_votes` takes its reply."""
    return ("HGETALL", keys.model_votes(model, day))


def counts_in(reply: Reply) -> dict[str, dict[str, int]]:
    """Counts by what stands before the bar, then by rating."""
    cells = reply if isinstance(reply, list) else []
    found: dict[str, dict[str, int]] = {}
    for name, value in zip(cells[::2], cells[1::2], strict=False):
        owner, _, rating = str(name).rpartition("|")
        found.setdefault(owner, {})[rating] = int(value) if isinstance(value, int | str) else 0
    return found


def described_votes(reply: Reply) -> JsonObject:
    """A model's votes as the API shows them: in all and by task."""
    by_task = counts_in(reply)
    shown: dict[str, Json] = {name: sum(counts.get(rating, 0) for counts in by_task.values()) for rating, name in SHOWN}
    tasks: JsonObject = {
        task: {name: counts.get(rating, 0) for rating, name in SHOWN} for task, counts in sorted(by_task.items())
    }
    return {**shown, "byTask": tasks}
