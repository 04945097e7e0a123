"""Fitting a quality table to own labels: what is read, what is learned, and the measure it is judged by."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import orjson
import pytest

from lib.ai.router.quality import read_quality, shipped
from tests.support.routing import CATALOG
from training.fit.__main__ import main, pair_of
from training.fit.gain import apgr
from training.fit.labels import labelled
from training.fit.learned import fitted, gains

WEAK, STRONG = "openai/gpt-6-luna", "anthropic/claude-sonnet-5-5"
PAIR = pair_of(WEAK, STRONG, CATALOG)


def labels_file(path: Path, prompts: int = 400) -> Path:
    """Prompts about algebra, which only the strong model can do, and about the weather, which both can."""
    chance = random.Random(3)
    rows: list[dict[str, object]] = []
    for number in range(prompts):
        algebra = number % 2 == 0
        subject = "the algebra of rings and fields" if algebra else "the weather of towns by the sea"
        prompt = f"Tell me about {subject}, part {chance.randrange(10**6)}"
        rows.append({"prompt": prompt, "model": WEAK, "good": not algebra})
        rows.append({"prompt": prompt, "model": STRONG, "score": 1})
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def test_labels_of_one_prompt_are_put_together(tmp_path: Path) -> None:
    rows = labelled(labels_file(tmp_path / "labels.jsonl", 10))
    assert len(rows) == 10
    assert all(set(row.scores) == {WEAK, STRONG} for row in rows)


def test_outcomes_of_all_models_at_once_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    path.write_bytes(orjson.dumps({"prompt": "hello", "m": {"a": [1, None], "b": 0.5}, "task": "translation"}))
    (row,) = labelled(path)
    assert (row.scores, row.task.value) == ({"a": 1.0, "b": 0.5}, "translation")


@pytest.mark.parametrize(
    "row", [{"prompt": "x"}, {"prompt": "x", "model": "a"}, {"prompt": "x", "model": "a", "score": 2}]
)
def test_a_label_that_says_nothing_names_its_line(tmp_path: Path, row: dict[str, object]) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(orjson.dumps({"prompt": "y", "model": "a", "good": True}) + b"\n" + orjson.dumps(row))
    with pytest.raises((TypeError, ValueError), match="line 2"):
        labelled(path)


def test_the_measure_is_one_half_for_chance_and_the_most_where_the_gains_are_known() -> None:
    weak, strong = np.array([0.0, 1.0] * 50), np.ones(100)
    assert apgr(strong - weak, weak, strong) == pytest.approx(0.75)
    assert apgr(weak - strong, weak, strong) == pytest.approx(0.25)
    assert apgr(np.random.default_rng(1).random(100), weak, strong) == pytest.approx(0.5, abs=0.1)


def test_labels_teach_which_words_gain_by_the_strong_model(tmp_path: Path) -> None:
    labels = labelled(labels_file(tmp_path / "labels.jsonl", 500))
    known, unseen = labels[:400], labels[400:]
    found = gains(fitted(known, PAIR, 0.1), unseen, PAIR)
    algebra = np.array(["algebra" in each.prompt for each in unseen])
    assert found[algebra].min() > found[~algebra].max()


def test_few_labels_teach_no_words_and_longer_prompts_go_to_the_strong_model(tmp_path: Path) -> None:
    labels = labelled(labels_file(tmp_path / "labels.jsonl", 20))
    table = fitted(labels, PAIR, 0.1)
    short, long_ = table.demand(labels[0].sample), table.demand(labels[1].sample)
    assert abs(short - long_) < 0.01
    assert table.words is not None
    assert table.words.by_length > 0


def test_a_models_quality_starts_from_the_shipped_one_and_moves_with_its_labels(tmp_path: Path) -> None:
    labels = labelled(labels_file(tmp_path / "labels.jsonl"))
    none, some = fitted([], PAIR, 0.1), fitted(labels, PAIR, 0.1)
    row, task, bucket = PAIR.weak_row, labels[0].task, labels[0].bucket
    assert some.of(task, bucket, row) < none.of(task, bucket, row)
    assert some.of(task, bucket, PAIR.strong_row) > none.of(task, bucket, PAIR.strong_row)
    assert some.tiers == shipped().tiers


def test_the_script_prints_its_figures_and_writes_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, out = labels_file(tmp_path / "labels.jsonl"), tmp_path / "own.json"
    assert main([str(labels), "--weak", WEAK, "--strong", STRONG, "--count", "200", "--out", str(out)]) == 0
    assert read_quality(out.read_bytes()).version == "own"
    told = capsys.readouterr().out
    assert "400 with outcomes of both models" in told
    assert "APGR length alone" in told


def test_a_pair_must_differ_in_tier() -> None:
    with pytest.raises(ValueError, match="no higher capability tier"):
        pair_of(STRONG, WEAK, CATALOG)
