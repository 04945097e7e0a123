"""What is kept of a user's texts: written together with a note of its name, so that all of it can be found again.

An answer and its result for duplicates need no note: they are written with the usage record that tells their names.

A tombstone stands for a while after a user was deleted. Whatever a request that was under way then still wants to
keep of them is not written: the same script that would write it looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command

TOMBSTONE_SECONDS: Final = 900
"""Longer than any function lives that knew the user before."""
NOTED_LONGER_MS: Final = 3_600_000
"""By which instances' clocks may differ at most without a name being forgotten before its text is gone."""


def with_lifetime(write: Command) -> tuple[int, str]:
    """Milliseconds and text of a `SET key text EX|PX lifetime`."""
    _, _, text, unit, lifetime = write
    return int(lifetime) * (1000 if unit == "EX" else 1), str(text)


def kept(keys: Keys, person: str, now: float, writes: Sequence[Command]) -> Command:
    """One command in the place of several `SET key text EX|PX lifetime` of one user's."""
    named = [keys.holdings(person), keys.tombstone(person), *(str(write[1]) for write in writes)]
    arguments: list[str | int] = [int(now * 1000), NOTED_LONGER_MS]
    for write in writes:
        arguments += with_lifetime(write)
    return ("EVAL", script("keep"), len(named), *named, *arguments)
