"""When two answers are the same by their words. The judge says "same" or nothing."""

from __future__ import annotations

import pytest

from lib.kv.cache.near import judge_same

PARIS = "The capital of France is Paris, on the river Seine."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PARIS, PARIS),
        (PARIS, f" {PARIS}\n"),
        (PARIS, "France's capital is Paris on the Seine river."),
        ("Paris", "It is Paris."),
        ("Water boils at 100 degrees Celsius.", "At 100 degrees Celsius water boils."),
        ("a" * 9_000, "a" * 9_000),
    ],
)
def test_answers_that_say_the_same(one: str, other: str) -> None:
    assert judge_same(one, other) is True
    assert judge_same(other, one) is True


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PARIS, "The capital of Japan is Tokyo, on the river Sumida."),
        ("Water boils at 100 degrees Celsius.", "Water boils at 90 degrees Celsius."),
        ("Yes, raw eggs are safe to eat.", "No, raw eggs are not safe to eat."),
        ("The treaty was signed by Anna Berg.", "The treaty was signed by Olga Lind."),
        ("Paris", "There are many towns in France, and of all of them Paris has the most museums and visitors."),
        ("", PARIS),
        ("...", "!!!"),
        ("why " * 2_000, "why " * 2_001),
    ],
)
def test_the_judge_does_not_say_that_other_answers_are_the_same(one: str, other: str) -> None:
    assert judge_same(one, other) is None
    assert judge_same(other, one) is None


def test_the_numbers_of_a_list_are_not_compared() -> None:
    steps = ("Open the settings.", "Choose security.", "Follow the link.")
    numbered = "\n".join(f"{at}. {step}" for at, step in enumerate(steps, 1))
    assert judge_same(numbered, "\n".join(f"- {step}" for step in steps)) is True
