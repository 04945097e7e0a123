"""The generated price file: current, compact, and its generator refuses what it cannot say exactly."""

from __future__ import annotations

from datetime import time, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version

import pytest
from genai_prices.types import ModelPrice, TimeOfDateConstraint

from lib.catalog.pricing import PRICES_FILE
from scripts import generate_prices


def test_the_price_file_is_what_the_installed_package_says() -> None:
    assert generate_prices.complaint(PRICES_FILE.read_text()) == ""
    assert generate_prices.main(["--check"]) == 0


def test_the_price_file_names_its_source_and_licence() -> None:
    head = PRICES_FILE.read_text()[:600]
    assert '"package": "genai-prices"' in head
    assert "MIT License" in head


def test_a_file_of_another_version_or_with_other_prices_is_reported() -> None:
    text = PRICES_FILE.read_text()
    older = text.replace(f'"version": "{version("genai-prices")}"', '"version": "0.0.1"')
    assert "is from genai-prices 0.0.1, installed is" in generate_prices.complaint(older)
    assert "does not hold" in generate_prices.complaint(text.replace("2500000", "2500001", 1))
    assert "missing" in generate_prices.complaint("")


def test_a_price_finer_than_a_micro_dollar_is_refused() -> None:
    assert generate_prices.micro(Decimal("0.003625")) == 3_625
    with pytest.raises(ValueError, match="not whole micro-dollars"):
        generate_prices.micro(Decimal("0.0000001"))


def test_a_price_of_only_one_direction_is_left_out() -> None:
    assert generate_prices.price_row(ModelPrice(input_mtok=Decimal(1)), None) is None


def test_hours_in_another_zone_than_utc_are_refused() -> None:
    elsewhere = time(1, tzinfo=timezone(timedelta(hours=8)))
    with pytest.raises(ValueError, match="not in UTC"):
        generate_prices.utc_hours(TimeOfDateConstraint(elsewhere, elsewhere))
