"""Adding deltas up to a whole answer, and estimating usage where a provider told none."""

from __future__ import annotations

from dataclasses import dataclass, field

from lib.answer import Choice, Completion, Delta, FinishReason, Thought, ToolCall, ToolCallDelta, Usage
from lib.contract import Json, JsonObject
from lib.messages import estimate_tokens


@dataclass(slots=True)
class _Tool:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])
    extra: JsonObject | None = None

    def whole(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.arguments), self.extra)


@dataclass(slots=True)
class _Parts:
    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    tools: dict[int, _Tool] = field(default_factory=dict[int, _Tool])
    logprobs: list[Json] = field(default_factory=list[Json])
    thoughts: list[Thought] = field(default_factory=list[Thought])

    def add(self, delta: Delta) -> None:
        if delta.text:
            self.text.append(delta.text)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        if delta.refusal:
            self.refusal.append(delta.refusal)
        if delta.tool_call is not None:
            self._add_tool(delta.tool_call)
        if delta.logprobs is not None:
            self.logprobs.append(delta.logprobs)
        if delta.thought is not None:
            self.thoughts.append(Thought(delta.thought, sum(map(len, self.text))))

    def _add_tool(self, piece: ToolCallDelta) -> None:
        tool = self.tools.setdefault(piece.index, _Tool())
        tool.id, tool.name = tool.id or piece.id, tool.name or piece.name
        tool.extra = tool.extra or piece.extra
        tool.arguments.append(piece.arguments)

    def choice(self, finish_reason: FinishReason, stop_sequence: str) -> Choice:
        return Choice(
            text="".join(self.text),
            reasoning="".join(self.reasoning),
            refusal="".join(self.refusal),
            tool_calls=tuple(tool.whole() for _, tool in sorted(self.tools.items())),
            finish_reason=finish_reason,
            logprobs=merged_logprobs(self.logprobs),
            thoughts=tuple(self.thoughts),
            stop_sequence=stop_sequence,
        )

    def tokens(self) -> int:
        arguments = "".join("".join(t.arguments) for t in self.tools.values())
        return estimate_tokens("".join((*self.text, *self.reasoning, *self.refusal, arguments)))


class AnswerBuilder:
    """Collects the deltas of one provider call."""

    def __init__(self) -> None:
        self._choices: dict[int, _Parts] = {}

    def add(self, delta: Delta) -> None:
        """Take one delta in."""
        self._choices.setdefault(delta.choice, _Parts()).add(delta)

    def choices(self, completion: Completion) -> tuple[Choice, ...]:
        """The whole choices, one per finish reason."""
        return tuple(
            self._choices.get(i, _Parts()).choice(reason, completion.stop_sequence)
            for i, reason in enumerate(completion.finish_reasons)
        )

    def estimated_usage(self, input_tokens: int) -> Usage:
        """Usage counted from the text received so far, marked as an estimate."""
        output = sum(parts.tokens() for parts in self._choices.values())
        return Usage(input_tokens=input_tokens, output_tokens=output, estimated=True)

    @property
    def empty(self) -> bool:
        """Whether nothing has been received."""
        return not self._choices


def merged_logprobs(pieces: list[Json]) -> Json:
    """OpenAI's logprobs of a streamed choice: the `content` lists of its chunks, joined."""
    if not pieces:
        return None
    content: list[Json] = []
    for piece in pieces:
        tokens = piece.get("content") if isinstance(piece, dict) else None
        content.extend(tokens if isinstance(tokens, list) else ())
    return {"content": content}
