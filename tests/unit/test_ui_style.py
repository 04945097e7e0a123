"""How a UI stream ends that was stopped, and what is kept beside a stream so that it can be written again."""

from __future__ import annotations

from lib.errors import Stopped
from lib.web.encode_openai import OpenAIEncoder
from lib.web.encode_ui import UIEncoder, UIStyle, style_of


def test_a_stopped_answer_ends_the_ui_stream_with_abort_and_others_with_an_error() -> None:
    assert UIEncoder(UIStyle()).failed(Stopped("stopped")) == b'data: {"type":"abort"}\n\ndata: [DONE]\n\n'
    other = OpenAIEncoder(request_id="req-1", created=1, choices=1, include_usage=False)
    assert b'"error"' in other.failed(Stopped("stopped"))


def test_a_ui_streams_style_is_read_back_from_its_note_and_is_plain_where_that_is_damaged() -> None:
    for style in (UIStyle(), UIStyle("m1", resets_steps=True)):
        assert style_of(style.note()) == style
    for note in ("", "[]", "[1,true]", '["m",1]', "{"):
        assert style_of(note) == UIStyle()
