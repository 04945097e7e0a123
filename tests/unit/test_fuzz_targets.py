"""The fuzz targets hold on their seeds, on seeded mutations, and on every input that ever broke them."""

from __future__ import annotations

from itertools import islice
from typing import Final

import pytest

from bench.fuzz.blind import inputs
from bench.fuzz.finding import Broken, require
from bench.fuzz.streams import by_the_standard
from bench.fuzz.targets import TARGETS, Target, named
from lib.ai.providers.sse import SseEvent

EXECUTIONS: Final = 150
FOUND: Final[tuple[tuple[str, bytes], ...]] = (
    # A comment longer than the limit broke a stream that arrived in pieces and passed in one that arrived whole.
    ("sse", b"\4\1\1: a comment of more than the limit\n\n"),
    ("sse", b"\3\2\3\2\1: x\xef\xbb\xbf" + b"y" * 60 + b"\ndata: z\n\n"),
    # A stored error that asks to wait for 1e308 seconds broke the headers of the answer.
    ("books", b"\xc2\xf9e\xc3s\x14"),
    # Cuts of no length.
    ("sse", b"\x00\x01\x00\x00\x10\x00\xednt: : a\rdata: {}\r\x0e\r\x02: da: a\rdata: b\r\r"),
    # The name of a model that does not exist was repeated in the answer.
    ("chat-body", b'\0{"messages":[{"role":"user","content":"a"}],"model":"canary-5d1f"}'),
    ("chat-body", b'\0{"messages":[{"role":"user","content":"a"}],"gateway":{"has":["canary-5d1f"]}}'),
    ("chat-body", b'\0{"messages":[{"role":"user","content":"a"}],"gateway":{"only":["canary-5d1f"]}}'),
    # Values that are read but are too deep to be written again ended in an unexpected error.
    ("provider-answer", b'\0\0\0{"choices":[{"message":{"content":"a"},"logprobs":' + b"[" * 300 + b"]" * 300 + b"}]}"),
    (
        "provider-answer",
        b'\0\0\0{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":'
        + b'{"a":' * 300
        + b"1"
        + b"}" * 300
        + b'}}]},"finish_reason":"stop"}]}',
    ),
    (
        "chat-body",
        b'\0{"messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"'
        + b'{\\"a\\":' * 300
        + b"1"
        + b"}" * 300
        + b'"}}]}]}',
    ),
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_target_holds_on_mutations(target: Target) -> None:
    for data in islice(inputs(target, seed=7), EXECUTIONS):
        target.run(data)


@pytest.mark.parametrize(("name", "data"), FOUND, ids=[f"{name}-{at}" for at, (name, _) in enumerate(FOUND)])
def test_what_once_broke_a_target_does_so_no_more(name: str, data: bytes) -> None:
    named(name).run(data)


def test_a_target_says_which_promise_is_broken() -> None:
    with pytest.raises(Broken, match="the promise"):
        require(False, "the promise")


def test_the_model_of_the_standard_reads_what_the_standard_shows() -> None:
    stream = b"\xef\xbb\xbfdata: YHOO\ndata: +2\r\ndata:10\r\n\r\n: test\n\n"
    stream += b"event: add\rdata: 1\r\rdata\n\ndata\ndata\n\ndata:"
    events = [("message", b"YHOO\n+2\n10"), ("add", b"1"), ("message", b""), ("message", b"\n")]
    assert list(by_the_standard(stream)) == [SseEvent(name, data) for name, data in events]
