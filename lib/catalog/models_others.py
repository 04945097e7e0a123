"""Models of the further OpenAI-compatible providers, the customer's own model, and the demo.

Where a vendor states no output limit, `max_output` is a value all its documented siblings accept.
"""

from __future__ import annotations

from typing import Final

from lib.catalog.capabilities import REASONING, TEXT, VISION, VISION_AND_REASONING
from lib.catalog.rows import ModelRow

MODELS: Final[tuple[ModelRow, ...]] = (
    ModelRow(
        id="deepseek/deepseek-v4-flash",
        provider="deepseek",
        wire_name="deepseek-v4-flash",
        context_window=1_000_000,
        max_output=65_536,
        capabilities=REASONING,
        quality=2,
        speed=4,
    ),
    ModelRow(
        id="deepseek/deepseek-v4-pro",
        provider="deepseek",
        wire_name="deepseek-v4-pro",
        context_window=1_000_000,
        max_output=65_536,
        capabilities=REASONING,
        quality=4,
        speed=2,
    ),
    ModelRow(
        id="xai/grok-4.7",
        provider="xai",
        wire_name="grok-4.7",
        context_window=500_000,
        max_output=65_536,
        capabilities=VISION_AND_REASONING,
        quality=4,
        speed=3,
    ),
    ModelRow(
        id="mistral/mistral-medium-3.5",
        provider="mistral",
        wire_name="mistral-medium-3.5",
        context_window=262_144,
        max_output=32_768,
        capabilities=VISION,
        quality=3,
        speed=4,
    ),
    ModelRow(
        id="moonshot/kimi-k3",
        provider="moonshot",
        wire_name="kimi-k3",
        context_window=1_048_576,
        max_output=65_536,
        capabilities=VISION_AND_REASONING,
        quality=4,
        speed=2,
    ),
    ModelRow(
        id="groq/gpt-oss-120b",
        provider="groq",
        wire_name="openai/gpt-oss-120b",
        context_window=131_072,
        max_output=65_536,
        capabilities=REASONING,
        quality=2,
        speed=5,
    ),
    ModelRow(
        id="groq/gpt-oss-20b",
        provider="groq",
        wire_name="openai/gpt-oss-20b",
        context_window=131_072,
        max_output=65_536,
        capabilities=REASONING,
        quality=1,
        speed=5,
    ),
    ModelRow(
        id="crowelogic/mini",
        provider="crowelogic",
        wire_name="mini",
        context_window=32_768,
        max_output=4_096,
        capabilities=TEXT,
        quality=2,
        speed=3,
    ),
    ModelRow(
        id="demo/echo",
        provider="demo",
        wire_name="echo",
        context_window=1_000_000,
        max_output=4_096,
        capabilities=frozenset({"stream"}),
        quality=1,
        speed=5,
        usd_per_million=(0.0, 0.0),
    ),
)
