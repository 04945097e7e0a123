"""Anthropic's request as the pipeline's: every block has its place, and what is wrong is named."""

from __future__ import annotations

import orjson
import pytest

from lib.contract import ChatRequest, Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.anthropic_body import parsed, request_of
from lib.web.anthropic_model import MessagesBody

MARK: JsonObject = {"type": "ephemeral"}
USER: JsonObject = {"role": "user", "content": "Hello"}


def read(*messages: Json, **fields: Json) -> ChatRequest:
    document = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": list(messages) or [USER], **fields}
    return request_of(parsed(MessagesBody, orjson.dumps(document)), {}, "auto")


def refused(*messages: Json, **fields: Json) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        read(*messages, **fields)
    return caught.value.param


def user(*blocks: Json) -> JsonObject:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Json) -> JsonObject:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> JsonObject:
    return {"type": "text", "text": words}


def use(call_id: str) -> JsonObject:
    return {"type": "tool_use", "id": call_id, "name": "weather", "input": {"city": "Bonn"}}


def called(call_id: str) -> JsonObject:
    return {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bonn"}'}}


def test_texts_stay_texts_and_parameters_get_their_neutral_names() -> None:
    request = read(USER, system="Be brief.", temperature=0.5, top_p=0.9, stop_sequences=["END"], stream=True)
    assert request.messages == ({"role": "system", "content": "Be brief."}, USER)
    assert (request.max_tokens, request.temperature, request.top_p, request.stop) == (100, 0.5, 0.9, ("END",))
    assert request.stream
    assert (request.extra, request.anthropic) == ({}, {})


def test_what_only_anthropic_understands_is_kept_for_it_alone() -> None:
    given: JsonObject = {
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
        "metadata": {"user_id": "u7"},
        "cache_control": MARK,
        "top_k": 5,
        "service_tier": "auto",
        "context_management": {"edits": []},
    }
    given["output_config"] = {"effort": "high"}
    request = read(**given)
    assert request.anthropic == given
    assert request.extra == {}


def test_a_schema_for_the_answer_is_one_for_every_model() -> None:
    request = read(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})
    assert request.response_format == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }


def test_marks_for_the_prompt_cache_stay_where_they_were_set() -> None:
    marked: JsonObject = {**text("Long."), "cache_control": MARK}
    tool: JsonObject = {"name": "f", "input_schema": {"type": "object"}, "cache_control": MARK}
    request = read(user(marked, text("Short.")), system=[marked], tools=[tool])
    assert request.messages == (
        {"role": "system", "content": [marked]},
        {"role": "user", "content": [marked, text("Short.")]},
    )
    function: JsonObject = {"name": "f", "parameters": {"type": "object"}}
    assert request.tools == ({"type": "function", "function": function, "cache_control": MARK},)


def test_images_and_documents_become_parts() -> None:
    image: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    linked: Json = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    pdf: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "cGRm"}
    words: JsonObject = {"type": "text", "media_type": "text/plain", "data": "Once."}
    documents: list[Json] = [
        {"type": "document", "title": "report", "source": pdf},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "title": "story", "source": words},
    ]
    (message,) = read(user(image, linked, *documents)).messages
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"filename": "report", "file_data": "data:application/pdf;base64,cGRm"}},
        {"type": "file", "file": {"filename": "document", "file_data": "https://example.com/a.pdf"}},
        text("story\nOnce."),
    ]


def test_results_come_before_what_the_user_adds() -> None:
    shown: Json = {"type": "image", "source": {"type": "url", "url": "https://example.com/map.png"}}
    first: Json = {"type": "tool_result", "tool_use_id": "a", "content": [text("sunny"), shown]}
    failed: Json = {"type": "tool_result", "tool_use_id": "b", "is_error": True, "cache_control": MARK}
    request = read(USER, assistant(use("a"), use("b")), user(text("And?"), first, failed))
    assert request.messages[1:] == (
        {"role": "assistant", "content": None, "tool_calls": [called("a"), called("b")]},
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [text("sunny"), {"type": "image_url", "image_url": {"url": "https://example.com/map.png"}}],
        },
        {"role": "tool", "tool_call_id": "b", "content": "", "is_error": True, "cache_control": MARK},
        {"role": "user", "content": "And?"},
    )


def test_thoughts_keep_their_signatures_and_their_places() -> None:
    thought: JsonObject = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    hidden: JsonObject = {"type": "redacted_thinking", "data": "eHh4"}
    request = read(USER, assistant(thought, hidden, text("One."), thought, use("a")), USER)
    assert request.messages[1:3] == (
        {"role": "assistant", "content": "One.", "thinking_blocks": [thought, hidden], "reasoning_content": "Hm."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [called("a")],
            "thinking_blocks": [thought],
            "reasoning_content": "Hm.",
        },
    )


