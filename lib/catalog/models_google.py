"""Google's models, through its OpenAI-compatible endpoint. The flash models take no sampling parameters."""

from __future__ import annotations

from typing import Final

from lib.catalog.capabilities import VISION_AND_REASONING
from lib.catalog.rows import ModelRow, ParamRules

SAMPLING_REJECTED: Final = ParamRules(drop=frozenset({"temperature", "top_p"}))

MODELS: Final[tuple[ModelRow, ...]] = (
    ModelRow(
        id="google/gemini-3.5-flash-lite",
        provider="google",
        wire_name="gemini-3.5-flash-lite",
        context_window=1_000_000,
        max_output=65_536,
        capabilities=VISION_AND_REASONING,
        quality=2,
        speed=5,
        params=SAMPLING_REJECTED,
    ),
    ModelRow(
        id="google/gemini-3.8-flash",
        provider="google",
        wire_name="gemini-3.8-flash",
        context_window=1_000_000,
        max_output=65_536,
        capabilities=VISION_AND_REASONING,
        quality=3,
        speed=4,
        params=SAMPLING_REJECTED,
    ),
    ModelRow(
        id="google/gemini-3.1-pro-preview",
        provider="google",
        wire_name="gemini-3.1-pro-preview",
        context_window=1_048_576,
        max_output=65_536,
        capabilities=VISION_AND_REASONING,
        quality=4,
        speed=2,
    ),
    ModelRow(
        id="google/gemini-4-argon",
        provider="google",
        wire_name="gemini-4-argon",
        context_window=1_048_576,
        max_output=65_536,
        capabilities=VISION_AND_REASONING,
        quality=5,
        speed=3,
    ),
)
