"""What the router understands of a request before it looks at any model: class, complexity, field, demands."""

from __future__ import annotations

from dataclasses import dataclass

from lib.ai.lessons import bucket_of
from lib.ai.plan import Complexity, Task
from lib.ai.router.complexity import complexity_of
from lib.ai.router.domain import MYCOLOGY
from lib.ai.router.needs import Needs, check_wish, needs_of
from lib.ai.router.policy import BY_TASK, TaskPolicy
from lib.ai.router.quality import QualityTable
from lib.ai.router.sample import Sample
from lib.ai.router.tasks import Classification, classify
from lib.contract import ChatRequest
from lib.messages import image_count, last_user_text, system_text


@dataclass(frozen=True, slots=True)
class Reading:
    """The request as understood."""

    classification: Classification
    complexity: Complexity
    domain_hits: tuple[str, ...]
    """Words that mark the customer's own field; empty for all other prompts."""
    needs: Needs
    bucket: str = ""
    """Of the prompt's length."""
    demand: float = 0.0
    """How much more than usual a strong model would gain, where a quality table has learned that of words."""

    @property
    def policy(self) -> TaskPolicy:
        """The row of this class of work."""
        return BY_TASK[self.classification.task]


def read(request: ChatRequest, table: QualityTable | None = None) -> Reading:
    """Understand `request` by its last user message. Raises InvalidRequest naming a routing field that is wrong."""
    check_wish(request.routing)
    sample = Sample.of(last_user_text(request.messages))
    instructions = Sample.of(system_text(request.messages))
    if image_count(request.messages):
        classification = Classification(Task.VISION, 1.0)
    else:
        classification = classify(sample, instructions)
    domain_hits = MYCOLOGY.hits(sample)
    if domain_hits and classification.task is Task.SIMPLE_CHAT:
        classification = Classification(Task.SCIENTIFIC_RESEARCH, classification.confidence)
    policy = BY_TASK[classification.task]
    needs = needs_of(request, policy.output_tokens)
    demand = table.demand(sample) if table else 0.0
    return Reading(classification, complexity_of(sample), domain_hits, needs, bucket_of(sample.full_length), demand)
