"""Usage as CSV: read back as it was, in bounded pieces, with nothing in it that a spreadsheet computes."""

from __future__ import annotations

import csv
from collections.abc import AsyncGenerator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.observability.shown import Timed, described
from lib.ai.observability.totals import Totals
from lib.usage_query import UsageRow
from lib.web.usage_csv import COLUMNS, FORMULA, PIECE_CHARACTERS, csv_pieces, safe


def row(name: str, period: str = "2026-11-24") -> UsageRow:
    totals = Totals(requests=3, input_tokens=40, cost_micro_usd=1_234_567, answered=2, latency_ms=90, first_tokens=0)
    return UsageRow(period, name, described(Timed(totals, [0] * 20 + [2] + [0] * 123)))


async def text_of(*rows: UsageRow, group: str = "user") -> str:
    async def given_rows() -> AsyncGenerator[UsageRow, None]:
        for each in rows:
            yield each

    return b"".join([piece async for piece in csv_pieces(given_rows(), group)]).decode()


async def test_every_figure_has_its_column_and_money_is_exact() -> None:
    text = await text_of(row("ab12"))
    assert text.endswith("\r\n")
    (line,) = csv.DictReader(StringIO(text, newline=""))
    assert (line["period"], line["user"], line["totalRequests"]) == ("2026-11-24", "ab12", "3")
    assert (line["totalCost"], line["totalCostMicroUsd"]) == ("1.234567", "1234567")
    assert (line["latency.averageMs"], line["latency.p95Ms"], line["firstToken.p95Ms"]) == ("45", "7", "")
    assert tuple(line) == ("period", "user", *COLUMNS)


async def test_what_routing_saved_may_be_less_than_nothing_and_is_a_number_all_the_same() -> None:
    totals = Totals(requests=1, routed_micro_usd=1_500, baseline_micro_usd=400, duplicates_saved_micro_usd=0)
    (line,) = csv.DictReader(StringIO(await text_of(UsageRow("2026-11", "x", described(Timed(totals)))), newline=""))
    columns = ("savedByCache", "savedByDedup", "savedByRouting", "routedCost", "routedBaselineCost")
    assert [line[name] for name in columns] == ["0.000000", "0.000000", "-0.001100", "0.001500", "0.000400"]


async def test_without_a_group_there_is_no_column_of_names() -> None:
    assert (await text_of(row(""), group="")).startswith("period,totalRequests,")


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://x";"y")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
async def test_a_name_that_looks_like_a_formula_stands_behind_a_quote(name: str) -> None:
    (line,) = csv.DictReader(StringIO(await text_of(row(name)), newline=""))
    assert line["user"] == f"'{name}"


@given(st.text())
def test_no_text_begins_like_a_formula(text: str) -> None:
    assert not safe(text).startswith(FORMULA)
    assert safe(text).removeprefix("'") == text.removeprefix("'")


async def test_names_with_commas_quotes_and_lines_read_back() -> None:
    name = 'a,"b"\r\nc; d'
    (line,) = csv.DictReader(StringIO(await text_of(row(name)), newline=""))
    assert line["user"] == name


async def test_many_rows_come_in_pieces_none_of_which_is_long() -> None:
    async def many() -> AsyncGenerator[UsageRow, None]:
        for number in range(2_000):
            yield row(f"user{number}")

    pieces = [piece async for piece in csv_pieces(many(), "user")]
    assert len(pieces) > 5
    assert max(map(len, pieces)) < PIECE_CHARACTERS + 1_000
    assert len(b"".join(pieces).splitlines()) == 2_001
