"""Server-sent events, however they are cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.providers.sse import SseEvent, SseParser
from lib.errors import ProviderError

STREAM = (
    '\ufeffevent: first\ndata: {"text": "größe €"}\n\n'
    ": keep-alive\r\n\r\n"
    "id: 7\rretry: 10\rdata: one\rdata:two\rdata:  three\r\r"
    "event: nothing\n\n"
    "data\n\n"
    "data: 🦊: colon\r\n\r\n"
).encode()
EVENTS = [
    SseEvent("first", '{"text": "größe €"}'.encode()),
    SseEvent("message", b"one\ntwo\n three"),
    SseEvent("message", b""),
    SseEvent("message", "🦊: colon".encode()),
]


def parsed(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


def test_all_line_ends_comments_ids_and_the_byte_order_mark_are_understood() -> None:
    assert parsed(STREAM) == EVENTS


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_chunk_borders_change_nothing(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(STREAM)]
    assert parsed(*(STREAM[a:b] for a, b in pairwise(borders))) == EVENTS


def test_one_byte_at_a_time_changes_nothing() -> None:
    assert parsed(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


def test_a_crlf_cut_in_two_ends_one_line_only() -> None:
    assert parsed(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [SseEvent("message", b"a\nb")]


def test_a_carriage_return_at_the_end_of_a_chunk_ends_the_event_at_once() -> None:
    parser = SseParser()
    assert parser.feed(b"data: a\r\r") == [SseEvent("message", b"a")]
    assert parser.feed(b"data: b\n\n") == [SseEvent("message", b"b")]


def test_an_event_that_lacks_only_its_blank_line_is_given_at_the_close() -> None:
    assert parsed(b"data: a\n\ndata: [DONE]\n") == [SseEvent("message", b"a"), SseEvent("message", b"[DONE]")]


def test_a_line_that_was_cut_is_given_up() -> None:
    assert parsed(b'data: a\n\ndata: {"cut') == [SseEvent("message", b"a")]


@pytest.mark.parametrize("chunk", [b"data: 0123456789", b"data: 012\ndata: 3456789\n", b"event: 0123456789\n"])
def test_an_event_beyond_the_limit_is_malformed_and_not_kept(chunk: bytes) -> None:
    parser = SseParser(limit=15)
    with pytest.raises(ProviderError, match="longer than 15 bytes") as caught:
        parser.feed(chunk)
    assert caught.value.kind == "malformed"


def test_the_limit_is_for_one_event_and_comments_do_not_count() -> None:
    parser = SseParser(limit=15)
    events = [event for _ in range(9) for event in parser.feed(b": a comment\ndata: 01234\n\n")]
    events += [event for byte in b": a comment\ndata: 01234\n\n" * 9 for event in parser.feed(bytes([byte]))]
    assert events == [SseEvent("message", b"01234")] * 18


def test_a_stream_without_end_is_cut_off() -> None:
    parser = SseParser(total=25)
    assert parser.feed(b": comment\n\n") == []
    assert parser.feed(b": comment\n\n") == []
    with pytest.raises(ProviderError) as caught:
        parser.feed(b": comment\n\n")
    assert caught.value.kind == "too_large"


def test_an_event_name_that_is_not_utf8_is_malformed() -> None:
    with pytest.raises(ProviderError, match="not UTF-8"):
        parsed(b"event: \xff\ndata: a\n\n")


def test_a_long_line_in_single_bytes_is_joined_once() -> None:
    """A parser that copied what it holds with each byte would copy 5 GB here and not come back."""
    parser = SseParser()
    line = b"data: " + bytes(random.Random(1).choices(b"abc", k=100_000)) + b"\n\n"
    events = [event for i in range(len(line)) for event in parser.feed(line[i : i + 1])]
    assert events == [SseEvent("message", line[6:-2])]
