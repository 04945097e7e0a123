"""What comes back: an answer, its pieces, what it used, and what the gateway says about it.

Values only, as in `lib.contract`. Money is integer micro-dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from lib.contract import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as billed: `input_tokens` includes cached and cache-write tokens, `output_tokens` reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    """Written to the provider's prompt cache with its short lifetime (5 minutes at Anthropic)."""
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    """True when the provider sent no usable figures and they were counted from the text."""

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call of a function tool; `arguments` is the JSON text the model wrote."""

    id: str
    name: str
    arguments: str
    extra: JsonObject | None = None
    """What its provider wants back with it: `extra_content` on OpenAI's wire (Gemini's thought signature)."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `id`, `name` and `extra` come with the first piece of that `index`."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. `choice` tells the choices of `n` > 1 apart."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_call: ToolCallDelta | None = None
    logprobs: Json = None
    choice: int = 0
    thought: JsonObject | None = None
    """A block of reasoning that is complete, as its provider wants it back in later turns (Anthropic's `thinking` with
    its signature, `redacted_thinking`); what can be read of it has come as `reasoning`."""


class FinishReason(StrEnum):
    """Why the model stopped, in OpenAI's words. A provider's answer without one is not an answer."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a provider says when it is done: exactly one ends each successful call, after its deltas."""

    finish_reasons: tuple[FinishReason, ...]
    """One per choice."""
    usage: Usage | None
    """None when the provider sent none: whoever collects the answer then estimates and marks it."""
    served_model: str
    """The response's own model field, by which it is billed."""
    stop_sequence: str = ""
    """Which of the asked ones ended the answer, where the provider tells."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A block of reasoning as in `Delta.thought`, and how many characters of the text came before it."""

    block: JsonObject
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers asked for by `n`."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = FinishReason.STOP
    logprobs: Json = None
    thoughts: tuple[Thought, ...] = ()
    stop_sequence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole, well-formed answer. Half an answer never becomes one of these."""

    choices: tuple[Choice, ...]
    model: str
    """Catalogue name (`provider/model`) of the model that served it."""
    provider: str
    served_model: str
    usage: Usage
    cost_micro_usd: int
    price_known: bool = True
    """False when a configured ceiling stood in for an unknown price."""
    created_at: float = 0.0

    @property
    def text(self) -> str:
        """Of the first choice."""
        return self.choices[0].text

    @property
    def finish_reason(self) -> FinishReason:
        """Of the first choice."""
        return self.choices[0].finish_reason


class Health(StrEnum):
    """How a model has answered of late, from real traffic."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


class CacheKind(StrEnum):
    """How an answer came without a provider call of its own."""

    EXACT = "exact"
    SEMANTIC = "semantic"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one model, for the answer's metadata and the usage record."""

    model: str
    outcome: str
    """`ok` or the error's kind."""
    status: int | None
    milliseconds: int
    cost_micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class LimitState:
    """The caller's tightest limit after this request, for the rate-limit headers."""

    name: str
    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the gateway says about an answer beside the answer itself."""

    request_id: str
    model_requested: str
    model_used: str
    provider: str
    cached: CacheKind | None = None
    cache_status: str = "MISS"
    """`HIT (exact)`, `HIT (semantic)`, `MISS` or `BYPASS`."""
    age_seconds: int = 0
    ttl_class: str = ""
    cost_micro_usd: int = 0
    saved_micro_usd: int = 0
    latency_ms: int = 0
    first_token_ms: int | None = None
    attempts: tuple[Attempt, ...] = ()
    degraded: tuple[str, ...] = ()
    """Parts that did not work for this request, e.g. `kv`."""
    dropped_params: tuple[str, ...] = ()
    limit: LimitState | None = None
    health: str = "healthy"
    routing: JsonObject = field(default_factory=dict[str, Json])
    own_keys: bool = False
    """The cost is the caller's own, with their provider."""


@dataclass(frozen=True, slots=True)
class Opened:
    """First event of every successful run: what is known before the first word is shown."""

    report: Report


@dataclass(frozen=True, slots=True)
class Restarted:
    """What was shown so far is void: another model, named in the report, begins anew. Only where it was asked for."""

    report: Report


@dataclass(frozen=True, slots=True)
class Done:
    """Last event of every successful run."""

    answer: Answer
    report: Report


Event: TypeAlias = Opened | Delta | Restarted | Done