def test_another_models_thoughts_are_words_only() -> None:
    unsigned: Json = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    request = read(USER, assistant(unsigned, text("One.")), USER)
    assert request.messages[1] == {"role": "assistant", "content": "One.", "reasoning_content": "Hm."}


@pytest.mark.parametrize(
    ("choice", "neutral"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_tool_choices_have_neutral_words(choice: Json, neutral: Json) -> None:
    assert read(tool_choice=choice).tool_choice == neutral


def test_parallel_calls_can_be_forbidden() -> None:
    tool: Json = {"name": "f", "input_schema": {"type": "object"}}
    choice: Json = {"type": "auto", "disable_parallel_tool_use": True}
    assert read(tools=[tool], tool_choice=choice).extra == {"parallel_tool_calls": False}
    assert read(tool_choice=choice).extra == {}


def test_a_tool_of_anthropics_own_goes_to_its_models_only() -> None:
    request = read(tools=[{"type": "bash_20250124", "name": "bash"}])
    assert request.tools == ({"type": "bash_20250124", "name": "bash"},)
    assert request.routing.only == ("anthropic",)
    tools: list[Json] = [{"type": "bash_20250124", "name": "bash"}]
    assert refused(tools=tools, gateway={"only": ["openai"]}) == "gateway.only"


def test_the_gateways_own_wishes_are_understood() -> None:
    wish: JsonObject = {"models": ["openai/gpt-4o"], "sort": "cost", "tags": ["t"], "caching": "auto"}
    request = read(gateway=wish)
    assert (request.routing.models, request.routing.sort, request.tags) == (("openai/gpt-4o",), "cost", ("t",))
    assert request.prompt_caching
    assert not read().prompt_caching


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("messages", assistant({"type": "thinking", "thinking": "x", "signature": ""})),
        ("messages[0].role", {"role": "tool", "content": "x"}),
        ("messages[0].content", {"role": "user", "content": []}),
        ("messages[0].content[0]", user("x")),
        ("messages[0].content[0].type", user({"type": "search_result"})),
        ("messages[0].content[0].text", user({"type": "text"})),
        ("messages[0].content[0].source", user({"type": "image"})),
        ("messages[0].content[0].source.type", user({"type": "image", "source": {"type": "file"}})),
        (
            "messages[0].content[0].source.media_type",
            user({"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "x"}}),
        ),
        ("messages[0].content[0].source.url", user({"type": "image", "source": {"type": "url", "url": "ftp://x"}})),
        ("messages[0].content[0].citations", user({"type": "document", "citations": {"enabled": True}})),
        ("messages[0].content[0].source.type", user({"type": "document", "source": {"type": "content"}})),
        ("messages[0].content[0].tool_use_id", user({"type": "tool_result"})),
        ("messages[0].content[0].is_error", user({"type": "tool_result", "tool_use_id": "a", "is_error": 1})),
        ("messages[0].content[0].type", assistant({"type": "image"})),
        ("messages[0].content[0].type", assistant({"type": "server_tool_use"})),
        ("messages[0].content[0].input", assistant({"type": "tool_use", "id": "a", "name": "f", "input": "x"})),
        ("messages[0].content[0].signature", assistant({"type": "thinking", "thinking": "x"})),
        ("messages[0].content[0].data", assistant({"type": "redacted_thinking"})),
    ],
)
def test_a_wrong_block_is_named(param: str, message: Json) -> None:
    assert refused(message) == param


WRONG_FIELDS: tuple[tuple[str, dict[str, Json]], ...] = (
    ("max_tokens", {"max_tokens": 0}),
    ("temperature", {"temperature": 1.5}),
    ("thinking.budget_tokens", {"thinking": {"type": "enabled", "budget_tokens": 3}}),
    ("system", {"system": 7}),
    ("system[0].type", {"system": [{"type": "image"}]}),
    ("stop_sequences[0]", {"stop_sequences": [""]}),
    ("tools[0].input_schema", {"tools": [{"name": "f"}]}),
    ("tools[0].name", {"tools": [{"input_schema": {}}]}),
    ("tools[0].type", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ("tools[0].defer_loading", {"tools": [{"name": "f", "input_schema": {}, "defer_loading": True}]}),
    ("tools[0].strict", {"tools": [{"name": "f", "input_schema": {}, "strict": "yes"}]}),
    ("tool_choice.name", {"tool_choice": {"type": "tool"}}),
    ("speed", {"speed": "fast"}),
    ("mcp_servers", {"mcp_servers": [{}]}),
    ("gateway.restart", {"gateway": {"restart": "data"}}),
)


@pytest.mark.parametrize(("param", "fields"), WRONG_FIELDS)
def test_a_wrong_field_is_named(param: str, fields: dict[str, Json]) -> None:
    assert refused(**fields) == param
