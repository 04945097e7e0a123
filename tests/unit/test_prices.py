"""What a call costs: the right row, the right rate, exact integers, one rounding."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.answer import Usage
from lib.catalog import Catalog, Cost, PriceBook, PriceRow, Rate
from lib.catalog.price_file import read_listings, read_rate, read_row, write_row
from lib.catalog.pricing import cost_micro_usd, price_in_force, rate_for
from lib.contract import Json

CATALOG = Catalog.build()
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
FULL = PriceRow(
    input=Rate(4_000_000),
    output=Rate(20_000_000),
    cached_input=Rate(200_000),
    cache_write=Rate(5_000_000),
    cache_write_1h=Rate(8_000_000),
)
tokens = st.integers(min_value=0, max_value=2_000_000)


def test_cached_and_written_tokens_are_parts_of_the_input() -> None:
    usage = Usage(
        input_tokens=1_000,
        output_tokens=100,
        cached_input_tokens=400,
        cache_write_tokens=200,
        cache_write_1h_tokens=100,
    )
    assert cost_micro_usd(usage, FULL) == 300 * 4 + 400 // 5 + 200 * 5 + 100 * 8 + 100 * 20


def test_a_missing_rate_falls_back_to_the_next_wider_one() -> None:
    plain = PriceRow(input=Rate(1_000_000), output=Rate(2_000_000))
    written = PriceRow(input=Rate(1_000_000), output=Rate(2_000_000), cache_write=Rate(3_000_000))
    usage = Usage(input_tokens=100, cached_input_tokens=20, cache_write_tokens=30, cache_write_1h_tokens=40)
    assert cost_micro_usd(usage, plain) == 100
    assert cost_micro_usd(usage, written) == 30 + 3 * 70


def test_half_a_micro_dollar_rounds_up_once_at_the_end() -> None:
    half = PriceRow(input=Rate(250_000), output=Rate(250_000))
    assert cost_micro_usd(Usage(input_tokens=1), half) == 0
    assert cost_micro_usd(Usage(input_tokens=1, output_tokens=1), half) == 1


def test_a_dearer_rate_holds_for_the_whole_request_once_its_input_exceeds_the_threshold() -> None:
    rate = Rate(100, ((1_000, 200), (5_000, 300)))
    assert [rate_for(rate, n) for n in (0, 1_000, 1_001, 5_000, 5_001)] == [100, 100, 200, 200, 300]
    long = PriceRow(input=Rate(1_000_000, ((1_000, 2_000_000),)), output=Rate(5_000_000, ((1_000, 7_000_000),)))
    assert cost_micro_usd(Usage(input_tokens=1_000, output_tokens=10), long) == 1_000 + 50
    assert cost_micro_usd(Usage(input_tokens=1_001, output_tokens=10), long) == 2_002 + 70


def test_more_cached_tokens_than_input_never_make_a_negative_cost() -> None:
    assert cost_micro_usd(Usage(input_tokens=10, cached_input_tokens=1_000_000), FULL) == 200_000


@given(tokens, tokens, tokens)
def test_costs_of_whole_calls_are_integers_that_grow_with_tokens(prompt: int, answer: int, more: int) -> None:
    base = cost_micro_usd(Usage(input_tokens=prompt, output_tokens=answer), FULL)
    assert isinstance(base, int)
    assert cost_micro_usd(Usage(input_tokens=prompt, output_tokens=answer + more), FULL) >= base


def test_the_last_price_that_applies_wins() -> None:
    old = PriceRow(input=Rate(1), output=Rate(1))
    new = PriceRow(input=Rate(2), output=Rate(2), since=date(2026, 9, 1))
    night = PriceRow(input=Rate(3), output=Rate(3), between=(time(23), time(4)))
    rows = (old, new, night)
    moments = {
        datetime(2026, 8, 31, 12, tzinfo=UTC): old,
        datetime(2026, 9, 1, 0, tzinfo=UTC): night,
        datetime(2026, 9, 1, 4, tzinfo=UTC): new,
        datetime(2026, 9, 1, 22, 59, tzinfo=UTC): new,
        datetime(2026, 9, 1, 23, tzinfo=UTC): night,
    }
    assert {moment: price_in_force(rows, moment.timestamp()) for moment in moments} == moments
    assert price_in_force((new,), 0) is None


def test_deepseek_costs_twice_as_much_in_its_peak_hours() -> None:
    book, flash = PriceBook(), CATALOG.model("deepseek/deepseek-v4-flash")
    peak = datetime(2026, 11, 24, 1, 30, tzinfo=UTC).timestamp()
    assert book.usd_per_million(flash, NOON) == (0.15, 0.60)
    assert book.usd_per_million(flash, peak) == (0.30, 1.20)


@pytest.mark.parametrize(
    ("model_id", "served", "dollars_in"),
    [
        ("openai/gpt-4o", "gpt-4o-2024-08-06", 2.5),
        ("openai/gpt-4o", "gpt-4o-2024-05-13", 5),
        ("openai/gpt-4o", "gpt-4o-mini-2024-07-18", 0.15),
        ("openai/gpt-4o", "GPT-4o", 2.5),
        ("anthropic/claude-opus-5-5", "claude-sonnet-5-5-20261001", 2),
        ("anthropic/claude-opus-5-5", "claude-sonnet-5-5@20261001", 2),
        ("google/gemini-3.8-flash", "models/gemini-3.5-flash-lite", 0.3),
        ("google/gemini-3.8-flash", "gemini-3.5-flash-lite-preview-09-2026", 0.3),
        ("groq/gpt-oss-120b", "openai/gpt-oss-20b", 0.075),
        ("xai/grok-4.7", "grok-4.7-20261101", 2),
        ("openai/gpt-4o", "gpt-4o-of-another-world", 2.5),
        ("openai/gpt-4o", "", 2.5),
    ],
)
def test_the_response_says_what_is_billed_where_the_list_knows_it(
    model_id: str, served: str, dollars_in: float
) -> None:
    price = PriceBook().price_of(CATALOG.model(model_id), served, NOON)
    assert price is not None
    assert price.input.base == round(dollars_in * 1_000_000)


def test_an_unknown_price_is_the_ceiling_and_says_so() -> None:
    mini = CATALOG.model("crowelogic/mini")
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    assert PriceBook().cost(mini, "mini", usage, NOON) == Cost(225_000, known=False)
    lower = PriceBook(PriceRow(input=Rate(1_000_000), output=Rate(1_000_000)))
    assert lower.cost(mini, "mini", usage, NOON) == Cost(2_000, known=False)


def test_the_demo_costs_nothing_and_that_is_known() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    assert PriceBook().cost(CATALOG.model("demo/echo"), "echo", usage, NOON) == Cost(0, known=True)


def test_an_estimate_is_the_price_of_a_call_of_that_size() -> None:
    assert PriceBook().estimate(CATALOG.model("openai/gpt-4o"), 1_000, 500, NOON) == 7_500


def test_the_price_file_is_read_once_and_only_when_a_price_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    book = PriceBook(path=path)
    assert book.cost(CATALOG.model("demo/echo"), "", Usage(), NOON).known
    path.write_text('{"providers": {"openai": [{"names": ["gpt-4o"], "prices": [{"input": 7, "output": 9}]}]}}')
    gpt = CATALOG.model("openai/gpt-4o")
    assert book.price_of(gpt, "", NOON) == PriceRow(input=Rate(7), output=Rate(9))
    path.unlink()
    assert book.price_of(gpt, "", NOON) == PriceRow(input=Rate(7), output=Rate(9))


@pytest.mark.parametrize(
    "row",
    [
        FULL,
        PriceRow(input=Rate(1, ((272_000, 2),)), output=Rate(3, ((272_000, 4), (500_000, 5)))),
        PriceRow(input=Rate(1), output=Rate(2), since=date(2026, 8, 17)),
        PriceRow(input=Rate(1), output=Rate(2), between=(time(1), time(16, 30))),
    ],
)
def test_a_price_row_survives_being_written(row: PriceRow) -> None:
    assert read_row(write_row(row)) == row


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        {"providers": []},
        {"providers": {"openai": {}}},
        {"providers": {"openai": [{"names": ["x"], "prices": [{"input": 1}]}]}},
    ],
)
def test_a_damaged_price_file_is_an_error_and_not_a_price(damaged: Json) -> None:
    with pytest.raises(TypeError):
        read_listings(damaged)


def test_a_rate_is_whole_micro_dollars() -> None:
    assert read_rate(None) is None
    with pytest.raises(TypeError, match="whole number"):
        read_rate([1.5])
