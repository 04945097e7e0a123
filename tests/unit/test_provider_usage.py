"""Token counts as providers report them, normalised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.providers.usage import ABSURD, anthropic_usage, openai_usage
from lib.answer import Usage
from lib.contract import Json, JsonObject


def test_openais_parts_are_read() -> None:
    usage: JsonObject = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    assert openai_usage(usage) == Usage(
        input_tokens=100, output_tokens=50, cached_input_tokens=60, cache_write_tokens=10, reasoning_tokens=30
    )


def test_deepseeks_name_for_cached_tokens_is_read() -> None:
    usage: JsonObject = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64}
    assert openai_usage(usage) == Usage(input_tokens=100, output_tokens=5, cached_input_tokens=64)


@pytest.mark.parametrize("details", [{"reasoning_tokens": 300}, None], ids=["listed", "not listed"])
def test_reasoning_that_only_the_total_holds_is_output_too(details: Json) -> None:
    usage: JsonObject = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 315}
    usage["completion_tokens_details"] = details
    assert openai_usage(usage) == Usage(input_tokens=10, output_tokens=305, reasoning_tokens=300)


def test_a_total_that_nothing_explains_changes_nothing() -> None:
    usage: JsonObject = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 99}
    usage["completion_tokens_details"] = {"reasoning_tokens": 2}
    assert openai_usage(usage) == Usage(input_tokens=10, output_tokens=5, reasoning_tokens=2)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        "12",
        [],
        {"prompt_tokens": 10},
        {"prompt_tokens": "10", "completion_tokens": 5},
        {"prompt_tokens": 10.0, "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": -5, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": -5},
        {"prompt_tokens": ABSURD + 1, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": 10**12},
        {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 2 * 10**12},
        {"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}},
        {"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -1}},
        {"prompt_tokens": 5, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 6}},
    ],
)
def test_missing_negative_and_absurd_figures_are_none(usage: Json) -> None:
    assert openai_usage(usage) is None


def test_anthropics_input_is_made_to_include_its_cache() -> None:
    usage: JsonObject = {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 2_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        "output_tokens_details": {"thinking_tokens": 3},
    }
    assert anthropic_usage(usage) == Usage(
        input_tokens=2_310,
        output_tokens=7,
        cached_input_tokens=2_000,
        cache_write_tokens=200,
        cache_write_1h_tokens=100,
        reasoning_tokens=3,
    )


def test_anthropics_cache_writes_are_of_the_short_kind_unless_told_otherwise() -> None:
    usage: JsonObject = {"input_tokens": 10, "output_tokens": 7, "cache_creation_input_tokens": 300}
    assert anthropic_usage(usage) == Usage(input_tokens=310, output_tokens=7, cache_write_tokens=300)


@pytest.mark.parametrize(
    "usage", [{}, {"input_tokens": 5}, {"input_tokens": -5, "output_tokens": 5}, {"output_tokens": 5}]
)
def test_anthropics_missing_and_negative_figures_are_none(usage: JsonObject) -> None:
    assert anthropic_usage(usage) is None


FIGURE = st.none() | st.integers(-10, 10**9) | st.text(max_size=3) | st.floats(allow_nan=False)


@given(
    st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens"]), FIGURE),
    st.dictionaries(st.sampled_from(["cached_tokens", "cache_write_tokens", "reasoning_tokens"]), FIGURE),
)
def test_whatever_comes_the_figures_are_sane(usage: JsonObject, details: JsonObject) -> None:
    read = openai_usage({**usage, "prompt_tokens_details": details, "completion_tokens_details": details})
    if read is not None:
        assert 0 <= read.cached_input_tokens + read.cache_write_tokens <= read.input_tokens <= ABSURD
        assert 0 <= read.reasoning_tokens <= read.output_tokens <= ABSURD
