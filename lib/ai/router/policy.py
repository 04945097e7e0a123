"""The routing policy as rows: for each class of work the preferred models, the quality it takes, the usual answer."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lib.ai.plan import Task

VERSION: Final = "rules-1"
AUTO: Final = "auto"
"""The model name that leaves the choice to the router."""
"""Savings are told against this one model for everything, at list price."""


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """Where one class of work goes.

    `quality` is the least capability tier at low, medium and high complexity. `output_tokens` is the usual answer: our
    own guess, for estimates only, until usage records tell better.
    """

    task: Task
    prefers: tuple[str, ...]
    quality: tuple[int, int, int]
    output_tokens: int


POLICIES: Final[tuple[TaskPolicy, ...]] = (
    TaskPolicy(
        Task.SIMPLE_CHAT,
        ("openai/gpt-6-luna", "openai/gpt-4o-mini", "anthropic/claude-haiku-5-5", "google/gemini-3.5-flash-lite"),
        (1, 2, 3),
        250,
    ),
    TaskPolicy(
        Task.COMPLEX_REASONING,
        ("openai/gpt-6.1-terra", "openai/gpt-6.1-sol"),
        (3, 5, 5),
        1_200,
    ),
    TaskPolicy(
        Task.CODE_GENERATION,
        ("anthropic/claude-sonnet-5-5", "deepseek/deepseek-v4-flash"),
        (2, 4, 4),
        900,
    ),
    TaskPolicy(
        Task.SCIENTIFIC_RESEARCH,
        ("crowelogic/mini", "openai/gpt-6.1-terra", "google/gemini-3.1-pro-preview"),
        (2, 2, 4),
        900,
    ),
    TaskPolicy(
        Task.CREATIVE_WRITING,
        ("anthropic/claude-sonnet-5-5", "openai/gpt-4o", "google/gemini-3.1-pro-preview"),
        (3, 3, 4),
        900,
    ),
    TaskPolicy(
        Task.DATA_ANALYSIS,
        ("openai/gpt-4o", "google/gemini-3.8-flash", "google/gemini-3.1-pro-preview"),
        (3, 3, 4),
        700,
    ),
    TaskPolicy(
        Task.SUMMARIZATION,
        ("anthropic/claude-haiku-5-5", "openai/gpt-6-luna", "openai/gpt-4o-mini"),
        (2, 2, 3),
        300,
    ),
    TaskPolicy(
        Task.TRANSLATION,
        ("openai/gpt-4o", "google/gemini-3.8-flash", "google/gemini-3.1-pro-preview"),
        (2, 3, 3),
        300,
    ),
    TaskPolicy(
        Task.VISION,
        ("openai/gpt-4o", "google/gemini-3.8-flash", "google/gemini-3.5-flash-lite"),
        (2, 3, 4),
        400,
    ),
)
BY_TASK: Final = MappingProxyType({row.task: row for row in POLICIES})


@dataclass(frozen=True, slots=True)
class Weights:
    """What one unit is worth in the ranking. Our own first setting; a measured table replaces it."""

    preference: float
    """For the first preferred model; the following get less, by `preference_step`."""
    preference_step: float
    quality: float
    """For each capability tier, up to one above the needed."""
    shortfall: float
    """Against each capability tier below the needed."""
    cost: float
    """Against each doubling of (1 + cost / the baseline's cost)."""
    speed: float
    degraded: float
    """Against a model that fails too often of late."""


UNKNOWN_COST: Final = 0.5
"""What a model without a known price is taken to cost in the ranking, in shares of the baseline's cost: neither cheap,
as if the customer's own model were free, nor as dear as the ceiling that stands in for it in the books."""

BALANCED: Final = Weights(
    preference=2.0, preference_step=0.5, quality=0.25, shortfall=2.0, cost=1.5, speed=0.1, degraded=1.5
)
SPEED_FIRST: Final = Weights(
    preference=0.5, preference_step=0.1, quality=0.25, shortfall=2.0, cost=0.5, speed=1.5, degraded=1.5
)
