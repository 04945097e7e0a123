"""Samples as Markdown tables: medians over the runs, spread, and ratios to ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TypedDict

from bench.overhead.scenarios import ALL, MISS, PIECES, STREAM, Scenario
from bench.overhead.targets import OURS


class Row(TypedDict):
    """A sample as kept in the file of results."""

    target: str
    scenario: str
    run: int
    answers: int
    wrong: int
    per_second: float
    cpu_ms: float | None
    whole_ms: list[float]
    first_ms: list[float]
    resident_mib: float | None


def report(rows: Sequence[Row], titles: Mapping[str, str], machine: str) -> str:
    """All tables."""
    lines = [machine, ""]
    for scenario in ALL:
        found = _by_target([row for row in rows if row["scenario"] == scenario.name], titles)
        if found:
            lines += [f"**{scenario.name}**", "", *_table(scenario, found, titles), ""]
    return "\n".join([*lines, *_pieces(rows, titles)])


def _by_target(rows: Sequence[Row], titles: Mapping[str, str]) -> dict[str, list[Row]]:
    return {name: found for name in titles if (found := [row for row in rows if row["target"] == name])}


def _table(scenario: Scenario, found: Mapping[str, list[Row]], titles: Mapping[str, str]) -> Iterator[str]:
    yield "| | req/s | least–most | ours is | CPU ms | p50 ms | p95 ms | p99 ms | first byte p50 ms | MiB | wrong |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    ours = _median(found[OURS], "per_second") if OURS in found else None
    for name, rows in found.items():
        rates = [row["per_second"] for row in rows]
        rate = median(rates)
        ratio = f"{ours / rate:.1f}×" if ours and rate and not scenario.paced else "–"
        p50, p95, p99 = (median(row["whole_ms"][i] for row in rows) for i in range(3))
        first = median(row["first_ms"][0] for row in rows)
        yield (
            f"| {titles[name]} | {rate:,.0f} | {min(rates):,.0f}–{max(rates):,.0f} | {ratio} "
            f"| {_shown(_median(rows, 'cpu_ms'), 3)} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {first:.2f} "
            f"| {_shown(_median(rows, 'resident_mib'), 0)} | {sum(row['wrong'] for row in rows)} |"
        )


def _pieces(rows: Sequence[Row], titles: Mapping[str, str]) -> Iterator[str]:
    """A stream's CPU beyond that of a whole answer, by its pieces."""
    yield f"**Each piece of a stream** (what a stream of {PIECES} costs beyond a JSON answer)"
    yield ""
    yield "| | CPU µs |"
    yield "|---|---|"
    streams = _by_target([row for row in rows if row["scenario"] == STREAM.name], titles)
    whole = _by_target([row for row in rows if row["scenario"] == MISS.name], titles)
    for name in streams.keys() & whole.keys():
        stream, json = _median(streams[name], "cpu_ms"), _median(whole[name], "cpu_ms")
        if stream is not None and json is not None:
            yield f"| {titles[name]} | {(stream - json) / PIECES * 1000:.0f} |"


def _median(rows: Sequence[Row], field: str) -> float | None:
    values = {
        "per_second": [row["per_second"] for row in rows],
        "cpu_ms": [row["cpu_ms"] for row in rows if row["cpu_ms"] is not None],
        "resident_mib": [row["resident_mib"] for row in rows if row["resident_mib"] is not None],
    }[field]
    return median(values) if values else None


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
