"""Server-sent events, incrementally: bytes in as they arrive, whole events out.

The event stream format of the WHATWG HTML standard, section 9.2.6. Lines are split as bytes (no byte of a
multi-byte UTF-8 character is a line end), so characters cut by chunk borders need no care; `data` stays bytes
for the JSON parser, which checks the encoding.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lib.errors import ProviderError

EVENT_LIMIT: Final = 1 << 20
"""Bytes of one event or line; a provider that sends more is broken or hostile."""
STREAM_LIMIT: Final = 128 << 20
"""Bytes of a whole stream: 128,000 tokens, each in a chunk of its own, are some 40 MB."""
_BOM: Final = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event: its name (`message` when it gave none) and its data lines joined by line feeds."""

    name: str
    data: bytes


class SseParser:
    """Holds what is incomplete between two chunks. Its work is linear in the bytes fed, however they are cut."""

    def __init__(self, limit: int = EVENT_LIMIT, total: int = STREAM_LIMIT) -> None:
        self._limit = limit
        self._left = total
        """Bytes the stream may still have."""
        self._line: list[bytes] = []
        """Pieces of the line that has not ended yet."""
        self._line_size = 0
        self._data: list[bytes] = []
        self._name = b""
        self._size = 0
        """Bytes of the fields held for the event that has not ended yet."""
        self._after_return = False
        """True when the last chunk ended in CR: a LF that follows belongs to it."""
        self._first_line = True

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events this chunk completes.

        Raises ProviderError `malformed` for an overlong event or a name not in UTF-8, `too_large` beyond `total`.
        """
        self._left -= len(chunk)
        if self._left < 0:
            raise ProviderError("too_large", "the stream is longer than any answer")
        lines = self._with_line_feeds(chunk).split(b"\n")
        rest = lines.pop()
        events: list[SseEvent] = []
        if lines:
            lines[0] = self._whole_line(lines[0])
            for line in lines:
                if line:
                    self._take(line)
                elif self._size:
                    self._dispatch(events)
        if rest:
            self._line.append(rest)
            self._line_size += len(rest)
            self._bound(self._line_size)
        return events

    def close(self) -> list[SseEvent]:
        """The event that lacks only its closing blank line, if there is one. A line without its end is given up."""
        events: list[SseEvent] = []
        self._dispatch(events)
        return events

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """The chunk with LF for every line end, also for a CRLF that a chunk border cuts in two."""
        if self._after_return and chunk:
            self._after_return = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" not in chunk:
            return chunk
        self._after_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _whole_line(self, ending: bytes) -> bytes:
        if self._line:
            self._line.append(ending)
            ending = b"".join(self._line)
            self._line.clear()
            self._line_size = 0
        if self._first_line:
            self._first_line = False
            self._bound(len(ending))
            ending = ending.removeprefix(_BOM)
        return ending

    def _take(self, line: bytes) -> None:
        # Before the field's name is looked at: a comment counts as it does while it is still arriving in pieces.
        self._bound(len(line))
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ")
        else:
            return
        self._size += len(line)

    def _bound(self, line_size: int) -> None:
        if self._size + line_size > self._limit:
            raise ProviderError("malformed", f"one event of the stream is longer than {self._limit} bytes")

    def _dispatch(self, events: list[SseEvent]) -> None:
        data, name = self._data, self._name
        self._size = 0
        self._name = b""
        if not data:
            return
        self._data = []
        try:
            events.append(SseEvent(name.decode() if name else "message", b"\n".join(data)))
        except UnicodeDecodeError:
            raise ProviderError("malformed", "the name of an event is not UTF-8") from None
