"""Sealed texts open under their name and keys alone."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from lib.answer import Answer, Choice, FinishReason, Usage
from lib.kv.cache import EntryMeta, decode, encode, opened
from lib.kv.seal import MARK, NONCE_BYTES, PLAIN, Seal, seal_of

NAME = "aig:c1:0123"
TEXT = "The lease ends by itself ☃."
MINE = seal_of(["n" * 32], b"salt", "ann")
ANSWER = Answer(
    choices=(Choice(text=TEXT, finish_reason=FinishReason.STOP),),
    model="openai/gpt-4o",
    provider="openai",
    served_model="gpt-4o-2024-08-06",
    usage=Usage(input_tokens=12, output_tokens=34),
    cost_micro_usd=370,
    price_known=True,
    created_at=1_763_900_000.0,
)
ENTRY = encode(ANSWER, EntryMeta(at=ANSWER.created_at, kind="general", why="default", seconds=1800))


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again_and_is_one_line(text: str, name: str) -> None:
    kept = MINE.seal(name, text)
    assert "\n" not in kept
    assert MINE.open(name, kept) == text


def test_the_same_text_is_never_sealed_the_same_way() -> None:
    assert len({MINE.seal(NAME, TEXT) for _ in range(100)}) == 100


def test_a_sealed_text_is_aes_256_gcm_with_the_name_as_associated_data() -> None:
    key = bytes(range(32))
    raw = b64decode(Seal([AESGCM(key)], lambda size: b"\x07" * size).seal(NAME, TEXT).removeprefix(MARK))
    assert raw[:NONCE_BYTES] == b"\x07" * 12
    assert AESGCM(key).decrypt(raw[:12], raw[12:], NAME.encode()).decode() == TEXT


@pytest.mark.parametrize(
    "other",
    [
        seal_of(["o" * 32], b"salt", "ann"),
        seal_of(["n" * 32], b"another salt", "ann"),
        seal_of(["n" * 32], b"salt", "bob"),
        PLAIN,
    ],
    ids=["key", "salt", "owner", "none"],
)
def test_another_key_salt_or_owner_opens_nothing(other: Seal) -> None:
    assert other.open(NAME, MINE.seal(NAME, TEXT)) is None
    assert other.open_rest(NAME, MINE.seal_rest(NAME, ENTRY)) != ENTRY
    assert opened(other, NAME, MINE.seal_rest(NAME, ENTRY)) is None


def test_a_text_that_was_moved_to_another_name_does_not_open() -> None:
    assert MINE.open("aig:c1:9999", MINE.seal(NAME, TEXT)) is None
    assert opened(MINE, "aig:c1:9999", MINE.seal_rest(NAME, ENTRY)) is None


def test_no_altered_byte_goes_unnoticed() -> None:
    raw = b64decode(MINE.seal(NAME, TEXT).removeprefix(MARK))
    for place in range(len(raw)):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert MINE.open(NAME, MARK + b64encode(altered).decode()) is None
        assert MINE.open(NAME, MARK + b64encode(raw[:place]).decode()) is None


@pytest.mark.parametrize("text", ["", TEXT, ENTRY, MARK, MARK + "###", MARK + "AAAA", MARK + "☃", "~", "~2AAAA"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    assert MINE.open(NAME, text) is None
    assert MINE.open_rest(NAME, text) is None


def test_the_first_key_seals_and_all_open() -> None:
    old, new = "o" * 32, "n" * 32
    before, both = seal_of([old], b"salt", "ann"), seal_of([new, old], b"salt", "ann")
    assert both.open(NAME, before.seal(NAME, TEXT)) == TEXT
    assert seal_of([new], b"salt", "ann").open(NAME, both.seal(NAME, TEXT)) == TEXT
    assert before.open(NAME, both.seal(NAME, TEXT)) is None


def test_of_an_entry_the_first_line_stays_clear_and_is_bound_to_the_rest() -> None:
    kept = MINE.seal_rest(NAME, ENTRY)
    head, body = kept.split("\n")
    assert head == ENTRY.partition("\n")[0]
    assert (entry := opened(MINE, NAME, kept)) is not None
    assert entry.answer == ANSWER
    assert opened(MINE, NAME, f"{head.replace('370', '0')}\n{body}") is None
    dearer = encode(replace(ANSWER, cost_micro_usd=1), EntryMeta(at=0, kind="", why="", seconds=1))
    assert opened(MINE, NAME, MINE.seal_rest(NAME, dearer).partition("\n")[0] + "\n" + body) is None


def test_without_keys_texts_are_kept_as_they_are_and_a_sealed_one_is_none() -> None:
    assert PLAIN.seal(NAME, TEXT) == PLAIN.open(NAME, TEXT) == TEXT
    assert PLAIN.seal_rest(NAME, ENTRY) == PLAIN.open_rest(NAME, ENTRY) == ENTRY
    assert decode(MINE.seal_rest(NAME, ENTRY)) is None
