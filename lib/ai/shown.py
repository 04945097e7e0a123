"""A whole answer as the deltas that would have made it, all of them or those that were not shown already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from lib.answer import Answer, Choice, Delta, ToolCallDelta


class OtherAnswer(Exception):
    """The whole answer does not go on from what was shown."""


@dataclass(slots=True)
class _Place:
    """What was shown of one choice."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    thoughts: int = 0
    calls: dict[int, str] = field(default_factory=dict[int, str])
    """Arguments by the index of their tool call."""

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning or self.refusal or self.calls)

    def add(self, delta: Delta) -> None:
        self.text += delta.text
        self.reasoning += delta.reasoning
        self.refusal += delta.refusal
        self.thoughts += delta.thought is not None
        if delta.tool_call is not None:
            at = delta.tool_call.index
            self.calls[at] = self.calls.get(at, "") + delta.tool_call.arguments

    def take_off(self, delta: Delta) -> Delta:
        """What the delta adds; what it repeats is taken off."""
        text, self.text = _cut(delta.text, self.text)
        reasoning, self.reasoning = _cut(delta.reasoning, self.reasoning)
        refusal, self.refusal = _cut(delta.refusal, self.refusal)
        thought, call = delta.thought, delta.tool_call
        if thought is not None and self.thoughts:
            thought, self.thoughts = None, self.thoughts - 1
        if call is not None and call.index in self.calls:
            arguments, more = _cut(call.arguments, self.calls.pop(call.index))
            if more:
                raise OtherAnswer
            call = ToolCallDelta(call.index, arguments=arguments) if arguments else None
        return replace(delta, text=text, reasoning=reasoning, refusal=refusal, thought=thought, tool_call=call)


class Shown:
    """What was shown of an answer while it was being written; false while that is nothing."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def add(self, delta: Delta) -> None:
        """One more was shown."""
        self._places.setdefault(delta.choice, _Place()).add(delta)

    def rest(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Of a whole answer's deltas what was not shown; to be asked once. Raises OtherAnswer."""
        for delta in deltas:
            place = self._places.get(delta.choice)
            left = place.take_off(delta) if place else delta
            if left != Delta(choice=delta.choice):
                yield left
        if any(self._places.values()):
            raise OtherAnswer


def _cut(whole: str, shown: str) -> tuple[str, str]:
    """What the whole adds to what was shown, and what of that is beyond it."""
    if whole.startswith(shown):
        return whole[len(shown) :], ""
    if shown.startswith(whole):
        return "", shown[len(whole) :]
    raise OtherAnswer


def deltas_of(answer: Answer) -> Iterator[Delta]:
    """A whole answer as the deltas that would have made it."""
    for index, choice in enumerate(answer.choices):
        if choice.reasoning and not choice.thoughts:
            yield Delta(reasoning=choice.reasoning, choice=index)
        yield from _text_and_thoughts(choice, index)
        if choice.refusal:
            yield Delta(refusal=choice.refusal, choice=index)
        for at, call in enumerate(choice.tool_calls):
            yield Delta(tool_call=ToolCallDelta(at, call.id, call.name, call.arguments, call.extra), choice=index)


def _text_and_thoughts(choice: Choice, index: int) -> Iterator[Delta]:
    shown = 0
    for thought in choice.thoughts:
        if thought.after > shown:
            yield Delta(text=choice.text[shown : thought.after], choice=index)
            shown = thought.after
        said = thought.block.get("thinking")
        yield Delta(reasoning=said if isinstance(said, str) else "", choice=index, thought=thought.block)
    if choice.text[shown:] or choice.logprobs is not None:
        yield Delta(text=choice.text[shown:], logprobs=choice.logprobs, choice=index)
