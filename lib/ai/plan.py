"""What routing decides: the models to try in order, what was left out and why, and the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lib.ai.lessons import Lessons
from lib.answer import Health
from lib.catalog.rows import ModelRow


class Task(StrEnum):
    """The nine classes of work."""

    SIMPLE_CHAT = "simple_chat"
    COMPLEX_REASONING = "complex_reasoning"
    CODE_GENERATION = "code_generation"
    SCIENTIFIC_RESEARCH = "scientific_research"
    CREATIVE_WRITING = "creative_writing"
    DATA_ANALYSIS = "data_analysis"
    SUMMARIZATION = "summarization"
    TRANSLATION = "translation"
    VISION = "vision"


@dataclass(frozen=True, slots=True)
class ShadowPolicy:
    """A policy that is tried on paper.

    `cheapest` and `quality` look at nothing else; `rules` is the one in force without votes, `document` and `measured`
    are those of ROUTING_POLICY, `weights` are the weights in force but for those given.
    """

    kind: str
    weights: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What a shadow policy would have asked, and what that and the model in force are expected to cost."""

    model: str
    cost_micro_usd: int
    served_micro_usd: int
    agrees: bool = False
    """Both are the same model."""


@dataclass(frozen=True, slots=True)
class Routed:
    """What is kept of a choice, for votes to teach by and for policies to be compared."""

    bucket: str = ""
    """Of the prompt's length; empty where nothing is learned."""
    propensity: float = 1.0
    """How likely the router was to choose as it did."""
    explored: bool = False
    """Another model was tried than the first of the ranking."""
    shadow: Shadowed | None = None


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """All that routing may know beside the request."""

    providers: frozenset[str]
    """Providers that can be called now: those with a key, and the demo provider where it is on."""
    tier: str
    now: float
    """Seconds since the epoch; prices depend on it."""
    baseline: str = "openai/gpt-4o"
    """The model that savings are counted against."""
    max_usd_per_million: float | None = None
    """The operator's ceiling on the blended price of models the router chooses, where the caller sets none."""
    health: Mapping[str, Health] = field(default_factory=dict[str, Health])
    """By model; a model that is missing is healthy."""
    own_keys: bool = False
    """The providers are those the caller brings keys of."""
    models: tuple[str, ...] = ()
    """Catalogue names of the models the caller may use; empty for any."""
    left_micro_usd: int | None = None
    """What the request may be expected to cost at most; None for no bound."""
    lessons: Mapping[str, Lessons] | None = None
    """What votes have taught, by task, so far as this instance has read it; None where nothing is learned."""
    exploration: float = 0.0
    """Share of the requests that may try a model which is perhaps better; 0 to 1."""
    shadow: ShadowPolicy | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A model that could not be used, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Complexity:
    """The customer's score: 0–3 low, 4–7 medium, 8 and more high, with what raised it."""

    score: int
    level: str
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A model that could have served, and why it was not chosen."""

    model: str
    cost_micro_usd: int
    quality: int
    why_not: str


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Expected cost in micro-dollars, beside that of the baseline (one named model for everything)."""

    input: int
    output: int
    baseline: int
    most: int = 0
    """Of the dearest model of the chain, with the longest answer that is reckoned with."""

    @property
    def total(self) -> int:
        """Input and output."""
        return self.input + self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The full recommendation. `chain[0]` is asked first, the rest are fallbacks in order; it is never empty."""

    requested: str
    """The name as asked."""
    chain: tuple[ModelRow, ...]
    task: Task
    task_confidence: float
    complexity: Complexity
    input_tokens: int
    """Estimated."""
    output_tokens: int
    """Expected, not the maximum."""
    cost: CostEstimate
    reasoning: str
    alternatives: tuple[Alternative, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    constraints: tuple[str, ...] = ()
    policy: str = "rules-1"
    automatic: bool = False
    """True when the model was chosen by the router rather than named by the caller."""
    substitution: str = ""
    """Says which retired or bare name was replaced by which model; empty when none was."""
    budget_downgrade: str = ""
    """The model in whose place a cheaper one stands, because too little was left of a budget; empty when none does."""
    exploration: bool = False
    propensity: float = 1.0
    pinned: bool = False
    bucket: str = ""
    """Of the prompt's length, by which votes are counted; empty where nothing is learned of this request."""
    shadow: Shadowed | None = None

    @property
    def routed(self) -> Routed | None:
        """What is kept of the choice; None where there was none, or nothing is made of it."""
        if not self.automatic or not (self.bucket or self.shadow):
            return None
        return Routed(self.bucket, self.propensity, self.exploration, self.shadow)

    @property
    def model(self) -> ModelRow:
        """The one asked first."""
        return self.chain[0]
