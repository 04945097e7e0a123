"""Fuzz targets for what providers send: the event-stream parser and the readers of both wires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from bench.fuzz.finding import require
from bench.fuzz.grammar import Source, written
from lib.ai.collect import AnswerBuilder
from lib.ai.providers.anthropic_answer import AnthropicReader
from lib.ai.providers.exchange import AnswerReader
from lib.ai.providers.openai_answer import OpenAIReader
from lib.ai.providers.sse import EVENT_LIMIT, SseEvent, SseParser
from lib.ai.providers.values import parse_object
from lib.answer import Delta
from lib.errors import ProviderError

LIMITS: Final = (EVENT_LIMIT, EVENT_LIMIT, 4_096, 48, 12)
_BOM: Final = b"\xef\xbb\xbf"


def sse(data: bytes) -> None:
    """However a stream is cut, it gives the same events, and those are what the standard says."""
    source = Source(data)
    limit = source.one_of(LIMITS)
    cuts = source.take(1 + source.below(8)) or b"\x07"
    stream = source.take(source.left)
    whole, error = _outcome([stream], limit)
    for pieces in (_bytewise(stream), _cut(stream, cuts)):
        events, other = _outcome(pieces, limit)
        require(error == other, f"the outcome depends on the cuts: {error} or {other}")
        # A chunk that fails gives nothing, so of a failed stream only what came before can be compared.
        same = events == whole if error is None else events[: len(whole)] == whole
        require(same, "the events depend on the cuts")
    if error is None:
        require(whole == list(by_the_standard(stream)), "the events are not the standard's")


def provider_stream(data: bytes) -> None:
    """Whatever a provider streams, a reader gives deltas or a ProviderError; its answer can be built and encoded."""
    source = Source(data)
    reader = _reader(source)
    builder = AnswerBuilder()
    try:
        for event in _events(source):
            _add(builder, reader.read_event(event))
        completion = reader.completion()
    except ProviderError:
        return
    builder.choices(completion)


def provider_answer(data: bytes) -> None:
    """The same for answers in one piece."""
    source = Source(data)
    reader = _reader(source)
    builder = AnswerBuilder()
    raw = source.below(2) == 0
    body = source.take(source.left) if raw else written(source.fields(), source)
    try:
        _add(builder, reader.read_whole(parse_object(body)))
        completion = reader.completion()
    except ProviderError:
        return
    builder.choices(completion)


def by_the_standard(stream: bytes) -> Iterator[SseEvent]:
    """Server-sent events by the standard's letter, but `data` is bytes and the last event may lack its blank line."""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    lines[-1:] = [b""]
    lines[0] = lines[0].removeprefix(_BOM)
    name, data = b"", list[bytes]()
    for line in lines:
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
        elif not line:
            if data:
                yield SseEvent(name.decode() or "message", b"\n".join(data))
            name, data = b"", []


def _outcome(pieces: Iterable[bytes], limit: int) -> tuple[list[SseEvent], str | None]:
    parser = SseParser(limit)
    events: list[SseEvent] = []
    try:
        for piece in pieces:
            events += parser.feed(piece)
        events += parser.close()
    except ProviderError as error:
        return events, error.kind
    return events, None


def _bytewise(stream: bytes) -> Iterator[bytes]:
    return (stream[at : at + 1] for at in range(len(stream)))


def _cut(stream: bytes, cuts: bytes) -> Iterator[bytes]:
    at, turn = 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        if size == 0:
            yield b""
        yield stream[at : at + max(1, size)]
        at, turn = at + max(1, size), turn + 1


def _reader(source: Source) -> AnswerReader:
    return AnthropicReader("model") if source.below(2) else OpenAIReader("model", 1 + source.below(2))


def _events(source: Source) -> Iterator[SseEvent]:
    while source.left:
        kind = source.below(8)
        if kind == 0:
            yield SseEvent("message", source.take(source.below(256)))
        elif kind == 1:
            yield SseEvent("message", b"[DONE]")
        else:
            yield SseEvent(source.one_of(("message", "error", "ping")), written(source.fields(), source))


def _add(builder: AnswerBuilder, deltas: Iterable[Delta]) -> None:
    for delta in deltas:
        builder.add(delta)
        orjson.dumps(delta.logprobs)
