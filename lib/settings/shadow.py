"""The setting of the policy that routing compares with its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.contract import Json
from lib.settings.variables import Variable, declared

KINDS: Final = ("cheapest", "quality", "rules", "document", "measured")


@dataclass(frozen=True, slots=True)
class GivenShadow:
    """One of KINDS, or `weights` with those that differ from the policy in force."""

    kind: str
    weights: Mapping[str, float] = field(default_factory=dict[str, float])


def _parse(given: str) -> GivenShadow:
    if given in KINDS:
        return GivenShadow(given)
    value: Json = orjson.loads(given)
    if not isinstance(value, dict) or not value:
        raise ValueError(given)
    weights: dict[str, float] = {}
    for name, weight in value.items():
        if not isinstance(weight, int | float) or not 0 <= weight <= 1_000:
            raise ValueError(name)
        weights[name] = float(weight)
    return GivenShadow("weights", weights)


def shadow(name: str, purpose: str) -> GivenShadow | None:
    """A variable that names a policy, or gives its weights."""
    takes = f"{', '.join(KINDS)}, or JSON with weights from 0 to 1000"
    return declared(Variable(name, purpose, takes, "–", _parse, None), None)
