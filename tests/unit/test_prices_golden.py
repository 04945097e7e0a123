"""Our costs beside genai-prices' own calculation, on usages shaped as providers report them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price

from lib.answer import Usage
from lib.catalog import Catalog, ModelRow, PriceBook
from lib.catalog.providers import PROVIDERS

BOOK = PriceBook()
CATALOG = Catalog.build()
SOURCES = {row.id: row.price_source or row.id for row in PROVIDERS}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PEAK = datetime(2026, 11, 24, 7, tzinfo=UTC)
PRICED = [row for row in CATALOG.models if row.provider not in {"crowelogic", "demo"}]


def called(prompt: int, answer: int, *, cached: int = 0, written: int = 0, written_1h: int = 0) -> Usage:
    """A usage as the adapters normalise it."""
    return Usage(
        input_tokens=prompt,
        output_tokens=answer,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=written_1h,
    )


def theirs(provider: str, name: str, usage: Usage, at: datetime) -> Decimal:
    """Micro-dollars, unrounded; genai-prices counts one-hour cache writes among all cache writes."""
    their_usage = TheirUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_input_tokens or None,
        cache_write_tokens=(usage.cache_write_tokens + usage.cache_write_1h_tokens) or None,
        cache_write_1h_tokens=usage.cache_write_1h_tokens or None,
    )
    price = calc_price(their_usage, name, provider_id=SOURCES[provider], genai_request_timestamp=at)
    return price.total_price * 1_000_000


def difference(model: ModelRow, served: str, usage: Usage, at: datetime) -> Decimal:
    """How far apart the two are, in micro-dollars."""
    ours = BOOK.cost(model, served, usage, at.timestamp())
    assert ours.known
    return abs(ours.micro_usd - theirs(model.provider, served, usage, at))


@pytest.mark.parametrize(
    ("model_id", "served", "usage", "at"),
    [
        # OpenAI: prompt_tokens_details.cached_tokens is part of prompt_tokens.
        ("openai/gpt-4o", "gpt-4o-2024-08-06", called(2_006, 300, cached=1_920), NOON),
        ("openai/gpt-4o-mini", "gpt-4o-mini-2024-07-18", called(37, 11), NOON),
        ("openai/gpt-6.1-sol", "gpt-6.1-sol", called(9_000, 4_096), NOON),
        ("openai/gpt-6-luna", "gpt-6-luna", called(272_000, 800), NOON),
        ("openai/gpt-6-luna", "gpt-6-luna", called(272_001, 800, cached=5), NOON),
        # Anthropic: reads and writes of both lifetimes, normalised to be parts of the input.
        (
            "anthropic/claude-opus-5-5",
            "claude-opus-5-5-20261001",
            called(12_345, 678, cached=8_000, written=3_000, written_1h=1_000),
            NOON,
        ),
        (
            "anthropic/claude-haiku-5-5",
            "claude-haiku-5-5",
            called(150_000, 2_000, cached=90_000, written_1h=10_000),
            NOON,
        ),
        ("anthropic/claude-haiku-5-5", "claude-haiku-5-5", called(100_000, 9), NOON),
        # Google: long context, a price that changes on a date, cached content.
        ("google/gemini-3.1-pro-preview", "gemini-3.1-pro-preview", called(200_001, 77), NOON),
        ("google/gemini-3.8-flash", "gemini-3.8-flash", called(999, 1), NOON + timedelta(days=60)),
        (
            "google/gemini-4-argon",
            "gemini-4-argon",
            called(5_001, 3, cached=4_096),
            NOON + timedelta(days=7),
        ),
        # DeepSeek: peak and off-peak, cache hits.
        ("deepseek/deepseek-v4-flash", "deepseek-v4-flash", called(5_003, 777, cached=4_992), NOON),
        ("deepseek/deepseek-v4-flash", "deepseek-v4-flash", called(5_003, 777, cached=4_992), PEAK),
        ("deepseek/deepseek-v4-pro", "deepseek-v4-pro", called(64, 3_111), PEAK),
        ("xai/grok-4.7", "grok-4.7", called(200_000, 500, cached=3), NOON),
        ("groq/gpt-oss-20b", "openai/gpt-oss-20b", called(101, 33, cached=64), NOON),
        ("mistral/mistral-medium-3.5", "mistral-medium-2604", called(1_001, 333), NOON),
        ("moonshot/kimi-k3", "kimi-k3", called(70_001, 9, cached=65_536), NOON),
    ],
)
def test_a_call_costs_what_genai_prices_says_to_within_a_micro_dollar(
    model_id: str, served: str, usage: Usage, at: datetime
) -> None:
    assert difference(CATALOG.model(model_id), served, usage, at) <= 1


@pytest.mark.parametrize("model", PRICED, ids=lambda row: row.id)
def test_any_usage_of_any_model_costs_what_genai_prices_says(model: ModelRow) -> None:
    chance = Random(model.id)
    for _ in range(40):
        total = chance.choice((1, 900, 50_000, 100_001, 250_000, 600_000))
        cached, written, written_1h = (chance.randrange(total // 3 + 1) for _ in range(3))
        usage = called(total, chance.randrange(20_000), cached=cached, written=written, written_1h=written_1h)
        at = NOON + timedelta(minutes=chance.randrange(200_000) - 100_000)
        assert difference(model, model.wire_name, usage, at) <= 1
