"""What the router understands of a request before it looks at any model: class, complexity, field, demands."""

from __future__ import annotations

from dataclasses import dataclass

from lib.ai.plan import Complexity, Task
from lib.ai.router.complexity import complexity_of
from lib.ai.router.domain import MYCOLOGY
from lib.ai.router.needs import Needs, check_wish, needs_of
from lib.ai.router.policy import BY_TASK, TaskPolicy
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

    @property
    def policy(self) -> TaskPolicy:
        """The row of this class of work."""
        return BY_TASK[self.classification.task]


def read(request: ChatRequest) -> Reading:
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
    return Reading(classification, complexity_of(sample), domain_hits, needs_of(request, policy.output_tokens))
