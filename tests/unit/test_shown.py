"""What a whole answer adds to what was shown of it."""

from __future__ import annotations

import pytest

from lib.ai.shown import OtherAnswer, Shown, deltas_of
from lib.answer import Choice, Delta, Thought, ToolCall, ToolCallDelta
from lib.contract import JsonObject
from tests.support.events import done_of

BLOCK: JsonObject = {"type": "thinking", "thinking": "hm", "signature": "s"}
CHOICE = Choice(
    text="one two",
    reasoning="hm",
    tool_calls=(ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g", "{}")),
)
DELTAS = list(deltas_of(done_of(CHOICE).answer))


def rest(*shown: Delta) -> list[Delta]:
    already = Shown()
    for delta in shown:
        already.add(delta)
    assert bool(already) is bool(shown)
    return list(already.rest(DELTAS))


def test_of_what_was_never_shown_everything_is_left() -> None:
    assert rest() == DELTAS


def test_of_what_was_wholly_shown_nothing_is_left() -> None:
    assert rest(*DELTAS) == []


def test_what_began_goes_on_where_it_stopped() -> None:
    begun = ToolCallDelta(0, "c1", "f", '{"a"')
    assert rest(Delta(reasoning="hm"), Delta(text="one"), Delta(text=" t"), Delta(tool_call=begun)) == [
        Delta(text="wo"),
        Delta(tool_call=ToolCallDelta(0, arguments=":1}")),
        Delta(tool_call=ToolCallDelta(1, "c2", "g", "{}")),
    ]


@pytest.mark.parametrize(
    "shown",
    [
        Delta(text="two"),
        Delta(text="one two three"),
        Delta(refusal="no"),
        Delta(tool_call=ToolCallDelta(0, "c1", "f", "{}")),
        Delta(tool_call=ToolCallDelta(0, "c1", "f", '{"a":1}}')),
        Delta(tool_call=ToolCallDelta(7, "c1", "f", "")),
        Delta(text="one", choice=1),
    ],
)
def test_text_that_is_not_the_answers_beginning_is_noticed(shown: Delta) -> None:
    with pytest.raises(OtherAnswer):
        rest(shown)


def test_a_sealed_thought_is_not_given_twice() -> None:
    thoughtful = Choice(text="ab", reasoning="hm", thoughts=(Thought(BLOCK, 1),))
    whole = list(deltas_of(done_of(thoughtful).answer))
    assert whole == [Delta(text="a"), Delta(reasoning="hm", thought=BLOCK), Delta(text="b")]
    already = Shown()
    for delta in (Delta(text="a"), Delta(reasoning="hm"), Delta(thought=BLOCK)):
        already.add(delta)
    assert list(already.rest(whole)) == [Delta(text="b")]
