"""The models and the sources that were studied, as rows: which capability tier and class of work they stand for.

Studied models are older than those of the catalogue. What carries over is not their level but how much a step up the
ladder brings in a class of work, so each stands for the tier it held among its contemporaries: small open models 1,
their better successors and the cheap hosted ones 2, large open ones and the hosted middle 3 and 4, the best then 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lib.ai.plan import Task


@dataclass(frozen=True, slots=True)
class StudiedModel:
    """`tier` is 0 where the study's scores say more about the form of answers than about what the model knows."""

    name: str
    tier: int
    usd_per_million: float = 0.0
    """Where the study itself has no costs: list price, input and output alike."""


ROWS: Final = (
    StudiedModel("codegemma-7b", 1, 0.2),
    StudiedModel("mistral-7b-instruct-v0.3", 1, 0.2),
    StudiedModel("llama3-chatqa-1.5-8b", 0, 0.2),
    StudiedModel("qwen2.5-7b-instruct", 2, 0.2),
    StudiedModel("llama-3.1-8b-instruct", 2, 0.2),
    StudiedModel("gemma-2-9b-it", 2, 0.1),
    StudiedModel("llama3-chatqa-1.5-70b", 0, 0.9),
    StudiedModel("llama-3.1-nemotron-51b-instruct", 3, 0.9),
    StudiedModel("llama-3.3-nemotron-super-49b-v1", 4, 0.9),
    StudiedModel("mistralai/mistral-7b-chat", 1),
    StudiedModel("WizardLM/WizardLM-13B-V1.2", 1),
    StudiedModel("meta/code-llama-instruct-34b-chat", 1),
    StudiedModel("meta/llama-2-70b-chat", 2),
    StudiedModel("claude-instant-v1", 2),
    StudiedModel("gpt-3.5-turbo-1106", 2),
    StudiedModel("mistralai/mixtral-8x7b-chat", 2),
    StudiedModel("zero-one-ai/Yi-34B-Chat", 3),
    StudiedModel("claude-v1", 3),
    StudiedModel("claude-v2", 3),
    StudiedModel("gpt-4-1106-preview", 5),
    StudiedModel("mixtral-8x7b", 2, 0.6),
    StudiedModel("gpt-4-1106", 5, 20.0),
)
STUDIED: Final = MappingProxyType({row.name: row for row in ROWS})

SOURCES: Final = MappingProxyType(
    {
        Task.SIMPLE_CHAT: ("natural_qa", "trivia_qa", "commonsense_qa", "commongen", "rb-winogrande"),
        Task.COMPLEX_REASONING: ("agentverse-logicgrid", "agentverse-mgsm", "gsm8k", "math"),
        Task.CODE_GENERATION: ("mbpp", "human_eval", "rb-mbpp"),
        Task.SCIENTIFIC_RESEARCH: ("mmlu", "openbook_qa", "arc_challenge", "gpqa", "rb-arc"),
    }
)
"""What the sources are by their nature, whatever a classifier takes them for. No study has the other classes: they get
what holds for all of these together."""
