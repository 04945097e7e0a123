"""The shapes of the catalogue's rows: providers, models, parameter rules and prices.

A new OpenAI-compatible provider is one `ProviderRow`; a new model is one `ModelRow`; nothing else grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum


class Protocol(StrEnum):
    """The wire an adapter speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """Where a provider is and how it is spoken to."""

    id: str
    protocol: Protocol
    base_url: str
    """Without a trailing slash; `/chat/completions` or `/messages` is appended."""
    key_variable: str = ""
    """The environment variable that holds its key; empty when it needs none."""
    price_source: str = ""
    """The provider's id in genai-prices, where it differs from `id`."""
    takes: frozenset[str] = frozenset({"reasoning_content"})
    """What it wants of messages beyond OpenAI's own fields: `reasoning_content` of earlier turns, `extra_content` of
    tool calls. On OpenAI's wire all else of that kind is left out, since most refuse it."""
    call_id_length: int = 0
    """Of tool calls' ids, where it takes no other and only letters and digits; 0 for any up to 40 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamRules:
    """How a model's parameters differ from OpenAI's chat completions; what does not fit is dropped and reported."""

    drop: frozenset[str] = frozenset()
    """Parameters the model rejects (`temperature`, `top_p`, `stop`, …)."""
    max_tokens_name: str = "max_tokens"
    forced_tool_choice: bool = True
    """False where `tool_choice` may only be `auto` or `none`: a forced one is sent as `auto` and reported."""
    prefill: bool = True
    """False where a trailing assistant message is rejected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model that can serve."""

    id: str
    """`provider/model`."""
    provider: str
    wire_name: str
    limit_class: str = ""
    """The class of the per-model limits it counts under: `gpt-4o`, `claude-opus`, `o1`, or none."""
    context_window: int
    max_output: int
    capabilities: frozenset[str]
    """Of `vision`, `tools`, `json`, `reasoning`, `stream`."""
    quality: int
    """Capability tier from 1 (small, cheap) to 5 (frontier); the router's first-version ranking."""
    speed: int
    """From 1 (slow) to 5 (fast)."""
    params: ParamRules = field(default_factory=ParamRules)
    chain: tuple[str, ...] = ()
    """Models to fall back to, in order; empty means one is generated."""
    retires: date | None = None
    successor: str = ""
    usd_per_million: tuple[float, float] | None = None
    """Input and output price for models that no price list knows; overrides the generated file."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-dollars per million tokens: a base, and a dearer rate for the whole request above `above` input tokens."""

    base: int
    tiers: tuple[tuple[int, int], ...] = ()
    """(`above`, rate) pairs, rising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """What a model costs from a date on, perhaps only within hours of the day (UTC)."""

    input: Rate
    output: Rate
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    since: date | None = None
    between: tuple[time, time] | None = None
