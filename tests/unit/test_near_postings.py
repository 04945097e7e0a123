"""Finding stored questions by their rarest words."""

from __future__ import annotations

import base64
import re

import pytest

from lib.kv.cache.near import MOST_CANDIDATES, MOST_CHARS, Posting, candidates, entry_id, read
from lib.kv.cache.near.postings import MOST_RECORDS, WIDTH
from lib.kv.cache.near.terms import MOST_FIELDS

STORED = (
    "How do I reset the thermostat in the living room?",
    "How do I reset my thermostat?",
    "What is the capital of Mongolia?",
)


def number(at: int) -> str:
    return entry_id(f"{at:04x}" * 10)


def fields_of(*texts: str) -> dict[str, str]:
    """What the store holds once these questions were noted, the last one newest."""
    held: dict[str, str] = {}
    for at, text in enumerate(texts):
        posting = Posting.of(read(text), number(at))
        for field in posting.fields:
            held[field] = (posting.record + held.get(field, ""))[:MOST_CHARS]
    return held


def found(held: dict[str, str], text: str, skip: str = "") -> list[str]:
    question = read(text)
    return [c.entry for c in candidates([held.get(field) for field in question.fields], question, skip)]


def test_a_question_is_found_by_its_rarest_words_the_most_alike_first() -> None:
    assert found(fields_of(*STORED), "How can I reset my thermostat?") == [number(1), number(0)]


def test_other_words_find_nothing() -> None:
    assert found(fields_of(*STORED), "Why is the sky blue?") == []


def test_a_question_with_another_signature_is_no_candidate() -> None:
    held = fields_of("How do I reset 2 thermostats?")
    assert found(held, "How do I reset 3 thermostats?") == []
    assert found(held, "How can I reset two thermostats?") == [number(0)]


def test_a_question_is_not_its_own_candidate() -> None:
    assert found(fields_of(*STORED), STORED[2], skip=number(2)) == []
    assert found(fields_of(*STORED), STORED[2]) == [number(2)]


def test_there_are_at_most_two_candidates_and_of_equals_the_newest() -> None:
    held = fields_of(*[f"reset thermostat{'!' * at}" for at in range(9)])
    assert found(held, "reset the thermostat") == [number(8), number(7)]
    assert MOST_CANDIDATES == 2


def test_records_are_text_of_one_width_and_hold_no_word_of_the_question() -> None:
    posting = Posting.of(read(STORED[0]), number(0))
    assert len(posting.record) == WIDTH
    assert re.fullmatch(r"[\w=-]+", posting.record, re.ASCII)
    assert base64.urlsafe_b64decode(posting.record[:8])
    assert len(posting.fields) <= MOST_FIELDS
    assert all(re.fullmatch(r"[0-9a-f]{6}", field) for field in posting.fields)


def test_a_field_is_read_no_further_than_it_may_grow() -> None:
    question = read("reset thermostat")
    record = Posting.of(question, number(1)).record
    other = Posting.of(question, number(2)).record
    assert [c.entry for c in candidates([record * MOST_RECORDS + other], question)] == [number(1)]


@pytest.mark.parametrize("damage", ["", "x", "é" * 99, "\0" * 44, "A" * (MOST_CHARS + 1)])
def test_damaged_values_are_read_as_far_as_they_hold_records(damage: str) -> None:
    question = read("reset thermostat")
    record = Posting.of(question, number(1)).record
    assert [c.entry for c in candidates([record + damage, damage, None], question)] == [number(1)]


def test_a_damaged_sketch_is_like_nothing() -> None:
    question = read("reset thermostat")
    record = Posting.of(question, number(1)).record
    kept = candidates([record[:-8] + "é!é!é!é!"], question)
    assert [c.likeness for c in kept] == [0.0]


def test_a_signature_across_two_records_is_none() -> None:
    question = read("reset thermostat")
    shifted = "A" * 5 + Posting.of(question, number(1)).record
    assert candidates([shifted + "A" * (2 * WIDTH - len(shifted))], question) == ()


def test_a_question_too_long_to_be_read_has_no_fields() -> None:
    assert Posting.of(read("reset thermostat " * 1_000), number(0)).fields == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("法国的首都是哪里", "法国的首都在哪里"),
        ("フランスの首都はどこですか", "フランスの首都はどこ?"),
        ("프랑스의 수도는 어디입니까", "프랑스의 수도는 어디"),
        ("столица Франции", "Столица франции?"),
        ("क्या चाय अच्छी है", "क्या चाय अच्छी है?"),
        ("ما هي عاصمة فرنسا", "ما هي عاصمة فرنسا؟"),
        ("เมืองหลวงของฝรั่งเศส", "เมืองหลวงของฝรั่งเศสคือ"),
    ],
)
def test_any_script_is_found(one: str, other: str) -> None:
    assert found(fields_of(one), other) == [number(0)]


def test_names_of_entries_are_sixty_bits_of_their_key() -> None:
    assert entry_id("ab" * 20) != entry_id("ab" * 6 + "a0" + "ab" * 13)
    assert entry_id("ab" * 20) == entry_id("ab" * 8 + "cd" * 12)
    assert len(entry_id("00" * 20)) == 10
