"""How models are weighed against each other: weights, and a quality table. A deployment has one, a shadow another."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lib.ai.router.policy import BALANCED, MEASURED, VERSION, Weights
from lib.ai.router.quality import QualityTable, shipped

DOCUMENT: Final = "document"
"""The customer's rows decide: preferred models and least tiers by class of work."""
WEIGHTS: Final = MappingProxyType({DOCUMENT: BALANCED, "measured": MEASURED})
"""By name, as ROUTING_POLICY takes it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Weights by name, and the table they weigh."""

    name: str = DOCUMENT
    table: QualityTable = field(default_factory=shipped)

    @property
    def weights(self) -> Weights:
        """What counts how much."""
        return WEIGHTS[self.name]

    @property
    def version(self) -> str:
        """Which rules and which table: `document-2/studies-1`."""
        return f"{self.name}-{VERSION}/{self.table.version}"
