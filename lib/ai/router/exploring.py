"""Trying models that may be better than thought (pure): a few requests, within a safe set, by Thompson's rule.

A model is tried as often as it is likely to be the best (Thompson, Biometrika 1933). These chances are computed rather
than sampled, so that the propensity of every choice is known. What is drawn depends on the prompt alone: the same
prompt goes to the same model for a week, so that its cached answer and its duplicates are found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

NODES: Final = (
    *(-1.8627, -1.318, -1.01, -0.7764, -0.5791, -0.4023, -0.2372, -0.0784),
    *(0.0784, 0.2372, 0.4023, 0.5791, 0.7764, 1.01, 1.318, 1.8627),
)
"""Sixteen equally likely values of a standard normal variable: the medians of its sixteenths."""
NARROW: Final = 1e-6
"""The least deviation reckoned with."""
PERIOD_SECONDS: Final = 7 * 86_400
"""After which a prompt may be drawn anew, so that none is tried out for ever."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A model that may be tried: its worth in the ranking, and how far off that may well be."""

    worth: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Trial:
    """Which arm is asked, how likely that was, and whether it is another one than the ranking's first."""

    arm: int = 0
    propensity: float = 1.0
    explored: bool = False


SURE: Final = Trial()
"""No trial: the first is asked in any case."""


def best_chances(arms: Sequence[Arm]) -> list[float]:
    """How likely each arm is to be the best of them, were worths normally distributed; sums to 1."""
    found: list[float] = []
    for index, arm in enumerate(arms):
        others = [other for at, other in enumerate(arms) if at != index]
        chance = 0.0
        for node in NODES:
            reached = arm.worth + node * arm.deviation
            chance += math.prod(_below(reached, other) for other in others)
        found.append(chance)
    whole = sum(found)
    return [chance / whole for chance in found] if whole else [1.0] + [0.0] * (len(arms) - 1)


def _below(value: float, arm: Arm) -> float:
    return 0.5 * (1 + math.erf((value - arm.worth) / (max(NARROW, arm.deviation) * math.sqrt(2))))


def drawn(prompt: str, now: float) -> tuple[float, float]:
    """Two numbers from 0 up to 1 that look random, and are the same for a prompt within PERIOD_SECONDS."""
    period = str(int(now // PERIOD_SECONDS)).encode()
    text = prompt.encode("utf-8", "surrogatepass")
    digest = blake2b(text, digest_size=16, key=period, person=b"exploration").digest()
    return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:]) / 2**64


def trial(arms: Sequence[Arm], share: float, draw: tuple[float, float]) -> Trial:
    """What a share of the requests tries. `arms[0]` is asked by all others; where it is alone nothing is tried."""
    if len(arms) < 2 or not share:
        return SURE
    chances = best_chances(arms)
    first, second = draw
    picked = _picked(chances, second) if first < share else 0
    propensity = share * chances[picked] + (0.0 if picked else 1 - share)
    return Trial(picked, propensity, explored=picked != 0)


def _picked(chances: Sequence[float], number: float) -> int:
    for index, chance in enumerate(chances):
        number -= chance
        if number < 0:
            return index
    return 0
