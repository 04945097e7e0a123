"""How the verifier's trees and the list of common terms are made."""

from __future__ import annotations

import numpy as np
import pytest

from lib.contract import JsonObject
from training.near.authored import authored
from training.near.boosting import Table, boost
from training.near.data import pairs, prompts, stream_pairs
from training.near.frequency import frequent_terms

QUESTIONS = ("How do I reset my old thermostat?", "What is the capital of Mongolia?", "Can I feed my goat worms?")


def table(directions: tuple[int, int]) -> Table:
    """Labels that rise with the first feature and fall with the second."""
    rng = np.random.default_rng(1)
    rows = rng.uniform(0, 4, (800, 2)).round(1)
    return Table.of(rows, (rows[:, 0] > rows[:, 1]).astype(np.float64), np.ones(800), directions)


def leaves_rise(directions: tuple[int, int]) -> bool:
    """Whether no leaf lies the wrong way of its neighbour."""
    _, trees = boost(table(directions), 30)
    return all(
        (tree.leaves[leaf | 1 << bit] - tree.leaves[leaf]) * directions[feature] >= -1e-9
        for tree in trees
        for bit, feature in enumerate(tree.features)
        for leaf in range(len(tree.leaves))
    )


def test_trees_follow_the_directions_they_are_given() -> None:
    assert leaves_rise((1, -1))
    assert leaves_rise((-1, -1))
    assert leaves_rise((0, 0))


def test_the_same_rows_give_the_same_trees() -> None:
    assert boost(table((1, -1)), 5) == boost(table((1, -1)), 5)


def test_authored_pairs_are_of_both_kinds_and_the_same_for_a_seed() -> None:
    made = list(authored(QUESTIONS, 6, 1))
    assert made == list(authored(QUESTIONS, 6, 1))
    assert {pair.same for pair in made} == {True, False}
    assert all(pair.one != pair.other for pair in made)


def test_rows_of_other_licences_shape_nothing() -> None:
    pair: JsonObject = {"a": "x", "b": "y", "same": True, "kind": "k"}
    assert [found.source for found in pairs([{**pair, "source": "qqp"}, {**pair, "source": "guard"}])] == ["guard"]
    foreign: JsonObject = {"i": 0, "q": "x", "cls": 1, "src": "qqp"}
    assert stream_pairs([foreign, foreign]) == []
    texts = prompts([{"prompt": "a", "lic": "MIT", "lang": "en"}, {"prompt": "b", "lic": "CC-BY-NC", "lang": "en"}])
    assert list(texts.values()) == [["a"]]


def test_a_stream_gives_the_pairs_that_lookup_would_find() -> None:
    texts = (*QUESTIONS, "How can I reset the old thermostat?", "Why is the sky blue?")
    rows: list[JsonObject] = [{"i": at, "q": text, "cls": at % 3, "src": "banking77"} for at, text in enumerate(texts)]
    assert [(pair.one, pair.other, pair.same) for pair in stream_pairs(rows)] == [(texts[3], texts[0], True)]


def test_terms_that_more_texts_have_tell_less() -> None:
    lines = frequent_terms(
        {"a": ["the cat sat"] * 40, "b": ["the dog sat"] * 40, "c": ["the hen ran"] * 40}
    ).splitlines()
    weights = {term: float(line.split()[0]) for line in lines for term in line.split()[1:]}
    assert weights["the"] < weights["cat"] == pytest.approx(weights["dog"])
