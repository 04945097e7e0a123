"""Anthropic's models. Since Claude 4.7 sampling parameters are rejected, since 4.6 a prefilled answer."""

from __future__ import annotations

from typing import Final

from lib.catalog.capabilities import VISION_AND_REASONING
from lib.catalog.rows import ModelRow, ParamRules

SAMPLING_REJECTED: Final = ParamRules(drop=frozenset({"temperature", "top_p", "top_k"}), prefill=False)
ALWAYS_THINKING: Final = ParamRules(
    drop=frozenset({"temperature", "top_p", "top_k"}), prefill=False, forced_tool_choice=False
)

MODELS: Final[tuple[ModelRow, ...]] = (
    ModelRow(
        id="anthropic/claude-haiku-5-5",
        provider="anthropic",
        wire_name="claude-haiku-5-5",
        context_window=1_000_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=2,
        speed=5,
        params=SAMPLING_REJECTED,
    ),
    ModelRow(
        id="anthropic/claude-sonnet-5-5",
        provider="anthropic",
        wire_name="claude-sonnet-5-5",
        context_window=1_000_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=4,
        speed=3,
        params=ALWAYS_THINKING,
        chain=("openai/gpt-4o", "google/gemini-3.1-pro-preview"),
    ),
    ModelRow(
        id="anthropic/claude-opus-5-5",
        provider="anthropic",
        wire_name="claude-opus-5-5",
        limit_class="claude-opus",
        context_window=1_000_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=5,
        speed=2,
        params=ALWAYS_THINKING,
    ),
    ModelRow(
        id="anthropic/claude-fable-5-2",
        provider="anthropic",
        wire_name="claude-fable-5-2",
        limit_class="claude-opus",
        context_window=1_000_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=5,
        speed=1,
        params=SAMPLING_REJECTED,
    ),
    ModelRow(
        id="anthropic/claude-haiku-4-5",
        provider="anthropic",
        wire_name="claude-haiku-4-5",
        context_window=200_000,
        max_output=64_000,
        capabilities=VISION_AND_REASONING,
        quality=2,
        speed=4,
    ),
)
