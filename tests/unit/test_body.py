"""Reading POST /api/ai/v2/chat."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.contract import Json, JsonObject
from lib.errors import GatewayError, InvalidRequest, RequestTooLarge
from lib.web.body import Parsed, parse_chat
from lib.web.encoders import Encoding

HELLO: JsonObject = {"role": "user", "content": "hello"}


def parsed(**fields: Json) -> Parsed:
    return parsed_with({}, **fields)


def parsed_with(headers: dict[str, str], **fields: Json) -> Parsed:
    body: JsonObject = {"messages": [HELLO], **fields}
    return parse_chat(orjson.dumps(body), headers)


def refusal(body: bytes, headers: dict[str, str] | None = None) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_chat(body, headers or {})
    return caught.value


def refused_param(**fields: Json) -> str | None:
    body: JsonObject = {"messages": [HELLO], **fields}
    return refusal(orjson.dumps(body)).param


def refused_message(*messages: Json) -> str | None:
    return refused_param(messages=list(messages))


def test_a_minimal_body_asks_for_automatic_routing_as_json() -> None:
    read = parsed()
    assert read.request.model == "auto"
    assert read.request.messages == (HELLO,)
    assert read.encoding is Encoding.JSON
    assert not read.request.stream
    assert read.request.read_cache
    assert read.request.write_cache
    assert read.claim.user_id is None


def test_camel_case_and_snake_case_names_mean_the_same() -> None:
    camel = parsed(maxTokens=9, topP=0.5, enableCache=False, enableDedup=False, enableFallback=False, userId="u")
    snake = parsed(max_tokens=9, top_p=0.5, enable_cache=False, enable_dedup=False, enable_fallback=False, user_id="u")
    assert camel == snake
    assert (camel.request.max_tokens, camel.request.top_p) == (9, 0.5)
    assert (camel.request.read_cache, camel.request.use_dedup, camel.request.use_fallback) == (False, False, False)
    assert camel.claim.user_id == "u"


@pytest.mark.parametrize("name", ["modelId", "model_id", "model"])
def test_the_model_goes_by_three_names_and_a_second_one_is_not_passed_on(name: str) -> None:
    named: JsonObject = {name: "openai/gpt-4o"}
    assert parsed(**named).request.model == "openai/gpt-4o"
    both = parsed(modelId="openai/gpt-4o", model="other/model")
    assert both.request.model == "openai/gpt-4o"
    assert both.request.extra == {}


def test_nulls_mean_the_default() -> None:
    names = ("modelId", "temperature", "maxTokens", "stop", "n", "tools", "toolChoice", "responseFormat", "gateway")
    assert parsed(**dict.fromkeys(names)) == parsed()


def test_what_every_provider_knows_is_read() -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    search: JsonObject = {"type": "web_search"}
    choice: JsonObject = {"type": "function", "function": {"name": "weather"}}
    shape: JsonObject = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}
    request = parsed(
        tools=[tool, search], toolChoice=choice, responseFormat=shape, stop=["a", "b"], seed=7, n=2
    ).request
    assert (request.tools, request.tool_choice, request.response_format) == ((tool, search), choice, shape)
    assert (request.stop, request.seed, request.n) == (("a", "b"), 7, 2)
    assert parsed(stop="a", tool_choice="required").request.stop == ("a",)


def test_unknown_fields_are_kept_as_they_are() -> None:
    read = parsed(presence_penalty=0.5, reasoning_effort="low", logprobs=True, logit_bias={"50256": -100})
    assert read.request.extra == {
        "presence_penalty": 0.5,
        "reasoning_effort": "low",
        "logprobs": True,
        "logit_bias": {"50256": -100},
    }


def test_gateway_options_become_a_routing_wish() -> None:
    gateway: JsonObject = {
        "models": ["a/b"],
        "only": ["openai"],
        "order": ["azure", "openai"],
        "sort": "cost",
        "has": ["vision"],
        "maxCostPer1MTokens": 3,
        "prioritizeSpeed": True,
        "user": "u-7",
        "tags": ["team:blue"],
    }
    read = parsed(gateway=gateway)
    assert read == parsed(providerOptions={"gateway": gateway})
    wish = read.request.routing
    assert (wish.models, wish.only, wish.order, wish.sort) == (("a/b",), ("openai",), ("azure", "openai"), "cost")
    assert (wish.has, wish.max_usd_per_million, wish.prioritize_speed) == (("vision",), 3.0, True)
    assert read.claim.user_id == "u-7"
    assert read.request.tags == ("team:blue",)


def test_a_gateway_option_that_is_not_supported_is_refused_rather_than_ignored() -> None:
    assert refused_param(gateway={"zeroDataRetention": True}) == "gateway.zeroDataRetention"


OUT_OF_BOUNDS: list[tuple[JsonObject, str]] = [
    ({"n": 0}, "n"),
    ({"n": 9}, "n"),
    ({"n": True}, "n"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "1"}, "temperature"),
    ({"topP": -0.1}, "topP"),
    ({"maxTokens": 0}, "maxTokens"),
    ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
    ({"seed": 2**63}, "seed"),
    ({"stop": [""]}, "stop"),
    ({"stop": 5}, "stop"),
    ({"stop": [*("x" * 17)]}, "stop"),
    ({"stream": "yes"}, "stream"),
    ({"modelId": ""}, "modelId"),
    ({"modelId": "a b"}, "modelId"),
    ({"userId": ""}, "userId"),
    ({"userId": 5}, "userId"),
    ({"userId": "a\nb"}, "userId"),
    ({"tags": [*("x" * 11)]}, "tags"),
    ({"tags": ["x" * 65]}, "tags[0]"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ({"tools": [5]}, "tools[0]"),
    ({"toolChoice": "sometimes"}, "tool_choice"),
    ({"responseFormat": {"type": "xml"}}, "response_format.type"),
    ({"responseFormat": "json_object"}, "response_format"),
    ({"gateway": {"sort": "colour"}}, "gateway.sort"),
    ({"gateway": {"order": [5]}}, "gateway.order[0]"),
    ({"gateway": {"maxCostPer1MTokens": 0}}, "gateway.maxCostPer1MTokens"),
    ({"locale": "de\r\nx: y"}, "locale"),
    ({"stream_options": {"include_usage": "y"}}, "stream_options.include_usage"),
    ({"n": 2, "messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]}, "n"),
]


@pytest.mark.parametrize(("fields", "param"), OUT_OF_BOUNDS)
def test_a_value_out_of_bounds_is_refused_by_name(fields: JsonObject, param: str) -> None:
    assert refused_param(**fields) == param


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'{"messages": [',
        b'{"messages": []} trailing',
        '{"messages": [{"role": "user", "content": "hi"}]}'.encode("utf-16"),
        b'\xef\xbb\xbf{"messages": [{"role": "user", "content": "hi"}]}',
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": ' + b"[" * 50_000,
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    assert refusal(body).code == "invalid_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"5"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body).param is None


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400])
@pytest.mark.parametrize(
    ("template", "param"),
    [
        (b'{"messages": [{"role": "user", "content": "hi"}], "logit_bias": {"a": [%s]}}', "logit_bias"),
        (b'{"messages": [{"role": "user", "content": "hi", "weight": %s}]}', "messages[0]"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "tools": [{"type": %s}]}', "tools[0]"),
    ],
)
def test_numbers_that_cannot_be_sent_on_are_refused_wherever_they_stand(
    number: bytes, template: bytes, param: str
) -> None:
    assert refusal(template % number).param == param


def test_nesting_deeper_than_the_encoder_takes_is_refused() -> None:
    deep = b'{"messages": [{"role": "user", "content": "hi"}], "x": ' + b"[" * 150 + b"]" * 150 + b"}"
    assert refusal(deep).param == "x"


def test_a_body_beyond_the_platforms_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(RequestTooLarge):
        parse_chat(b"{" + b" " * 4_500_000, {})


def test_the_number_of_messages_is_bounded() -> None:
    assert refused_message() == "messages"
    assert refused_message(*([HELLO] * 1_001)) == "messages"
    many: list[Json] = [HELLO] * 1_000
    assert len(parsed(messages=many).request.messages) == 1_000


def test_an_error_never_repeats_what_was_sent() -> None:
    secret = "my diagnosis is private"
    bodies: list[JsonObject] = [
        {"messages": secret},
        {"messages": [secret]},
        {"messages": [{"role": secret, "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": secret}]}]},
        {"messages": [HELLO], "temperature": secret},
        {"messages": [HELLO], "gateway": {"sort": secret}},
        {"messages": [HELLO], "toolChoice": secret},
        {"messages": [HELLO], "userId": secret + "\n"},
    ]
    for body in bodies:
        error = refusal(orjson.dumps(body))
        assert secret not in error.message
        assert len(error.message) <= 200


def test_a_long_or_strange_field_name_is_bounded_in_the_error() -> None:
    error = refusal(b'{"messages": [{"role": "user", "content": "hi"}], "' + "ü\\n".encode() * 500 + b'": NaN}')
    assert error.param is not None
    assert len(error.param) <= 100
    assert error.param.isascii()
    assert error.param.isprintable()


@pytest.mark.parametrize(
    ("header", "reads", "writes"),
    [
        ("no-cache", False, True),
        ("no-store", False, False),
        ("max-age=0, No-Store", False, False),
        ("max-age=60", True, True),
    ],
)
def test_cache_control_switches_the_cache(header: str, *, reads: bool, writes: bool) -> None:
    request = parsed_with({"cache-control": header}).request
    assert (request.read_cache, request.write_cache) == (reads, writes)


def test_an_idempotency_key_is_visible_ascii_of_bounded_length() -> None:
    assert parsed_with({"idempotency-key": "a" * 255}).request.idempotency_key == "a" * 255
    for key in ("", "a" * 256, "a b", "ü", "a\x7f"):
        with pytest.raises(InvalidRequest) as caught:
            parsed_with({"idempotency-key": key})
        assert caught.value.param == "Idempotency-Key"


def test_what_the_body_says_of_its_sender_is_kept_apart_and_not_passed_on() -> None:
    read = parsed(userId="u", tier="master", id="chat-1", trigger="submit-message", messageId="m")
    assert (read.claim.user_id, read.claim.tier, read.chat_id, read.trigger) == (
        "u",
        "master",
        "chat-1",
        "submit-message",
    )
    assert read.request.extra == {}


def test_openais_user_is_a_claim_and_is_passed_on() -> None:
    read = parsed(user="end-user-1")
    assert read.claim.user_id == "end-user-1"
    assert read.request.extra == {"user": "end-user-1"}


@pytest.mark.parametrize(
    ("stream", "headers", "encoding"),
    [
        (None, {}, Encoding.JSON),
        (True, {}, Encoding.OPENAI),
        (None, {"accept": "text/event-stream"}, Encoding.OPENAI),
        (None, {"accept": "application/json, text/event-stream;q=0.5"}, Encoding.OPENAI),
        (None, {"accept": "*/*"}, Encoding.JSON),
        (False, {"accept": "text/event-stream"}, Encoding.JSON),
        (True, {"x-ai-stream-protocol": "ui"}, Encoding.UI),
        (None, {"x-ai-stream-protocol": "OpenAI"}, Encoding.OPENAI),
        (False, {"x-ai-stream-protocol": "ui"}, Encoding.JSON),
    ],
)
def test_the_protocol_follows_stream_accept_and_header(
    stream: Json, headers: dict[str, str], encoding: Encoding
) -> None:
    read = parsed_with(headers, stream=stream)
    assert read.encoding is encoding
    assert read.request.stream is (encoding is not Encoding.JSON)


def test_ui_messages_are_answered_as_a_ui_stream_unless_the_header_says_otherwise() -> None:
    messages: list[Json] = [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]
    assert parsed(messages=messages).encoding is Encoding.UI
    assert parsed(messages=messages, stream=False).encoding is Encoding.UI
    assert parsed_with({"x-ai-stream-protocol": "openai"}, messages=messages).encoding is Encoding.OPENAI


def test_an_unknown_protocol_is_refused() -> None:
    assert (
        refusal(orjson.dumps({"messages": [HELLO]}), {"x-ai-stream-protocol": "morse"}).param == "x-ai-stream-protocol"
    )


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELD_NAMES = st.sampled_from(
    ["messages", "model", "stream", "stop", "tools", "toolChoice", "responseFormat", "gateway", "tags", "id", "n", "x"]
)


@settings(deadline=None, derandomize=True, database=None)
@given(st.dictionaries(FIELD_NAMES, JSON_VALUES, max_size=5))
def test_any_json_is_either_read_or_refused_as_a_bad_request(document: dict[str, Json]) -> None:
    assert _outcome(json.dumps(document).encode()) in (200, 400)


@settings(deadline=None, derandomize=True, database=None)
@given(JSON_VALUES)
def test_any_message_is_either_read_or_refused_as_a_bad_request(message: Json) -> None:
    assert _outcome(json.dumps({"messages": [message, {"role": "user", "parts": message}]}).encode()) == 400


def _outcome(body: bytes) -> int:
    """400, or 200 for what was read and can be sent on."""
    try:
        read = parse_chat(body, {})
    except GatewayError as error:
        return error.status
    orjson.dumps([list(read.request.messages), list(read.request.tools), read.request.extra])
    return 200


def test_a_request_for_another_answer_takes_neither_the_stored_one_nor_one_in_flight() -> None:
    again = parsed(trigger="regenerate-message").request
    assert (again.read_cache, again.use_dedup, again.write_cache) == (False, False, True)
    first = parsed(trigger="submit-message").request
    assert (first.read_cache, first.use_dedup) == (True, True)


def test_callers_can_come_back_unless_they_say_that_they_will_not() -> None:
    assert parsed(id="chat-1").resume
    assert not parsed(id="chat-1", resume=False).resume
    assert "resume" not in parsed(resume=True).request.extra
