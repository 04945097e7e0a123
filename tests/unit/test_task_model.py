"""The learned half of the classifier: its file, its arithmetic, what it must not change with."""

from __future__ import annotations

from zlib import compress

import orjson
import pytest

from lib.ai.plan import Task
from lib.ai.router.sample import Sample
from lib.ai.router.task_model import FILE, MIDDLE, TaskModel, evidence_values, read_model, shipped
from lib.ai.router.tasks import classify, evidence
from lib.ai.router.text_features import SIZE, features

NOTHING = Sample.of("")
TWO = (Task.SIMPLE_CHAT, Task.TRANSLATION)
HEAD = {"tasks": list(TWO), "scale": 0.5, "bias": [0.0, 0.0], "evidence": [[0] * 4, [0] * 4], "temperature": 1.0}


def model_file(weights: bytes, **changes: object) -> bytes:
    return orjson.dumps({**HEAD, **changes}) + b"\n" + compress(weights)


def flat(tasks: int = 2) -> bytearray:
    return bytearray([MIDDLE]) * (SIZE * tasks)


def test_the_shipped_model_knows_the_eight_classes_of_text_and_is_small() -> None:
    assert set(shipped().tasks) == set(Task) - {Task.VISION}
    assert len(FILE.read_bytes()) <= 1_000_000


def test_scores_are_sums_of_weights_over_the_root_of_their_number() -> None:
    weights = flat()
    weights[SIZE + 7] += 4
    chances = read_model(model_file(bytes(weights))).probabilities([7, 9, 11, 13], evidence(NOTHING))
    odds = chances[Task.TRANSLATION] / chances[Task.SIMPLE_CHAT]
    assert odds == pytest.approx(2.718281828459045)  # e to the 4 × 0.5 / √4
    assert sum(chances.values()) == pytest.approx(1)


def test_the_first_feature_counts_once_when_it_is_there_and_not_when_it_is_not() -> None:
    weights = flat()
    weights[SIZE] += 10
    model = read_model(model_file(bytes(weights)))
    assert model.probabilities([5], evidence(NOTHING))[Task.TRANSLATION] == pytest.approx(0.5)
    assert model.probabilities([0], evidence(NOTHING))[Task.TRANSLATION] > 0.9
    assert model.probabilities([], evidence(NOTHING))[Task.TRANSLATION] == pytest.approx(0.5)


def test_evidence_is_bounded_and_says_whether_it_is_strong() -> None:
    points = dict.fromkeys(Task, 0.0) | {Task.TRANSLATION: 80.0}
    assert evidence_values(points, TWO) == [0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "data",
    [
        model_file(bytes(flat())[:-1]),
        model_file(bytes(flat(3))),
        b"[]\n" + compress(bytes(flat())),
        model_file(bytes(flat()), scale="big"),
        model_file(bytes(flat()), bias=None),
        model_file(bytes(flat()), tasks=["no_such_task", "translation"]),
    ],
)
def test_a_file_that_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_model(data)


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("What are good names for a cat?", Task.SIMPLE_CHAT),
        ("Who was the first woman to win a Nobel prize", Task.SIMPLE_CHAT),
        ("There are 12 boys and 18 girls. A third of the girls wear glasses. How many do not?", Task.COMPLEX_REASONING),
        ("why is my useEffect running twice", Task.CODE_GENERATION),
        ("Does metformin lower mortality in patients with sepsis?", Task.SCIENTIFIC_RESEARCH),
        ("a toast for my dad's retirement, warm and a little silly", Task.CREATIVE_WRITING),
        ("total per region?\nregion;units\nnorth;12\nsouth;9\nnorth;4", Task.DATA_ANALYSIS),
        (
            "I don't have time to read this, what does it say?\n" + "The council met on Tuesday. " * 20,
            Task.SUMMARIZATION,
        ),
        ("wie sagt man good night auf deutsch", Task.TRANSLATION),
        ("写一首关于离别的歌词", Task.CREATIVE_WRITING),
        ("商店打八折后卖48元，原价是多少？", Task.COMPLEX_REASONING),
    ],
)
def test_what_rules_do_not_name_is_told_by_the_words(prompt: str, task: Task) -> None:
    assert classify(Sample.of(prompt), NOTHING).task is task


@pytest.mark.parametrize("prompt", ["Write a python function to reverse a list", "Translate to French: good morning"])
def test_case_greetings_and_thanks_do_not_change_the_class(prompt: str) -> None:
    tasks = {
        classify(Sample.of(twin), NOTHING).task
        for twin in (prompt, prompt.lower(), prompt.upper(), f"Hi! {prompt}", f"{prompt}\n\nThanks in advance")
    }
    assert len(tasks) == 1


def test_lone_surrogates_and_other_strange_signs_are_words_like_others() -> None:
    assert classify(Sample.of("\ud800 \x00 \u202e 🙂 ?"), NOTHING).confidence > 0


def test_the_same_features_give_the_same_chances_in_any_order() -> None:
    found = features(Sample.of("Summarize the following text, please."))
    nothing = evidence(NOTHING)
    model: TaskModel = shipped()
    assert model.probabilities(found, nothing) == model.probabilities(found[::-1], nothing)
