"""What work a prompt is, how demanding it is, and whether it is of the customer's own field."""

from __future__ import annotations

import re

import pytest

from lib.ai.plan import Task
from lib.ai.router import cue_rows, policy, shape_rows
from lib.ai.router.complexity import complexity_of, level_of
from lib.ai.router.domain import MYCOLOGY
from lib.ai.router.sample import HEAD_CHARACTERS, TAIL_CHARACTERS, Sample
from lib.ai.router.tasks import PRECEDENCE, Classification, classify, evidence
from lib.ai.router.text_features import HEAD, TAIL, features
from tests.support.routing import plan, show

NOTHING = Sample.of("")


def task_of(prompt: str, system: str = "") -> Task:
    return classify(Sample.of(prompt), Sample.of(system)).task


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("hi, how are you today?", Task.SIMPLE_CHAT),
        ("", Task.SIMPLE_CHAT),
        ("what is the capital of Peru", Task.SIMPLE_CHAT),
        ("Prove that the square root of 2 is irrational.", Task.COMPLEX_REASONING),
        ("A shop sells 14 pens for 3 dollars each and 5 books for 20. How much is that?", Task.COMPLEX_REASONING),
        ("Solve \\frac{x}{2} + 3 = 7", Task.COMPLEX_REASONING),
        ("证明根号二是无理数", Task.COMPLEX_REASONING),
        ("Write a Python function that merges two sorted lists", Task.CODE_GENERATION),
        ("Why does this fail?\n```\nfor (let i=0;i<n;i++) {}\n```", Task.CODE_GENERATION),
        ("写一个Python程序来实现快速排序", Task.CODE_GENERATION),
        ("What is the role of gut microbiota in modulating the immune system?", Task.SCIENTIFIC_RESEARCH),
        ("Is appendectomy during laparoscopy justified in endometriosis?", Task.SCIENTIFIC_RESEARCH),
        ("Write a short story about a lighthouse keeper", Task.CREATIVE_WRITING),
        ("Schreib mir ein Gedicht über den Herbst", Task.CREATIVE_WRITING),
        ("напиши сказку о лисе", Task.CREATIVE_WRITING),
        ("Calculate the mean and standard deviation of the fare column", Task.DATA_ANALYSIS),
        ("Which year was best?\nyear,region,units,price\n2020,north,5,1\n2021,south,7,2", Task.DATA_ANALYSIS),
        ("What stands out?\n| a | b |\n| 1 | 2 |", Task.DATA_ANALYSIS),
        ("Summarize the following article: The council met on Tuesday.", Task.SUMMARIZATION),
        ("请总结下面的文章", Task.SUMMARIZATION),
        ("tl;dr please: the meeting went on for hours", Task.SUMMARIZATION),
        ("Translate to French: good morning", Task.TRANSLATION),
        ("how do you say thank you in spanish", Task.TRANSLATION),
        ("Give me the English version of: 我还没说完", Task.TRANSLATION),
        ("It was raining all night. -> Dutch", Task.TRANSLATION),
        ("Übersetze das bitte ins Englische", Task.TRANSLATION),
    ],
)
def test_a_prompt_is_told_by_what_it_says(prompt: str, task: Task) -> None:
    assert task_of(prompt) is task


def test_images_alone_decide_vision_whatever_the_words_say() -> None:
    with_image = plan(show("Translate to French"))
    assert (with_image.task, with_image.task_confidence) == (Task.VISION, 1.0)
    assert task_of("what do you see in this picture?") is not Task.VISION


def test_words_match_whole_words_only() -> None:
    assert task_of("my barcode reader says encoded") is Task.SIMPLE_CHAT
    assert task_of("the translatory motion was nice") is Task.SIMPLE_CHAT


def test_an_object_counts_only_after_its_verb_and_near_it() -> None:
    assert evidence(Sample.of("write me an essay"))[Task.CREATIVE_WRITING] > 0
    assert evidence(Sample.of("essay me a write"))[Task.CREATIVE_WRITING] == 0
    far = "write " + "so " * 11 + "essay"
    assert evidence(Sample.of(far))[Task.CREATIVE_WRITING] == 0


def test_an_instruction_inside_a_long_text_is_content_and_at_its_ends_an_instruction() -> None:
    filler = "we spoke of the weather and the garden. " * 60
    assert task_of(f"{filler} translate this to french {filler}") is not Task.TRANSLATION
    assert task_of(f"translate this to french: {filler}{filler}") is Task.TRANSLATION
    assert task_of(f"{filler}{filler} now translate this to french") is Task.TRANSLATION


