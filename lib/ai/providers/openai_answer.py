"""What an OpenAI-compatible provider answers, whole or streamed, as deltas and one completion. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import orjson

from lib.ai.providers.completeness import AnswerCheck, ChoiceCheck, ToolPiece
from lib.ai.providers.failures import failure_in_answer
from lib.ai.providers.sse import SseEvent
from lib.ai.providers.usage import openai_usage
from lib.ai.providers.values import count_of, list_of, object_of, parse_object, text_of
from lib.answer import Completion, Delta, FinishReason
from lib.contract import Json, JsonObject
from lib.errors import ProviderError

FINISH_REASONS: Final = MappingProxyType(
    {
        "stop": FinishReason.STOP,
        "eos": FinishReason.STOP,
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "complete": FinishReason.STOP,
        "length": FinishReason.LENGTH,
        "max_tokens": FinishReason.LENGTH,
        "model_length": FinishReason.LENGTH,
        "tool_calls": FinishReason.TOOL_CALLS,
        "function_call": FinishReason.TOOL_CALLS,
        "tool_use": FinishReason.TOOL_CALLS,
        "content_filter": FinishReason.CONTENT_FILTER,
        "safety": FinishReason.CONTENT_FILTER,
        "recitation": FinishReason.CONTENT_FILTER,
        "prohibited_content": FinishReason.CONTENT_FILTER,
        "refusal": FinishReason.CONTENT_FILTER,
    }
)
"""By the provider's word in lower case: OpenAI's own, and those compatible providers are known to use instead."""
DONE: Final = b"[DONE]"
_NOTHING: Final[tuple[Delta, ...]] = ()


class OpenAIReader:
    """Reads one answer of `choices` choices; `model` stands in where the provider does not name one.

    Tool calls that come without an id get one that begins with `call_prefix`.
    """

    def __init__(self, model: str, choices: int = 1, call_prefix: str = "call") -> None:
        self._model = model
        self._usage: Json = None
        self._check = AnswerCheck(choices, call_prefix)
        self._done = False

    @property
    def done(self) -> bool:
        """Whether `[DONE]` has come."""
        return self._done

    @property
    def finished(self) -> bool:
        """Whether every choice has its finish reason: only usage can still follow."""
        return self._check.finished

    def completion(self) -> Completion:
        """The end of a whole answer. Raises ProviderError `truncated`, `empty` or `malformed`."""
        return Completion(
            finish_reasons=self._check.conclude(),
            usage=openai_usage(self._usage),
            served_model=self._model,
        )

    def read_whole(self, answer: JsonObject) -> Sequence[Delta]:
        """The deltas of a `chat.completion` object."""
        self._take_frame(answer)
        choices = list_of(answer.get("choices"))
        if not choices:
            raise ProviderError("malformed", "the answer holds no choices")
        return [delta for choice in choices for delta in self._choice(object_of(choice), "message")]

    def read_event(self, event: SseEvent) -> Sequence[Delta]:
        """The deltas of a `chat.completion.chunk`; chunks without choices carry usage or nothing."""
        data = event.data
        if data == DONE:
            self._done = True
            return _NOTHING
        chunk = parse_object(data)
        self._take_frame(chunk)
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return _NOTHING
        if len(choices) == 1:
            return self._choice(object_of(choices[0]), "delta")
        return [delta for choice in choices for delta in self._choice(object_of(choice), "delta")]

    def _take_frame(self, frame: JsonObject) -> None:
        if frame.get("error") or frame.get("object") == "error":
            raise failure_in_answer(frame)
        model, usage = frame.get("model"), frame.get("usage")
        if isinstance(model, str) and model:
            self._model = model
        if usage is not None:
            self._usage = usage

    def _choice(self, choice: JsonObject, field: str) -> list[Delta]:
        check = self._check.choice(count_of(choice.get("index")) or 0)
        piece = object_of(choice.get(field))
        deltas: list[Delta] = []
        if text_or_more := _text_delta(piece, choice.get("logprobs"), check):
            deltas.append(text_or_more)
        if piece.get("tool_calls") or piece.get("function_call"):
            deltas.extend(check.tool_delta(_tool_piece(call)) for call in _calls(piece))
        if (reason := choice.get("finish_reason")) is not None:
            check.finish_reason = finish_reason(reason)
            deltas.extend(check.missing_arguments())
        return deltas


def finish_reason(word: Json) -> FinishReason:
    """OpenAI's finish reason for a provider's word. Raises ProviderError `malformed` for one that is not known."""
    known = FINISH_REASONS.get(text_of(word).lower())
    if known is None:
        raise ProviderError("malformed", "the answer ended with a finish reason that is not known")
    return known


def _text_delta(piece: JsonObject, logprobs: Json, check: ChoiceCheck) -> Delta | None:
    content = piece.get("content")
    text, thought = (content, "") if isinstance(content, str) else _content_parts(content)
    refusal = text_of(piece.get("refusal"))
    reasoning = text_of(piece.get("reasoning_content")) or text_of(piece.get("reasoning")) or thought
    if text or refusal:
        check.has_content = True
    elif not reasoning and logprobs is None:
        return None
    return Delta(text=text, reasoning=reasoning, refusal=refusal, logprobs=logprobs, choice=check.number)


def _content_parts(content: Json) -> tuple[str, str]:
    """Text and reasoning of content in parts, as Mistral's reasoning models send it."""
    parts = [object_of(part) for part in list_of(content)]
    text = "".join(text_of(part.get("text")) for part in parts)
    thinking = [object_of(inner) for part in parts for inner in list_of(part.get("thinking"))]
    return text, "".join(text_of(inner.get("text")) for inner in thinking)


def _calls(piece: JsonObject) -> list[JsonObject]:
    """Tool calls, or the one function call of the older form."""
    calls = [object_of(call) for call in list_of(piece.get("tool_calls"))]
    return calls or [{"index": 0, "function": piece.get("function_call")}]


def _tool_piece(call: JsonObject) -> ToolPiece:
    function = object_of(call.get("function"))
    arguments = function.get("arguments")
    return ToolPiece(
        index=count_of(call.get("index")),
        id=text_of(call.get("id")),
        name=text_of(function.get("name")),
        arguments=orjson.dumps(arguments).decode() if isinstance(arguments, dict) else text_of(arguments),
        extra=object_of(call.get("extra_content")) or None,
    )
