"""Whether an answer is whole: both wires report here what they read, and it says so or raises.

No SDK checks this: a stream that ends cleanly without a finish reason passes for success there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lib.ai.providers.values import is_json_object
from lib.answer import Delta, FinishReason, ToolCallDelta
from lib.contract import JsonObject
from lib.errors import ProviderError

MOST_TOOL_CALLS: Final = 1_000


@dataclass(slots=True)
class _Tool:
    wire_index: int
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class ToolPiece:
    """A piece of a tool call as the wire has it; the index is None where the provider leaves it out."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: JsonObject | None = None


@dataclass(slots=True)
class ChoiceCheck:
    """What has been seen of one choice."""

    number: int = 0
    call_prefix: str = "call"
    """Begins the ids of tool calls that come without one."""
    has_content: bool = False
    """Text or a refusal; reasoning alone is no answer."""
    finish_reason: FinishReason | None = None
    tools: list[_Tool] = field(default_factory=list[_Tool])

    def tool_delta(self, piece: ToolPiece) -> Delta:
        """The piece as a delta: indexes made unique and ids never missing, whatever the provider does with them."""
        position = self._position(piece)
        if position is None:
            position = self._begin(piece)
            first_id = self.tools[position].id
        else:
            first_id = ""
        tool = self.tools[position]
        tool.name = tool.name or piece.name
        tool.arguments.append(piece.arguments)
        call = ToolCallDelta(position, first_id, piece.name, piece.arguments, piece.extra)
        return Delta(tool_call=call, choice=self.number)

    def continue_tool(self, piece: ToolPiece) -> list[Delta]:
        """As `tool_delta`, but nothing for a call that has not begun: it is not one of the caller's tools."""
        return [] if self._position(piece) is None else [self.tool_delta(piece)]

    def _position(self, piece: ToolPiece) -> int | None:
        """Where a call that has begun stands. Some providers give parallel calls one index, or none at all."""
        for position in range(len(self.tools) - 1, -1, -1):
            tool = self.tools[position]
            if piece.index is not None and tool.wire_index != piece.index:
                continue
            if not piece.id or piece.id == tool.id:
                return position
        return None

    def _begin(self, piece: ToolPiece) -> int:
        position = len(self.tools)
        if position >= MOST_TOOL_CALLS:
            raise ProviderError("malformed", f"the answer holds more than {MOST_TOOL_CALLS} tool calls")
        index = position if piece.index is None else piece.index
        self.tools.append(_Tool(index, piece.id or f"{self.call_prefix}_{self.number}_{position}"))
        return position

    def missing_arguments(self) -> list[Delta]:
        """`{}` for each tool call whose arguments were left out, as providers do for functions that take none."""
        return [
            self.tool_delta(ToolPiece(tool.wire_index, tool.id, arguments="{}"))
            for tool in self.tools
            if not any(tool.arguments)
        ]

    def conclude(self) -> FinishReason:
        """The finish reason of a whole choice. Raises ProviderError `truncated`, `empty` or `malformed`."""
        reason = self.finish_reason
        if reason is None:
            raise ProviderError("truncated", "the answer ended without a finish reason")
        if reason is FinishReason.STOP and not self.has_content and not self.tools:
            raise ProviderError("empty", "the answer is empty")
        if reason is FinishReason.TOOL_CALLS and not self.tools:
            raise ProviderError("malformed", "the answer announces tool calls and holds none")
        if reason in (FinishReason.STOP, FinishReason.TOOL_CALLS):
            self._check_tools()
        return reason

    def _check_tools(self) -> None:
        for tool in self.tools:
            if not tool.name:
                raise ProviderError("malformed", "a tool call has no name")
            if not is_json_object("".join(tool.arguments)):
                raise ProviderError("malformed", "the arguments of a tool call are not a JSON object")


class AnswerCheck:
    """The choices of one answer, as many as were asked for."""

    def __init__(self, choices: int, call_prefix: str = "call") -> None:
        self._choices = tuple(ChoiceCheck(number, call_prefix) for number in range(choices))

    def choice(self, number: int) -> ChoiceCheck:
        """The choice of that number. Raises ProviderError `malformed` for one nobody asked for."""
        if not 0 <= number < len(self._choices):
            raise ProviderError("malformed", "the answer holds a choice that was not asked for")
        return self._choices[number]

    @property
    def finished(self) -> bool:
        """Whether every choice has its finish reason."""
        return all(choice.finish_reason is not None for choice in self._choices)

    def conclude(self) -> tuple[FinishReason, ...]:
        """One finish reason per choice. Raises ProviderError when any choice is not whole."""
        return tuple(choice.conclude() for choice in self._choices)
