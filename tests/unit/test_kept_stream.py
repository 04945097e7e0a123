"""The text of a kept stream: what is written is read back, whatever is in it; anything else is damage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.ai.kept_stream import DamagedStream, Failure, Kept, event_of, head_line, lines_of, note_of
from lib.answer import Attempt, CacheKind, Choice, Delta, Done, Opened, Restarted, ToolCall, ToolCallDelta
from lib.errors import InvalidRequest, Stopped, UpstreamFailed
from tests.support.events import REPORT, done_of

FULL = replace(
    REPORT,
    limit=None,
    cached=CacheKind.DUPLICATE,
    attempts=(Attempt("openai/gpt-4o", "ok", 200, 7, 12), Attempt("demo/echo", "timeout", None, 3)),
    degraded=("kv",),
    dropped_params=("seed",),
    first_token_ms=5,
    routing={"task": "code", "dropped": [{"model": "x"}]},
)
DELTAS = (
    Delta(text="line\nbreak \u2028 \u0085 ☃ \x00"),
    Delta(reasoning="hm", choice=1),
    Delta(refusal="no"),
    Delta(tool_call=ToolCallDelta(2, "c1", "weather", '{"a":', {"google": {"thought_signature": "x"}})),
    Delta(tool_call=ToolCallDelta(0)),
    Delta(text="a", logprobs={"content": [{"token": "a"}]}),
    Delta(thought={"type": "thinking", "thinking": "hm", "signature": "s"}),
)


def read(text: str) -> list[Kept]:
    assert text.endswith("\n")
    return [event_of(line) for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("event", [Opened(FULL), Restarted(FULL), *DELTAS])
def test_an_event_is_read_back_as_it_was(event: Kept) -> None:
    assert read(lines_of([event])) == [event]


def test_an_answer_comes_back_without_the_texts_its_deltas_brought() -> None:
    choice = Choice(text="Yes.", reasoning="hm", tool_calls=(ToolCall("c1", "weather", "{}"),))
    done = replace(done_of(choice), report=FULL)
    [back] = read(lines_of([done]))
    assert isinstance(back, Done)
    assert back.report == FULL
    assert back.answer == replace(done.answer, choices=(replace(choice, text="", reasoning=""),))


def test_errors_come_back_as_what_they_mean() -> None:
    [broken] = read(lines_of([Failure(UpstreamFailed("gone", status=503, retry_after=2.0))]))
    assert isinstance(broken, Failure)
    assert (broken.error.message, broken.error.status, broken.error.retry_after) == ("gone", 503, 2.0)
    [refused] = read(lines_of([Failure(InvalidRequest("no", param="n"))]))
    assert isinstance(refused, Failure)
    assert isinstance(refused.error, InvalidRequest)
    [stopped] = read(lines_of([Failure(Stopped("stopped"))]))
    assert isinstance(stopped, Failure)
    assert isinstance(stopped.error, Stopped)


def test_pieces_of_one_text_share_a_line_and_nothing_else_does() -> None:
    events: list[Kept] = [Opened(FULL), Delta(text="a"), Delta(text="b"), Delta(text="c", choice=1), Delta(text="d")]
    events += [Delta(reasoning="x"), Delta(reasoning="y"), DELTAS[5], Delta(text="e")]
    assert read(lines_of(events)) == [
        Opened(FULL),
        Delta(text="ab"),
        Delta(text="c", choice=1),
        Delta(text="d"),
        Delta(reasoning="xy"),
        DELTAS[5],
        Delta(text="e"),
    ]


def test_the_head_keeps_the_note() -> None:
    assert note_of(head_line('["m1",true]').rstrip("\n")) == '["m1",true]'


@pytest.mark.parametrize("line", ["", "h", "h{}", 'h{"v":2,"note":""}', 'd{"v":1,"note":""}', "h[1]"])
def test_a_head_that_is_none_is_damage(line: str) -> None:
    with pytest.raises(DamagedStream):
        note_of(line)


@pytest.mark.parametrize(
    "line",
    [
        *("", "q{}", "d", "d[]", "d{", 'd{"t":1}', 'd{"c":[1]}', 'd{"b":1}', 'd{"i":"x"}', "f{}", 'f{"answer":{}}'),
        *("o{}", 'o{"routing":[]}', 'o{"routing":{},"tries":[1]}', 'o{"routing":{},"cached":"else"}'),
        *('o{"routing":{},"tries":1}',),
    ],
)
def test_a_line_that_is_none_is_damage(line: str) -> None:
    with pytest.raises(DamagedStream):
        event_of(line)
