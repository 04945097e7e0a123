"""What votes have taught, as far as this instance has read it. Makes commands; others send them.

A plan is made before the store is asked, since limits and keys depend on the model. So it goes by a remembered copy,
refreshed beside the admission of `auto` requests: one read a minute and task, in a round trip that is made anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lib.ai.lessons import Cell, Lessons, Votes
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply

FRESH_SECONDS: Final = 60.0
"""How long an instance goes by what it last read."""


class LessonBook:
    """This instance's copy."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._known: dict[str, Lessons] = {}
        self._asked_at: dict[str, float] = {}

    @property
    def known(self) -> Mapping[str, Lessons]:
        """By task; what was not read yet is missing."""
        return self._known

    def read_command(self, task: str, now: float) -> Command | None:
        """The read that refreshes a task, or None where it has been asked for of late."""
        if now - self._asked_at.get(task, -FRESH_SECONDS) < FRESH_SECONDS:
            return None
        self._asked_at[task] = now
        return ("HGETALL", self._keys.task_votes(task))

    def learn(self, task: str, reply: Reply | StoreError) -> bool:
        """Take in the reply to `read_command`; an error leaves what is known. True where that has changed."""
        if not isinstance(reply, list):
            return False
        before, found = self._known.get(task), lessons_in(reply)
        self._known[task] = found
        return found != before


def lessons_in(cells: list[Reply]) -> Lessons:
    """The votes on one task from the fields of its hash, `bucket|model|rating`; other fields are left out."""
    counts: dict[Cell, dict[str, int]] = {}
    for name, value in zip(cells[::2], cells[1::2], strict=False):
        bucket, _, rest = str(name).partition("|")
        model, _, rating = rest.rpartition("|")
        if model and str(value).isdecimal():
            counts.setdefault((bucket, model), {})[rating] = int(str(value))
    return Lessons(
        {
            cell: Votes(votes.get("up", 0), votes.get("down", 0), votes.get("regenerate", 0))
            for cell, votes in counts.items()
        }
    )
