"""AI SDK's UIMessages into OpenAI's messages."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.body import Parsed, parse_chat


def parsed(*messages: Json) -> Parsed:
    body: JsonObject = {"id": "chat-1", "trigger": "submit-message", "messages": list(messages)}
    return parse_chat(orjson.dumps(body), {})


def converted(*messages: Json) -> list[Mapping[str, Json]]:
    return list(parsed(*messages).request.messages)


def user(*parts: Json) -> JsonObject:
    return {"id": "m1", "role": "user", "parts": list(parts)}


def assistant(*parts: Json) -> JsonObject:
    return {"id": "m2", "role": "assistant", "parts": list(parts)}


def text(words: str) -> JsonObject:
    return {"type": "text", "text": words}


def tool(state: str, **fields: Json) -> JsonObject:
    return {"type": "tool-weather", "toolCallId": "c1", "state": state, "input": {"city": "Bonn"}, **fields}


def test_the_transports_envelope_is_understood() -> None:
    read = parsed(user(text("hi")))
    assert (read.ui, read.chat_id, read.trigger) == (True, "chat-1", "submit-message")
    assert read.request.stream


def test_a_single_text_part_becomes_plain_content() -> None:
    assert converted(user(text("hi"))) == [{"role": "user", "content": "hi"}]


def test_system_texts_are_joined_by_line_breaks() -> None:
    message: JsonObject = {"role": "system", "parts": [text("a"), text("b")]}
    assert converted(message, user(text("hi")))[0] == {"role": "system", "content": "a\nb"}


def test_images_pdfs_and_audio_become_content_parts() -> None:
    [message] = converted(
        user(
            text("look"),
            {"type": "file", "mediaType": "image/png", "url": "https://example.com/a.png"},
            {"type": "file", "mediaType": "application/pdf", "url": "data:application/pdf;base64,AA", "filename": "a"},
            {"type": "file", "mediaType": "audio/mpeg", "url": "data:audio/mpeg;base64,BB"},
        )
    )
    assert message["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,AA"}},
        {"type": "input_audio", "input_audio": {"data": "BB", "format": "mp3"}},
    ]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (
            {"type": "file", "mediaType": "video/mp4", "url": "data:video/mp4;base64,A"},
            "messages[0].parts[0].mediaType",
        ),
        ({"type": "file", "mediaType": "application/pdf", "url": "https://example.com/a"}, "messages[0].parts[0].url"),
        ({"type": "file", "mediaType": "image/png", "url": "blob:abc"}, "messages[0].parts[0].url"),
        ({"type": "file", "url": "data:"}, "messages[0].parts[0].mediaType"),
        ({"type": "text"}, "messages[0].parts[0].text"),
        ({"text": "x"}, "messages[0].parts[0].type"),
        ("x", "messages[0].parts[0]"),
        ({"type": "data-note", "data": 1}, "messages[0].parts"),
    ],
)
def test_a_part_that_cannot_be_sent_is_refused_by_its_path(part: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(user(part))
    assert caught.value.param == param


def test_parts_for_the_eye_are_left_out() -> None:
    spoken = assistant(
        {"type": "reasoning", "text": "hm"},
        {"type": "source-url", "sourceId": "1", "url": "https://example.com"},
        {"type": "data-chart", "data": [1]},
        text("yes"),
    )
    assert converted(spoken) == [{"role": "assistant", "content": "yes"}]


def test_each_round_of_tool_use_becomes_calls_and_results_in_order() -> None:
    rounds = assistant(
        {"type": "step-start"},
        text("let me see"),
        tool("output-available", output={"celsius": 21}),
        {
            "type": "dynamic-tool",
            "toolName": "clock",
            "toolCallId": "c2",
            "state": "output-error",
            "input": {},
            "errorText": "broken",
        },
        {"type": "step-start"},
        text("21 degrees"),
    )
    said = converted(user(text("weather?")), rounds)
    assert said[1:] == [
        {
            "role": "assistant",
            "content": "let me see",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bonn"}'}},
                {"id": "c2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": '{"celsius":21}'},
        {"role": "tool", "tool_call_id": "c2", "content": "broken"},
        {"role": "assistant", "content": "21 degrees"},
    ]


def test_a_denied_call_is_told_to_the_model() -> None:
    assert converted(assistant(tool("output-denied")))[1] == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": "The user did not allow this call.",
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"state": "output-denied", "approval": {"id": "a", "approved": False, "reason": "too cold"}}, "too cold"),
        ({"state": "approval-responded", "approval": {"id": "a", "approved": False, "reason": "no"}}, "no"),
        (
            {"state": "approval-responded", "approval": {"id": "a", "approved": False}},
            "The user did not allow this call.",
        ),
    ],
)
def test_why_a_call_was_denied_is_told_too(fields: JsonObject, told: str) -> None:
    assert converted(assistant(tool("input-available") | fields))[1]["content"] == told


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({"input": {"city": "Bonn"}}, '{"city":"Bonn"}'),
        ({"input": None, "rawInput": '{"city":'}, '{"input":"{\\"city\\":"}'),
        ({"input": "Bonn"}, '{"input":"Bonn"}'),
        ({"input": None}, "{}"),
    ],
)
def test_the_input_of_a_call_that_failed_is_an_object_whatever_it_was(fields: JsonObject, arguments: str) -> None:
    [said, result] = converted(assistant(tool("output-error", errorText="broken") | fields))
    assert isinstance(calls := said["tool_calls"], list)
    assert calls == [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": arguments}}]
    assert result["content"] == "broken"


def test_what_the_user_said_between_two_steps_stands_between_them() -> None:
    steering: JsonObject = {"type": "steering-message", "id": "s1", "parts": [text("in kelvin")]}
    said = converted(
        assistant({"type": "step-start"}, text("one"), steering, {"type": "step-start"}, text("two")),
    )
    assert said == [
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "in kelvin"},
        {"role": "assistant", "content": "two"},
    ]


def test_reasoning_goes_back_within_a_round_of_tool_use_and_is_left_out_elsewhere() -> None:
    thought: JsonObject = {"type": "reasoning", "text": "hm", "state": "done"}
    [called, _] = converted(assistant(thought, tool("output-available", output="x")))
    assert called["reasoning_content"] == "hm"
    assert converted(assistant(thought, text("Yes."))) == [{"role": "assistant", "content": "Yes."}]


@pytest.mark.parametrize("media_type", ["image/png", "image", "IMAGE/*"])
@pytest.mark.parametrize("url", ["https://example.com/a.png", "data:image/png;base64,aGk="])
def test_an_image_goes_to_the_provider_as_the_address_it_came_with(media_type: str, url: str) -> None:
    [said] = converted(user({"type": "file", "mediaType": media_type, "url": url}, text("what?")))
    assert said["content"] == [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "what?"}]


@pytest.mark.parametrize("state", ["input-streaming", "input-available", "approval-requested"])
def test_a_call_without_a_result_is_left_out_because_providers_reject_it(state: str) -> None:
    said = converted(user(text("hi")), assistant(text("wait"), tool(state)))
    assert said[1] == {"role": "assistant", "content": "wait"}


def test_a_conversation_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(assistant({"type": "step-start"}))
    assert caught.value.param == "messages"


def test_an_answer_that_goes_on_with_an_assistants_message_takes_its_id() -> None:
    question = user(text("hi"))
    assert parsed(question).answer_id is None
    assert parsed(question, assistant(text("a"), tool("output-available", output="x"))).answer_id == "m2"


def test_a_role_that_ui_messages_do_not_have_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed({"role": "tool", "parts": [text("x")]})
    assert caught.value.param == "messages[0].role"


def test_plain_messages_may_stand_among_ui_messages() -> None:
    assert converted({"role": "system", "content": "be brief"}, user(text("hi")))[0] == {
        "role": "system",
        "content": "be brief",
    }
