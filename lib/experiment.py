"""The words for experiments with the cache: users are split by a hash, and each part has it another way. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from lib.json_text import value_in

MODES: Final = ("off", "exact", "shadow", "near")
PARTS: Final = 10_000
"""Into which users are hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to have the cache. None and 100 leave what the deployment has."""

    name: str
    mode: str | None = None
    """One of MODES."""
    max_wrong: float | None = None
    """Share of near hits that may be wrong."""
    ttl_percent: int = 100
    """Of every lifetime."""


NO_ARM: Final = Arm(name="")
"""Leaves everything as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Arms of equal size, the first of which is what the others are compared with."""

    name: str
    arms: tuple[Arm, ...]
    percent: float = 100.0
    """Of the users; all others are in none of the arms."""
    begun_at: float = 0.0
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A user's arm."""

    experiment: Experiment
    arm: Arm

    @property
    def label(self) -> str:
        """What is counted under it: unlike any other arm's, also of the same experiment begun anew."""
        return f"{self.experiment.name}:{self.arm.name}:{int(self.experiment.begun_at)}"


def assigned(experiments: Sequence[Experiment], person: str) -> Assigned | None:
    """The arm of a user (hash), always the same one: that of the first experiment whose share of the users has them.

    Experiments are told apart by what is hashed, so who is in one says nothing of who is in the next.
    """
    for each in experiments:
        digest = blake2b(f"{each.name} {person}".encode(), digest_size=8, person=b"experiment").digest()
        part = int.from_bytes(digest[:4], "big") % PARTS
        if part < each.percent * PARTS / 100:
            return Assigned(each, each.arms[int.from_bytes(digest[4:], "big") % len(each.arms)])
    return None


def encode(experiments: Sequence[Experiment]) -> str:
    """As they are kept."""
    return orjson.dumps([described(each) for each in experiments]).decode()


def decode(text: str) -> tuple[Experiment, ...]:
    """The same read back; damaged ones are left out."""
    found = value_in(text)
    rows = found if isinstance(found, list) else []
    return tuple(each for row in rows if (each := _experiment(row)))


def described(experiment: Experiment) -> JsonObject:
    """As the API shows it."""
    arms: list[Json] = [
        {"name": arm.name, "mode": arm.mode, "maxWrong": arm.max_wrong, "ttlPercent": arm.ttl_percent}
        for arm in experiment.arms
    ]
    return {
        "name": experiment.name,
        "percent": experiment.percent,
        "begunAt": experiment.begun_at,
        "arms": arms,
    }


def _experiment(row: Json) -> Experiment | None:
    match row:
        case {
            "name": str(name),
            "percent": int() | float() as percent,
            "begunAt": int() | float() as begun,
            "arms": list(kept),
        } if len(kept) > 1:
            arms = tuple(arm for each in kept if (arm := _arm(each)))
            whole = len(arms) == len(kept)
            return Experiment(name=name, arms=arms, percent=percent, begun_at=begun) if whole else None
        case _:
            return None


def _arm(row: Json) -> Arm | None:
    match row:
        case {
            "name": str(name),
            "mode": str() | None as mode,
            "maxWrong": int() | float() | None as max_wrong,
            "ttlPercent": int(percent),
        } if mode is None or mode in MODES:
            return Arm(name=name, mode=mode, max_wrong=max_wrong, ttl_percent=percent)
        case _:
            return None
