"""Any bytes as a value: text, JSON, a chat body. Total and deterministic, so a fuzzer's bytes are structured input.

Bytes that steer a choice are read one at a time; when they run out, every choice takes its first option.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import orjson

from lib.contract import Json, JsonObject

T = TypeVar("T")

CANARY: Final = "canary-5d1f"
"""Stands in generated texts; no answer to a bad request may hold it."""
DEEP: Final = "deep-value"
"""Stands for a value of hundreds of levels, which `written` puts in: encoders do not go as deep as parsers."""
DEEPEST: Final = 6
WIDEST: Final = 4
NAMES: Final = (
    *("role", "content", "parts", "type", "text", "id", "name", "state", "input", "output", "errorText"),
    *("toolCallId", "toolName", "tool_calls", "tool_call_id", "function", "arguments", "url", "mediaType"),
    *("image_url", "input_audio", "data", "format", "file", "file_data", "filename", "refusal", "cache_control"),
    *("messages", "model", "modelId", "userId", "stream", "stop", "n", "seed", "temperature", "topP", "maxTokens"),
    *("tools", "toolChoice", "responseFormat", "json_schema", "schema", "gateway", "models", "only", "order", "has"),
    *("sort", "tags", "user", "caching", "maxCostPer1MTokens", "prioritizeSpeed", "enableCache", "trigger"),
    *("stream_options", "include_usage", "metadata", "thinking", "budget_tokens", "reasoning_effort", "output_config"),
    *("choices", "delta", "message", "index", "finish_reason", "usage", "prompt_tokens", "completion_tokens", "error"),
    *("k", "u", "t", "at", "m", "in", "out", "cost", "saved", "ms", "ttft", "tries", "err", "q", "entry", "status"),
    *("retry_after", "cin", "cw", "rs", "est", "unpriced", "fb", "task", "message", "created_at"),
    *("content_block", "content_block_delta", "message_delta", "stop_reason", "partial_json", "code", "param"),
)
WORDS: Final = (
    *("user", "assistant", "system", "developer", "tool", "text", "image_url", "file", "function", "auto", "none"),
    *("required", "step-start", "tool-weather", "dynamic-tool", "output-available", "output-error", "output-denied"),
    *("input-streaming", "image/png", "audio/wav", "application/pdf", "https://example.com/a.png"),
    *("data:image/png;base64,AAAA", "data:application/pdf;base64,AAAA", "reasoning", "data-x", "json_object"),
    *("json_schema", "stop", "length", "tool_calls", "content_filter", "end_turn", "max_tokens", "refusal"),
    *("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"),
    *("message_stop", "text_delta", "input_json_delta", "thinking_delta", "tool_use", "thinking", "error", "cost"),
    *(
        "openai/gpt-4o",
        "anthropic/claude-sonnet-4-5",
        "gpt-4o",
        "{}",
        "[",
        "null",
        "",
        "vision",
        "call",
        "refused",
        CANARY,
        DEEP,
    ),
    '{"a":' * 300 + "0" + "}" * 300,
)
PROMPT_WORDS: Final = (
    *("what", "What", "is", "the", "Hello", "hi,", "please", "Please", "thanks", "thank you", "could you", "tell me"),
    *("who's", "don't", "I'm", "THE", "AIDS", "Polish", "Windows 10", "5!", "10⁵", "Sie", "und", "C++", "it's", "I"),
    *("?", "!", ".", ",", "…", ":", "\n", "\n\n", " ", "  ", "\u3000", "\u200b", "\ufeff", "\u00a0", "。", "？"),
    *('"', "“", "”", "„", "«", "»", "「", "」", "‘", "’", "'", "`", "```", "http://", "https://a.b/c?", "://"),
    *(
        "谢谢",
        "请问",
        "你好，",
        "bitte",
        "Danke",
        "por favor",
        "merci",
        "пожалуйста",
        "спасибо",
        "こんにちは、",
        "धन्यवाद",
    ),
    *("translate", "says", "how do you say", "quick question:", "ok,", "¿", "¡", "e\u0301", "İ", "ß", "ǅ", "ﬁ", "Ａ"),
    *(
        "2025",
        "1999",
        "price",
        "today",
        "did",
        "last",
        "mycelium",
        "$5",
        "|a|b|",
        "SELECT",
        "FROM",
        "```def f(",
        "→ French",
    ),
)
NUMBERS: Final[tuple[Json, ...]] = (0, 1, -1, 2, 0.5, -0.0, 1e308, 5e-324, 2**53, 2**63 - 1, -(2**63), 8, 200, 10**7)


def written(value: Json, source: Source) -> bytes:
    """A value as JSON, with up to 1,020 levels wherever it holds DEEP."""
    text = orjson.dumps(value)
    if f'"{DEEP}"'.encode() not in text:
        return text
    levels = 4 * source.below(256)
    opening, closing = (b"[", b"]") if source.below(2) else (b'{"a":', b"}")
    return text.replace(f'"{DEEP}"'.encode(), opening * levels + b"0" + closing * levels)


class Source:
    """Reads a byte string as choices."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """Up to `count` bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; `limit` is at most 256."""
        taken = self.take(1)
        return taken[0] % limit if taken else 0

    def one_of(self, options: Sequence[T]) -> T:
        """One of at most 256 options."""
        return options[self.below(len(options))]

    def text(self) -> str:
        """A word of the vocabulary, or up to 255 bytes as text."""
        kind = self.below(4)
        if kind < 3:
            return self.one_of(WORDS)
        return self.take(self.below(256)).decode("utf-8", "replace")

    def name(self) -> str:
        """A field's name, mostly a known one."""
        return self.one_of(NAMES) if self.below(8) else self.text()

    def json(self, depth: int = 0) -> Json:
        """Any JSON value."""
        makers: tuple[Callable[[], Json], ...] = (
            self.text,
            self.text,
            self.text,
            lambda: None,
            lambda: bool(self.below(2)),
            lambda: self.one_of(NUMBERS),
            lambda: self.items(depth),
            lambda: self.items(depth),
            lambda: self.fields(depth),
            lambda: self.fields(depth),
        )
        return self.one_of(makers[:6] if depth >= DEEPEST else makers)()

    def items(self, depth: int = 0) -> list[Json]:
        """A list."""
        return [self.json(depth + 1) for _ in range(self.below(WIDEST + 1))]

    def fields(self, depth: int = 0) -> JsonObject:
        """An object."""
        return {self.name(): self.json(depth + 1) for _ in range(self.below(WIDEST + 1))}

    def prompt(self) -> str:
        """Up to 4 kB of words, marks and raw text, as people might type it."""
        pieces: list[str] = []
        while self.left and len(pieces) < 500:
            kind = self.below(8)
            if kind == 0:
                pieces.append(self.take(self.below(16)).decode("utf-8", "replace"))
            elif kind == 1:
                pieces.append(self.one_of(PROMPT_WORDS) * (1 + self.below(12)))
            else:
                pieces.append(self.one_of(PROMPT_WORDS) + " " * (kind > 3))
        return "".join(pieces)
