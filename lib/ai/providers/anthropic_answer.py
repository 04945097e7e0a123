"""What Anthropic answers, whole or streamed, as deltas and one completion. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import orjson

from lib.ai.providers.completeness import ChoiceCheck, ToolPiece
from lib.ai.providers.failures import failure_in_answer
from lib.ai.providers.sse import SseEvent
from lib.ai.providers.usage import anthropic_usage
from lib.ai.providers.values import count_of, object_of, parse_object, text_of
from lib.answer import Completion, Delta, FinishReason
from lib.contract import Json, JsonObject
from lib.errors import ProviderError

STOP_REASONS: Final = MappingProxyType(
    {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        # A long turn of Anthropic's own server tools was interrupted and wants to be continued: it is not complete.
        "pause_turn": FinishReason.LENGTH,
        "tool_use": FinishReason.TOOL_CALLS,
        "refusal": FinishReason.CONTENT_FILTER,
    }
)
_NOTHING: Final[tuple[Delta, ...]] = ()


@dataclass(slots=True)
class _Thought:
    """A block of reasoning that has not ended."""

    kind: str
    seal: str
    """Its signature, or all there is of a redacted one."""
    pieces: list[str] = field(default_factory=list[str])

    def block(self) -> JsonObject:
        if self.kind == "redacted_thinking":
            return {"type": self.kind, "data": self.seal}
        return {"type": self.kind, "thinking": "".join(self.pieces), "signature": self.seal}


class AnthropicReader:
    """Reads one answer; `model` stands in where the provider does not name one."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._usage: JsonObject = {}
        self._check = ChoiceCheck()
        self._thoughts: dict[int, _Thought] = {}
        self._stop_sequence = ""
        self._done = False

    @property
    def done(self) -> bool:
        """Whether `message_stop` has come."""
        return self._done

    @property
    def finished(self) -> bool:
        """The same: without `message_stop` the answer is not whole."""
        return self._done

    def completion(self) -> Completion:
        """The end of a whole answer. Raises ProviderError `truncated`, `empty` or `malformed`."""
        if not self._done:
            raise ProviderError("truncated", "the answer ended without message_stop")
        return Completion(
            finish_reasons=(self._check.conclude(),),
            usage=anthropic_usage(self._usage),
            served_model=self._model,
            stop_sequence=self._stop_sequence,
        )

    def read_whole(self, answer: JsonObject) -> Sequence[Delta]:
        """The deltas of a `message` object."""
        _raise_error(answer)
        content = answer.get("content")
        if not isinstance(content, list):
            raise ProviderError("malformed", "the answer holds no content")
        self._start(answer)
        deltas: list[Delta] = []
        for index, block in enumerate(content):
            deltas += self._block(index, object_of(block))
            deltas += self._block_ends(index)
        deltas += self._stop(answer)
        self._done = True
        return deltas

    def read_event(self, event: SseEvent) -> Sequence[Delta]:
        """The deltas of one event of a stream. What it is stands in its data; kinds not known carry nothing for us."""
        data = parse_object(event.data)
        kind = data.get("type")
        if kind == "content_block_delta":
            return self._piece(count_of(data.get("index")) or 0, object_of(data.get("delta")))
        if kind == "content_block_start":
            return self._block(count_of(data.get("index")) or 0, object_of(data.get("content_block")), begins=True)
        if kind == "content_block_stop":
            return self._block_ends(count_of(data.get("index")) or 0)
        return self._frame(event, kind, data)

    def _frame(self, event: SseEvent, kind: Json, data: JsonObject) -> Sequence[Delta]:
        """What is around the content: beginning, end, errors."""
        if kind == "message_start":
            self._start(object_of(data.get("message")))
        elif kind == "message_delta":
            self._add_usage(data.get("usage"))
            return self._stop(object_of(data.get("delta")))
        elif kind == "message_stop":
            self._done = True
        elif event.name == "error" or kind == "error":
            raise failure_in_answer(data)
        return _NOTHING

    def _start(self, message: JsonObject) -> None:
        self._model = text_of(message.get("model")) or self._model
        self._add_usage(message.get("usage"))

    def _add_usage(self, usage: Json) -> None:
        """Later figures are cumulative and replace earlier ones; nulls say nothing."""
        self._usage |= {name: value for name, value in object_of(usage).items() if value is not None}

    def _stop(self, ending: JsonObject) -> list[Delta]:
        reason = ending.get("stop_reason")
        if reason is None:
            return []
        known = STOP_REASONS.get(text_of(reason))
        if known is None:
            raise ProviderError("malformed", "the answer ended with a stop reason that is not known")
        self._check.finish_reason = known
        self._stop_sequence = text_of(ending.get("stop_sequence"))
        return self._check.missing_arguments()

    def _block(self, index: int, block: JsonObject, *, begins: bool = False) -> list[Delta]:
        """A content block; one that only `begins` has its tool input still to come."""
        kind = block.get("type")
        if kind == "tool_use":
            written = "" if begins else orjson.dumps(object_of(block.get("input"))).decode()
            piece = ToolPiece(index, text_of(block.get("id")), text_of(block.get("name")), written)
            return [self._check.tool_delta(piece)]
        if kind == "text":
            return self._text(text_of(block.get("text")))
        return self._thought(index, block)

    def _thought(self, index: int, block: JsonObject) -> list[Delta]:
        """A block of reasoning, which is only whole, signature and all, when it ends."""
        kind = text_of(block.get("type"))
        if kind not in ("thinking", "redacted_thinking"):
            return []
        self._thoughts[index] = _Thought(kind, text_of(block.get("signature")) or text_of(block.get("data")))
        return self._thinking(index, text_of(block.get("thinking")))

    def _block_ends(self, index: int) -> list[Delta]:
        """A thought without a signature is none that Anthropic would take back."""
        thought = self._thoughts.pop(index, None)
        return [Delta(thought=thought.block())] if thought is not None and thought.seal else []

    def _piece(self, index: int, delta: JsonObject) -> list[Delta]:
        kind = delta.get("type")
        if kind == "text_delta":
            return self._text(text_of(delta.get("text")))
        if kind == "input_json_delta" and (written := text_of(delta.get("partial_json"))):
            return self._check.continue_tool(ToolPiece(index, arguments=written))
        if kind == "signature_delta" and index in self._thoughts:
            self._thoughts[index].seal = text_of(delta.get("signature"))
        return self._thinking(index, text_of(delta.get("thinking")))

    def _thinking(self, index: int, text: str) -> list[Delta]:
        if not text:
            return []
        if index in self._thoughts:
            self._thoughts[index].pieces.append(text)
        return [Delta(reasoning=text)]

    def _text(self, text: str) -> list[Delta]:
        if not text:
            return []
        self._check.has_content = True
        return [Delta(text=text)]


def _raise_error(answer: JsonObject) -> None:
    if answer.get("type") == "error" or answer.get("error"):
        raise failure_in_answer(answer)
