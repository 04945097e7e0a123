"""How the verifier orders pairs of questions that no guard tells apart."""

from __future__ import annotations

import random
from collections import Counter
from time import process_time

import pytest

from lib.kv.cache.near import Question, read, score
from lib.kv.cache.near.features import DIRECTIONS, NAMES, features
from lib.kv.cache.near.frames import frame
from lib.kv.cache.near.matching import match, one_slip
from lib.kv.cache.near.terms import weight
from lib.kv.cache.near.verifier import FILE, read_verifier, shipped

SURE = 0.93
TRAPS_BELOW = 0.95

SAME = (
    ("How do I reset my password?", "How can I reset my password?"),
    ("How do I learn to play the piano?", "What is the best way to learn to play the piano?"),
    ("What is the purpose of life?", "What exactly is the purpose of life?"),
    ("How did the Green Arrow get his powers?", "How'd the Green Arrow get his powers?"),
    ("Where can I buy second hand books?", "Where can I purchase second hand books?"),
    ("What are the symptoms of pneumonia?", "What are the symptoms of pnuemonia?"),
)
OTHER = (
    ("What is the population of Paris?", "What is the population of Tokyo?"),
    ("How do I increase the temperature on my thermostat?", "How do I decrease the temperature on my thermostat?"),
    ("Explain photosynthesis", "Explain black holes"),
    ("Is Ashley Young an editor?", "Is Ashley Young an English editor?"),
    ("Can I feed my goat worms?", "Can I feed my snake worms?"),
    ("When will we cure cancer?", "Can we cure cancer?"),
    ("How do I sort a list by key?", "How do I send a request by key?"),
    ("Is Alexander Smith tall?", "Is Alexander Collins tall?"),
    ("What is the capital of Austria?", "What is the capital of Australia?"),
    ("法国的首都是哪里", "德国的首都是哪里"),
    ("столица Франции", "столица Германии"),
    ("capital de Francia", "capital de España"),
)
LONG = "Write a post about the history of coffee for a general audience in a friendly tone, with a start and an end"
LONG_TRAPS = (
    LONG.replace("coffee", "tea"),
    LONG.replace("history", "future"),
    LONG.replace("friendly", "formal"),
    LONG.replace("for a general audience ", ""),
    f"{LONG} in Brazil",
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question_put_differently_scores_high(one: str, other: str) -> None:
    assert score(read(one), read(other)) > SURE


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_question_that_looks_alike_scores_low(one: str, other: str) -> None:
    assert score(read(one), read(other)) < TRAPS_BELOW


@pytest.mark.parametrize("trap", LONG_TRAPS)
def test_one_other_word_counts_however_long_the_rest_is(trap: str) -> None:
    assert score(read(LONG), read(trap)) < TRAPS_BELOW < score(read(LONG), read(LONG.replace("Write", "Please write")))


@pytest.mark.parametrize(("one", "other"), SAME + OTHER)
def test_it_does_not_matter_which_of_the_two_was_stored(one: str, other: str) -> None:
    assert score(read(one), read(other)) == pytest.approx(score(read(other), read(one)))


def test_an_embedder_moves_the_score_a_little_and_passes_no_guard() -> None:
    one, other = read(SAME[0][0]), read(SAME[0][1])
    assert score(one, other, 0.2) < score(one, other) < score(one, other, 0.99)
    assert score(one, other, 0.2) > 0.5
    assert score(read("Explain tides in 5 words"), read("Explain tides in 6 words"), 1.0) == 0.0


def test_questions_too_long_to_be_read_score_nothing() -> None:
    text = "why " * 2_000
    assert score(read(text), read(text)) == 0.0


@pytest.mark.parametrize("text", ["", "?", "🤗", "\ud800", "\0", "42", "٤٢", "a" * 4_000, "(" * 4_000, "a_" * 2_000])
def test_any_text_can_be_scored(text: str) -> None:
    assert 0.0 <= score(read(text), read(text + " ")) <= 1.0


def test_the_work_on_a_text_is_bounded_by_its_first_characters() -> None:
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghij", k=6)) for _ in range(200_000)]
    text = " ".join(words)
    assert len(read(text).tokens) == len(read(text[:4_000]).tokens)
    assert read(text).fields == ()


def test_more_difference_never_raises_the_score() -> None:
    rng, model = random.Random(2), shipped()
    for _ in range(300):
        row = [float(rng.randint(0, 3)) for _ in NAMES]
        at = rng.randrange(len(NAMES))
        more = [value + (1.5 if place == at else 0.0) for place, value in enumerate(row)]
        assert (model.log_odds(more) - model.log_odds(row)) * DIRECTIONS[at] >= -1e-9 or DIRECTIONS[at] == 0


def test_every_feature_has_a_direction_and_a_number() -> None:
    one, other = read("How do I reset my old password?"), read("How can I reset the password?")
    row = features(one, other, match(one.content, other.content))
    assert len(row) == len(NAMES) == len(DIRECTIONS)
    assert not [name for name, count in Counter(NAMES).items() if count > 1]


def test_a_pair_takes_less_than_two_milliseconds_of_cpu() -> None:
    pairs = [(read(one), read(other)) for one, other in SAME]

    def once() -> float:
        start = process_time()
        for one, other in pairs:
            score(one, other)
        return (process_time() - start) / len(pairs)

    once()
    assert min(once() for _ in range(5)) < 0.002


def test_the_weights_are_small_and_belong_to_these_features() -> None:
    data = FILE.read_bytes()
    assert len(data) <= 64 * 1024
    assert read_verifier(data) == shipped()


@pytest.mark.parametrize(
    "damage",
    [b"[]", b'{"features": ["x"], "bias": 0.5, "trees": []}', FILE.read_bytes().replace(b"[[", b'[["x",', 1)],
)
def test_other_files_are_refused(damage: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_verifier(damage)


FRAMES = (
    ("how do i cook rice", "how"),
    ("what is the best way to cook rice", "how"),
    ("what should i do to cook rice", "how"),
    ("is there a way to cook rice", "how"),
    ("how many grains are there", "how many"),
    ("how come it boils", "why"),
    ("what is the reason it boils", "why"),
    ("what time is it", "when"),
    ("what is rice", "what"),
    ("which rice is it", "what"),
    ("can i cook rice", "yes or no"),
    ("who cooks", "who"),
    ("cook rice", ""),
    ("", ""),
)


@pytest.mark.parametrize(("text", "kind"), FRAMES)
def test_the_kind_of_answer_a_question_wants(text: str, kind: str) -> None:
    assert frame(tuple(text.split())) == kind


@pytest.mark.parametrize(
    ("one", "other", "is_slip"),
    [
        ("separate", "seperate", True),
        ("receive", "recieve", True),
        ("tomorow", "tomorrow", True),
        ("iran", "iraq", False),
        ("austria", "australia", False),
        ("house", "mouse", False),
    ],
)
def test_a_slip_of_the_pen_is_one_letter_of_a_longer_word(one: str, other: str, *, is_slip: bool) -> None:
    assert one_slip(one, other) is is_slip


def test_rare_words_tell_more_than_common_ones() -> None:
    assert weight("axolotl") > weight("account") > weight("want")


def test_reading_is_deterministic() -> None:
    def told(question: Question) -> tuple[object, ...]:
        return question.fields, question.signature, question.stems, question.names, question.groups

    assert told(read(SAME[1][1])) == told(read(SAME[1][1]))
