"""OpenAI's models: windows and limits from its model pages, parameter rules as its newer families enforce them."""

from __future__ import annotations

from datetime import date
from typing import Final

from lib.catalog.capabilities import VISION, VISION_AND_REASONING
from lib.catalog.rows import ModelRow, ParamRules

GPT_5: Final = ParamRules(drop=frozenset({"temperature", "stop"}), max_tokens_name="max_completion_tokens")
"""GPT-5 and later: any temperature but 1 is rejected while they reason, and `stop` always."""
GPT_5_WITHOUT_TOP_P: Final = ParamRules(
    drop=frozenset({"temperature", "top_p", "stop"}), max_tokens_name="max_completion_tokens"
)
O1_CHAIN: Final = ("openai/gpt-4o", "anthropic/claude-sonnet-5-5")

MODELS: Final[tuple[ModelRow, ...]] = (
    ModelRow(
        id="openai/gpt-6-luna",
        provider="openai",
        wire_name="gpt-6-luna",
        context_window=1_050_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=2,
        speed=5,
        params=GPT_5,
    ),
    ModelRow(
        id="openai/gpt-6.1-terra",
        provider="openai",
        wire_name="gpt-6.1-terra",
        context_window=1_050_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=3,
        speed=4,
        params=GPT_5,
    ),
    ModelRow(
        id="openai/gpt-6.1-sol",
        provider="openai",
        wire_name="gpt-6.1-sol",
        limit_class="o1",
        context_window=1_050_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=5,
        speed=3,
        params=GPT_5_WITHOUT_TOP_P,
        chain=O1_CHAIN,
    ),
    ModelRow(
        id="openai/gpt-6-astra",
        provider="openai",
        wire_name="gpt-6-astra",
        limit_class="o1",
        context_window=1_050_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=5,
        speed=1,
        params=GPT_5_WITHOUT_TOP_P,
        chain=O1_CHAIN,
    ),
    ModelRow(
        id="openai/gpt-5.6-terra",
        provider="openai",
        wire_name="gpt-5.6-terra",
        context_window=1_050_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=3,
        speed=4,
        params=GPT_5,
    ),
    ModelRow(
        id="openai/gpt-5.6-sol",
        provider="openai",
        wire_name="gpt-5.6-sol",
        limit_class="o1",
        context_window=1_050_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=4,
        speed=2,
        params=GPT_5,
        chain=O1_CHAIN,
    ),
    ModelRow(
        id="openai/gpt-5.4-mini",
        provider="openai",
        wire_name="gpt-5.4-mini",
        context_window=400_000,
        max_output=128_000,
        capabilities=VISION_AND_REASONING,
        quality=2,
        speed=4,
        params=GPT_5,
    ),
    ModelRow(
        id="openai/gpt-4.1",
        provider="openai",
        wire_name="gpt-4.1",
        context_window=1_000_000,
        max_output=32_768,
        capabilities=VISION,
        quality=3,
        speed=3,
    ),
    ModelRow(
        id="openai/gpt-4o",
        provider="openai",
        wire_name="gpt-4o",
        limit_class="gpt-4o",
        context_window=128_000,
        max_output=16_384,
        capabilities=VISION,
        quality=3,
        speed=4,
        chain=("openai/gpt-4o-mini", "anthropic/claude-sonnet-5-5"),
        retires=date(2027, 1, 14),
        successor="openai/gpt-6-luna",
    ),
    ModelRow(
        id="openai/gpt-4o-mini",
        provider="openai",
        wire_name="gpt-4o-mini",
        context_window=128_000,
        max_output=16_384,
        capabilities=VISION,
        quality=1,
        speed=5,
        retires=date(2027, 1, 14),
        successor="openai/gpt-6-luna",
    ),
)
