"""What routes answer, as schemas. The encoders write these by hand for speed; tests hold the two together."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from lib.web.openapi.asked import TextPart, ThinkingBlock, ToolCall, ToolUseBlock

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
Cached: TypeAlias = Literal[False, "exact", "semantic", "duplicate"]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Dollars: TypeAlias = Annotated[float, Field(ge=0)]


class Camel(BaseModel):
    """Fields go by camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel)


class Limit(BaseModel):
    """The limit that was met."""

    name: str
    limit: Count
    window_seconds: Count
    retry_after_seconds: Count


class ErrorObject(BaseModel):
    """What is wrong, in OpenAI's shape."""

    message: str
    type: str
    param: str | None
    """The field, as a path such as `messages[0].role`."""
    code: str
    limit: Limit | None = None


class Error(BaseModel):
    """Every error but those of /api/ai/v1/messages."""

    error: ErrorObject
    request_id: str


class AnthropicErrorObject(BaseModel):
    """What is wrong, in Anthropic's shape."""

    type: str
    message: str
    code: str
    param: str | None


class AnthropicError(BaseModel):
    """An error of /api/ai/v1/messages."""

    type: Literal["error"]
    error: AnthropicErrorObject
    request_id: str


class Usage(Camel):
    """Tokens as billed; input includes cached tokens, output reasoning."""

    input_tokens: Count
    output_tokens: Count
    total_tokens: Count
    cached_input_tokens: Count
    reasoning_tokens: Count


class Try(Camel):
    """One call of a model."""

    model: str
    outcome: str
    status: int | None
    milliseconds: Count
    cost: Dollars


class CacheFacts(Camel):
    """What the cache had to do with it."""

    status: str
    similarity: float | None
    age_seconds: int | None
    ttl_class: str | None
    saved_usd: Dollars


class Metadata(Camel):
    """How an answer came about."""

    request_id: str
    health: str
    attempts: list[Try]
    routing: dict[str, object]
    cache: CacheFacts
    first_token_ms: int | None
    estimated: bool
    price_known: bool
    degraded: list[str]
    dropped_params: list[str]


class Chat(Camel):
    """A chat's answer in one piece."""

    content: str
    finish_reason: Finish
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    cached: Cached
    cost: Dollars
    """In dollars."""
    latency_ms: Count
    model_used: str
    model_requested: str
    provider: str
    usage: Usage
    metadata: Metadata


class GatewayFacts(Camel):
    """What the gateway says beside an answer in another protocol."""

    model_requested: str
    model_used: str
    provider: str
    cached: Cached
    cost: Dollars
    latency_ms: Count
    metadata: Metadata


class TokenDetails(BaseModel):
    """Of prompt tokens."""

    cached_tokens: Count


class OutputDetails(BaseModel):
    """Of completion tokens."""

    reasoning_tokens: Count


class OpenAIUsage(BaseModel):
    """Tokens in OpenAI's words."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: TokenDetails
    completion_tokens_details: OutputDetails


class CompletionMessage(BaseModel):
    """What the model said."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class CompletionChoice(BaseModel):
    """One of the answers."""

    index: Count
    message: CompletionMessage
    logprobs: object
    finish_reason: Finish


class Completion(BaseModel):
    """OpenAI's chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: OpenAIUsage
    gateway: GatewayFacts


class Model(BaseModel):
    """A model that can be called."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    type: Literal["chat", "embedding"]
    context_length: Count | None = None
    max_output_tokens: Count | None = None
    capabilities: list[str] | None = None
    pricing: dict[str, float] | None = None
    retires: str | None = None


class ModelList(BaseModel):
    """All models that the caller may use."""

    object: Literal["list"]
    data: list[Model]


class EmbeddingUsage(BaseModel):
    """Tokens of the inputs."""

    prompt_tokens: Count
    total_tokens: Count


class Vector(BaseModel):
    """One input's vector: numbers, or float32 in base64."""

    object: Literal["embedding"]
    index: Count
    embedding: list[float] | str


class EmbeddingList(BaseModel):
    """Vectors in the order of the inputs."""

    object: Literal["list"]
    data: list[Vector]
    model: str
    usage: EmbeddingUsage
    gateway: GatewayFacts


class AnthropicUsage(BaseModel):
    """Tokens in Anthropic's words: `input_tokens` leaves out what the prompt cache had to do with."""

    input_tokens: Count
    cache_creation_input_tokens: Count
    cache_read_input_tokens: Count
    output_tokens: Count


class RedactedThinkingBlock(BaseModel):
    """A thought that is not shown."""

    type: Literal["redacted_thinking"]
    data: str


class AnthropicMessage(BaseModel):
    """Anthropic's message."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[TextPart | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]
    stop_sequence: str | None
    usage: AnthropicUsage
    gateway: GatewayFacts


class TokenCount(BaseModel):
    """The product's own estimate."""

    input_tokens: Count
    estimated: Literal[True]


class BatchItem(BaseModel):
    """One item's result."""

    index: Count
    id: str | None
    status: Literal["done", "failed", "unfinished"]
    answer: Chat | None = None
    error: dict[str, object] | None = None


class Batch(BaseModel):
    """A whole inline batch."""

    results: list[BatchItem]
    done: Count
    total: Count
    failed: Count
    unfinished: Count
    cost: Dollars
    hint: str | None = None


class BatchJob(Camel):
    """How a durable batch stands."""

    id: str
    status: Literal["queued", "running", "completed", "cancelled"]
    total: Count
    done: Count
    failed: Count
    running: Count
    pending: Count
    cost: Dollars
    created_at: int
    expires_at: int
    paused_until: int | None
    results: str


class Recommendation(Camel):
    """Which model would answer, and why."""

    model_id: str
    provider: str
    model_requested: str
    automatic: bool
    substitution: str
    task: str
    task_confidence: float
    complexity: dict[str, object]
    reasoning: str
    alternatives: list[dict[str, object]]
    estimated_tokens: dict[str, int]
    estimated_cost_usd: dict[str, float]
    constraints_applied: list[str]
    dropped: list[dict[str, str]]
    policy_version: str
    exploration: bool
    propensity: float
    pinned: bool
    fallback_chain: list[str]


class Vote(Camel):
    """What became of a vote."""

    request_id: str
    rating: Literal["up", "down", "regenerate"]
    replaced: bool
    cache_entry_removed: bool
    model: str
    task: str
