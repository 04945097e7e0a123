"""The routing policy as rows: for each class of work the preferred models, the quality it takes, the usual answer."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lib.ai.plan import Task

VERSION: Final = "2"
"""Of these rows; a recommendation names it beside the version of the quality table."""
AUTO: Final = "auto"
"""The model name that leaves the choice to the router."""


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
    """What one unit is worth in the ranking. Cost is in shares of what the baseline's answer costs."""

    preference: float
    """For the first preferred model; the following get less, by `preference_step`."""
    preference_step: float
    quality: float
    """For each unit of quality (0 to 1), up to that of one tier above the needed where `shortfall` counts."""
    shortfall: float
    """Against each capability tier below the needed; 0 where the class of work sets no least tier."""
    cost: float | None
    """Against each time the baseline's cost; None for what the quality table says a saving is worth."""
    speed: float
    degraded: float
    """Against a model that fails too often of late."""
    votes: float = 8.0
    """For each unit of quality (0 to 1) by which votes have moved what is thought of a model."""


UNKNOWN_COST: Final = 0.5
"""What a model without a known price is taken to cost in the ranking, in shares of the baseline's cost: neither cheap,
as if the customer's own model were free, nor as dear as the ceiling that stands in for it in the books."""

BALANCED: Final = Weights(
    preference=2.0, preference_step=0.5, quality=3.0, shortfall=2.0, cost=0.8, speed=0.1, degraded=1.5
)
"""The rows above decide: which models a class prefers and the tier it takes. Quality and cost weigh what they leave."""
SPEED_FIRST: Final = Weights(
    preference=0.5, preference_step=0.1, quality=3.0, shortfall=2.0, cost=0.3, speed=1.5, degraded=1.5
)
MEASURED: Final = Weights(
    preference=0.0, preference_step=0.0, quality=1.0, shortfall=0.0, cost=None, speed=0.002, degraded=0.3, votes=1.0
)
"""Expected quality less λ times the cost, whatever the rows prefer. Speed parts what is otherwise equal."""