def test_the_system_text_decides_only_where_the_prompt_gives_no_sign() -> None:
    translator = "You are a translator. Translate everything the user says into French."
    assert task_of("good morning", translator) is Task.TRANSLATION
    assert task_of("write a python function", translator) is Task.CODE_GENERATION
    assert task_of("good morning", "You are a friendly assistant.") is Task.SIMPLE_CHAT


def test_confidence_is_lower_where_two_classes_are_likely() -> None:
    clear = classify(Sample.of("Translate this sentence to French: good morning"), NOTHING)
    torn = classify(Sample.of("Translate this python code, function by function, to French prose"), NOTHING)
    assert 0 < torn.confidence < clear.confidence < 1
    assert 0.9 < classify(Sample.of("hello"), NOTHING).confidence < 1
    assert classify(Sample.of(" \n"), NOTHING) == Classification(Task.SIMPLE_CHAT, 1.0)


def test_a_phrase_has_two_words_or_more_and_matches_them_in_a_row() -> None:
    assert all(" " in phrase for row in cue_rows.CUES for phrase in row.phrases)
    assert evidence(Sample.of("a few sentences"))[Task.SUMMARIZATION] == 2.0
    assert evidence(Sample.of("a few long sentences, a few"))[Task.SUMMARIZATION] == 0.0


def test_every_class_has_one_policy_row_and_every_text_class_has_rules() -> None:
    assert [row.task for row in policy.POLICIES] == list(Task)
    assert {row.task for row in cue_rows.CUES} == set(PRECEDENCE) == set(Task) - {Task.SIMPLE_CHAT, Task.VISION}


@pytest.mark.parametrize(
    ("score", "level"), [(0, "low"), (3, "low"), (4, "medium"), (7, "medium"), (8, "high"), (10, "high")]
)
def test_the_bands_of_the_complexity_score_are_the_customers(score: int, level: str) -> None:
    assert level_of(score) == level


def test_a_greeting_scores_nothing_and_has_no_signals() -> None:
    assert complexity_of(Sample.of("hello")) == complexity_of(NOTHING)
    assert complexity_of(NOTHING).signals == ()


def test_length_keywords_and_questions_raise_the_score_and_each_is_told() -> None:
    text = "Why? Compare the architecture of both systems in detail. Is it good? " + "and so on " * 130
    complexity = complexity_of(Sample.of(text))
    assert (complexity.score, complexity.level) == (7, "medium")
    assert complexity.signals == (
        f"{len(text)} characters (+2)",
        "architecture, compare, detail, why (+4)",
        "2 questions (+1)",
    )


def test_each_signal_is_capped() -> None:
    text = "prove derive optimize architecture theorem explain why compare? " * 500
    assert complexity_of(Sample.of(text)).score == 10


def test_scripts_without_spaces_have_telling_words_too() -> None:
    assert complexity_of(Sample.of("请详细分析并证明这个定理")).score == 4


def test_one_strong_word_or_two_different_weak_ones_make_the_customers_own_field() -> None:
    assert MYCOLOGY.hits(Sample.of("How fast does Mycelium grow?")) == ("mycelium",)
    assert MYCOLOGY.hits(Sample.of("which substrate do mushrooms like")) == ("mushrooms", "substrate")
    assert MYCOLOGY.hits(Sample.of("菌丝生长缓慢怎么办")) == ("菌丝",)
    assert MYCOLOGY.hits(Sample.of("mushroom, mushroom and once more mushroom")) == ()
    assert MYCOLOGY.hits(Sample.of("flush the toilet")) == ()


def test_a_prompt_of_a_megabyte_costs_as_much_as_one_of_a_few_pages() -> None:
    assert HEAD_CHARACTERS + TAIL_CHARACTERS <= 8_000
    for filler in ("a", "$", "|,", "9 ", "{;\n", "in ", "SELECT ", "`"):
        sample = Sample.of(filler * 1_000_000)
        assert len(sample.text) == HEAD_CHARACTERS + TAIL_CHARACTERS + 1
        assert len(sample.words) <= len(sample.text)
        assert sample.full_length == len(filler) * 1_000_000
        assert len(features(sample)) <= 6 * (HEAD + TAIL + 3)


def patterns() -> list[re.Pattern[str]]:
    return [row.pattern for row in shape_rows.SHAPES]


@pytest.mark.parametrize("pattern", patterns())
def test_no_pattern_repeats_a_repetition_and_every_open_one_is_bounded(pattern: re.Pattern[str]) -> None:
    source = re.sub(r"\\.|\[[^\]]*\]", "x", pattern.pattern)
    assert not re.search(r"[*+{][^()]*\)[*+{]", source), "a group that repeats is itself repeated"
    assert not re.search(r"[.x][*+].*[.x][*+]", re.sub(r"\|", "\n", source)), "two open repetitions follow each other"
    assert all(int(bound) <= 80 for bound in re.findall(r"\{\d+,(\d+)\}", source))
