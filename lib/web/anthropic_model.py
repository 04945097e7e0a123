"""The body of POST /api/ai/v1/messages as pydantic models: names, types and bounds; messages are checked apart.

Names are Anthropic's. Fields that are not listed are kept, for Anthropic's own models.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from lib.web.wire_model import MAX_MESSAGES, GatewayWish, Name

_STRICT: Final = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class JsonSchemaFormat(BaseModel):
    """`output_config.format`."""

    model_config = _STRICT

    type: Literal["json_schema"]
    json_schema: dict[str, object] = Field(alias="schema")


class OutputConfig(BaseModel):
    """How the answer is to be."""

    model_config = _STRICT

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonSchemaFormat | None = None


class Thinking(BaseModel):
    """Whether and how long a model of Anthropic's thinks before it answers."""

    model_config = _STRICT

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = Field(default=None, ge=1_024, le=10_000_000)
    display: Literal["summarized", "omitted"] | None = None


class ToolUseChoice(BaseModel):
    """Whether tools may or must be called."""

    model_config = _STRICT

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = Field(default=None, min_length=1, max_length=200)
    disable_parallel_tool_use: bool = False


class MessageMetadata(BaseModel):
    """Who asks, in the caller's own words."""

    model_config = _STRICT

    user_id: Annotated[str, Field(max_length=256)] | None = None


class CacheControl(BaseModel):
    """A mark for Anthropic's prompt cache."""

    model_config = _STRICT

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class CountBody(BaseModel):
    """What both routes take: a prompt."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    messages: list[object] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: Name | None = None
    system: object = None
    tools: Annotated[list[object], Field(max_length=256)] | None = None
    tool_choice: ToolUseChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None


class MessagesBody(CountBody):
    """One request for a message."""

    max_tokens: int = Field(ge=1, le=10_000_000)
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0, le=1_000_000)
    stop_sequences: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)] = []
    stream: bool = False
    metadata: MessageMetadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    gateway: GatewayWish | None = None
