"""How the soak judges memory: by the line through the last two thirds of the longest life."""

from __future__ import annotations

import pytest

from bench.soak.processes import Sample, flatness, growth, longest_life


def life(*megabytes: float, pid: int = 1) -> list[Sample]:
    return [Sample(5.0 * n, pid, each, 7) for n, each in enumerate(megabytes)]


def test_what_is_taken_while_warming_up_is_no_growth() -> None:
    assert growth(life(*range(50, 80), *[80] * 60)) == pytest.approx(0)


def test_a_steady_rise_is_growth_and_a_single_peak_hardly_any() -> None:
    assert growth(life(*(70 + n / 10 for n in range(91)))) == pytest.approx(6, abs=0.2)
    assert growth(life(*[70] * 60, 90, *[70] * 29)) < 1


def test_the_process_that_lived_longest_is_looked_at() -> None:
    samples = [*life(60, 61, pid=1), *life(70, 71, 72, pid=2)]
    assert {sample.pid for sample in longest_life(samples)} == {2}
    assert longest_life([]) == []
    assert flatness([]) == {}


def test_the_figures_are_medians_early_in_the_middle_and_late() -> None:
    told = flatness(life(*[50] * 10, *[60] * 40, *[70] * 40, *[75] * 10))
    assert (told["megabytes"], told["most"], told["files"]) == ([60, 70, 75], 75, [7, 7, 7])
