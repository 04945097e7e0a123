"""When models and providers fail: drawn beforehand from a seed, the same whatever is asked of them.

The shares of time are the assumptions of this simulation: together a single model is up 98 % of the time, and
refuses too many requests in bursts besides.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LIMIT: Final = "limit"
"""429 with Retry-After."""
FAULTS: Final = ("error", "error", "error", "connect", "hang")
"""What an outage looks like: an error at once, no connection, or silence until the caller gives up."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Spells that come at random: the share of time they take, and how many seconds each lasts on average."""

    share: float
    seconds: float
    shortest: float = 20.0


MODEL_OUTAGE: Final = Kind(0.014, 300.0)
"""Of one model."""
PROVIDER_OUTAGE: Final = Kind(0.004, 240.0)
"""Of all models of a provider together."""
LIMIT_BURST: Final = Kind(0.005, 45.0, shortest=5.0)
"""Of all models of a provider together; not counted as downtime."""
STRAY_FAILURES: Final = 0.002
"""Single calls that fail, whatever the weather."""
REFUSED_IN_BURST: Final = 0.7
SLOW: Final = 0.01
"""Calls that take several times as long."""
SLOW_TIMES: Final = (4.0, 12.0)


@dataclass(frozen=True, slots=True)
class Spell:
    """A time (in seconds of the simulation) in which something is wrong."""

    start: float
    end: float
    fault: str


class Weather:
    """All spells of a stretch of time, by model (`provider/model`) and by provider."""

    def __init__(self, models: Iterable[str], seconds: float, seed: int) -> None:
        listed = sorted(models)
        providers = sorted({_provider(model) for model in listed})
        self._outages: dict[str, Sequence[Spell]] = {
            **{name: _spells(MODEL_OUTAGE, seconds, random.Random(f"{seed} {name}")) for name in listed},
            **{name: _spells(PROVIDER_OUTAGE, seconds, random.Random(f"{seed} {name}")) for name in providers},
        }
        self._bursts: Mapping[str, Sequence[Spell]] = {
            name: _spells(LIMIT_BURST, seconds, random.Random(f"{seed} {name} 429")) for name in providers
        }
        self._providers = providers

    def fault(self, model: str, at: float) -> str:
        """What is wrong with a model at that second; empty when nothing is."""
        for name in (model, _provider(model)):
            if spell := _at(self._outages.get(name, ()), at):
                return spell.fault
        return LIMIT if _at(self._bursts[_provider(model)], at) else ""

    def any_up(self, at: float) -> bool:
        """Whether at least one provider is not away as a whole."""
        return any(_at(self._outages[name], at) is None for name in self._providers)


def _provider(model: str) -> str:
    return model.partition("/")[0]


def _spells(kind: Kind, seconds: float, chance: random.Random) -> tuple[Spell, ...]:
    """Spells and pauses in turn, both of exponential lengths."""
    pause = kind.seconds * (1 - kind.share) / kind.share
    found: list[Spell] = []
    at = chance.expovariate(1 / pause)
    while at < seconds:
        end = at + kind.shortest + chance.expovariate(1 / (kind.seconds - kind.shortest))
        found.append(Spell(at, end, chance.choice(FAULTS)))
        at = end + chance.expovariate(1 / pause)
    return tuple(found)


def _at(spells: Sequence[Spell], at: float) -> Spell | None:
    place = bisect_right(spells, at, key=lambda spell: spell.start) - 1
    return spells[place] if place >= 0 and at < spells[place].end else None
