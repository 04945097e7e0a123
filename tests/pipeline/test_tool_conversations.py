"""Three turns with tools, on every surface, with one provider and across a fallback in the middle.

Whatever the surface, a provider is sent the same conversation, and one that it accepts.
"""

from __future__ import annotations

from typing import Final

import pytest

from lib.ai.providers.values import list_of, object_of
from lib.contract import Json, JsonObject
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Received, fails
from tests.support.conversations import (
    Completions,
    CompletionsStream,
    Conversation,
    Messages,
    MessagesStream,
    OwnJson,
    OwnStream,
    Turn,
    UserInterface,
)
from tests.support.deployment import Deployment, deployed
from tests.support.valid_conversation import check_anthropic, check_openai

GPT: Final = "gpt-4o"
CLAUDE: Final = "claude-sonnet-5-5"
SURFACES: Final = (OwnJson, OwnStream, UserInterface, Completions, CompletionsStream, Messages, MessagesStream)
QUESTION: Final = "How is the weather in Bonn, Rome and Oslo?"
BONN: Final = Tool("call.1/a", "weather", ('{"city":', '"Bonn"}'))
ROME: Final = Tool("call.1/b", "weather", ('{"city":"Rome"}',))
OSLO: Final = Tool("toolu_2", "weather", ('{"city":"Oslo"}',))
TWO_CALLS: Final = Saying(("Let me ", "look."), ("Two ", "first."), (BONN, ROME), "tool_calls")
ONE_CALL: Final = Saying(tools=(OSLO,), finish="tool_calls")
ANSWER: Final = "Sunny, mild, and no idea."

pytestmark = pytest.mark.parametrize("surface", SURFACES)


async def held(chat: Conversation) -> list[Turn]:
    """The whole conversation; what is known of Oslo is an error."""
    first = await chat.ask(QUESTION)
    by_city = {str(object_city(call.given)): call.id for call in first.calls}
    second = await chat.tell({by_city["Bonn"]: "sunny", by_city["Rome"]: "mild"})
    (oslo,) = second.calls
    return [first, second, await chat.tell({oslo.id: "no such city"}, frozenset({oslo.id}))]


def object_city(given: Json) -> Json:
    return object_of(given)["city"]


def asked(site: Deployment, model: str) -> list[Received]:
    return [request for request in site.provider.requests if request.model == model]


def cities(turn: Turn) -> list[Json]:
    return [object_city(call.given) for call in turn.calls]


def openai_turns(first: tuple[str, str], second: str) -> list[Json]:
    """The conversation after two rounds as OpenAI is sent it, with these ids of the calls."""

    def call(call_id: str, city: str) -> Json:
        function: JsonObject = {"name": "weather", "arguments": f'{{"city":"{city}"}}'}
        return {"id": call_id, "type": "function", "function": function}

    calls: list[Json] = [call(first[0], "Bonn"), call(first[1], "Rome")]
    return [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "Let me look.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": first[0], "content": "sunny"},
        {"role": "tool", "tool_call_id": first[1], "content": "mild"},
        {"role": "assistant", "content": None, "tool_calls": [call(second, "Oslo")]},
        {"role": "tool", "tool_call_id": second, "content": "no such city"},
    ]


def sent_to_openai(body: JsonObject) -> list[Json]:
    """Its messages; that there was no refusal some clients repeat."""
    messages = [object_of(message) for message in list_of(body["messages"])]
    assert all(message.get("refusal") is None for message in messages)
    return [{name: value for name, value in message.items() if name != "refusal"} for message in messages]


def anthropic_turns(first: tuple[str, str], second: str, thoughts: list[Json], **told: Json) -> list[Json]:
    """The same as Anthropic is sent it, after these thoughts of its own; `told` goes with the error."""
    said: JsonObject = {"type": "text", "text": "Let me look."}
    oslo: Json = {"type": "text", "text": "no such city"}
    return [
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        {"role": "assistant", "content": [*thoughts, said, use(first[0], "Bonn"), use(first[1], "Rome")]},
        {"role": "user", "content": [result(first[0], "sunny"), result(first[1], "mild")]},
        {"role": "assistant", "content": [use(second, "Oslo")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": second, "content": [oslo], **told}]},
    ]


def use(call_id: str, city: str) -> Json:
    return {"type": "tool_use", "id": call_id, "name": "weather", "input": {"city": city}}


def result(call_id: str, text: str) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": text}]}


def error_mark(surface: type[Conversation]) -> JsonObject:
    """UIMessages tell an error by its text alone: OpenAI's messages, which they become, have no other word for it."""
    return {} if surface is UserInterface else {"is_error": True}


async def test_three_turns_with_openai(surface: type[Conversation]) -> None:
    async with deployed() as site:
        site.provider.script(GPT, [speaks(TWO_CALLS), speaks(ONE_CALL), says(ANSWER)])
        first, second, last = await held(surface(site.instance(), GPT))
        assert (cities(first), cities(second), last.text) == (["Bonn", "Rome"], ["Oslo"], ANSWER)
        bodies = [request.body for request in asked(site, GPT)]
        for body in bodies:
            check_openai(body)
        assert sent_to_openai(bodies[-1]) == openai_turns(("call.1/a", "call.1/b"), "toolu_2")


async def test_three_turns_with_anthropic_keep_its_thoughts(surface: type[Conversation]) -> None:
    async with deployed() as site:
        site.provider.script(CLAUDE, [speaks(TWO_CALLS), speaks(ONE_CALL), says(ANSWER)])
        first, second, last = await held(surface(site.instance(), CLAUDE))
        assert (cities(first), cities(second), last.text) == (["Bonn", "Rome"], ["Oslo"], ANSWER)
        bodies = [request.body for request in asked(site, CLAUDE)]
        for body in bodies:
            check_anthropic(body)
        thought: Json = {"type": "thinking", "thinking": "Two first.", "signature": "c2ln"}
        ids = ("call_1_a", "call_1_b")
        assert bodies[-1]["messages"] == anthropic_turns(ids, "toolu_2", [thought], **error_mark(surface))


async def test_anthropic_goes_on_where_openai_fails_and_hands_back(surface: type[Conversation]) -> None:
    async with deployed() as site:
        site.provider.script(GPT, [speaks(TWO_CALLS), fails(401), says(ANSWER)])
        site.provider.script("gpt-4o-mini", [fails(401)])
        site.provider.script(CLAUDE, [speaks(ONE_CALL)])
        turns = await held(surface(site.instance(), GPT))
        assert [turn.model for turn in turns] == ["openai/gpt-4o", "anthropic/claude-sonnet-5-5", "openai/gpt-4o"]
        (to_claude,), to_gpt = asked(site, CLAUDE), asked(site, GPT)[-1]
        check_anthropic(to_claude.body)
        check_openai(to_gpt.body)
        assert to_claude.body["messages"] == anthropic_turns(("call_1_a", "call_1_b"), "", [])[:3]
        assert sent_to_openai(to_gpt.body) == openai_turns(("call.1/a", "call.1/b"), "toolu_2")


async def test_openai_goes_on_where_anthropic_fails_and_hands_back(surface: type[Conversation]) -> None:
    async with deployed() as site:
        site.provider.script(CLAUDE, [speaks(TWO_CALLS), fails(529), fails(529), fails(529), says(ANSWER)])
        site.provider.script(GPT, [speaks(ONE_CALL)])
        turns = await held(surface(site.instance(), CLAUDE))
        assert [turn.model for turn in turns] == [
            "anthropic/claude-sonnet-5-5",
            "openai/gpt-4o",
            "anthropic/claude-sonnet-5-5",
        ]
        (to_gpt,), to_claude = asked(site, GPT), asked(site, CLAUDE)[-1]
        check_openai(to_gpt.body)
        check_anthropic(to_claude.body)
        assert sent_to_openai(to_gpt.body) == openai_turns(("call.1/a", "call.1/b"), "")[:4]
        thought: Json = {"type": "thinking", "thinking": "Two first.", "signature": "c2ln"}
        ids = ("call_1_a", "call_1_b")
        assert to_claude.body["messages"] == anthropic_turns(ids, "toolu_2", [thought], **error_mark(surface))


async def test_a_provider_without_ids_never_makes_two_calls_one(surface: type[Conversation]) -> None:
    async with deployed() as site:
        nameless = [Saying(tools=(Tool("", "weather", tool.arguments),), finish="tool_calls") for tool in (BONN, OSLO)]
        site.provider.script(GPT, [*map(speaks, nameless), fails(401)])
        site.provider.script("gpt-4o-mini", [fails(401)])
        chat = surface(site.instance(), GPT)
        (bonn,) = (await chat.ask(QUESTION)).calls
        (oslo,) = (await chat.tell({bonn.id: "sunny"})).calls
        await chat.tell({oslo.id: "cold"})
        (to_claude,) = asked(site, CLAUDE)
        check_anthropic(to_claude.body)
        assert to_claude.body["messages"] == [
            {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
            {"role": "assistant", "content": [use(bonn.id, "Bonn")]},
            {"role": "user", "content": [result(bonn.id, "sunny")]},
            {"role": "assistant", "content": [use(oslo.id, "Oslo")]},
            {"role": "user", "content": [result(oslo.id, "cold")]},
        ]


async def test_gemini_gets_its_thought_signatures_back(surface: type[Conversation]) -> None:
    gemini = "gemini-3.8-flash"
    signature: JsonObject = {"google": {"thought_signature": "c2ln"}}
    signed = Tool("call-1", "weather", ('{"city":"Bonn"}',), {"extra_content": signature})
    async with deployed() as site:
        site.provider.script(gemini, [speaks(Saying(tools=(signed,), finish="tool_calls")), says(ANSWER)])
        chat = surface(site.instance(), gemini)
        (bonn,) = (await chat.ask(QUESTION)).calls
        assert (await chat.tell({bonn.id: "sunny"})).text == ANSWER
        body = asked(site, gemini)[-1].body
        check_openai(body, frozenset({"extra_content"}))
        assert signatures(body) == [signature]


async def test_gemini_is_told_that_a_call_of_another_models_has_none(surface: type[Conversation]) -> None:
    async with deployed() as site:
        site.provider.script(GPT, [speaks(TWO_CALLS), fails(401)])
        chat = surface(site.instance(), GPT, gateway={"models": ["google/gemini-3.8-flash"]})
        first = await chat.ask(QUESTION)
        assert (await chat.tell({call.id: "sunny" for call in first.calls})).model == "google/gemini-3.8-flash"
        body = asked(site, "gemini-3.8-flash")[-1].body
        check_openai(body, frozenset({"extra_content"}))
        assert signatures(body) == [{"google": {"thought_signature": "skip_thought_signature_validator"}}, None]


def signatures(body: JsonObject) -> list[Json]:
    messages = [object_of(message) for message in list_of(body["messages"])]
    calls = [object_of(call) for message in messages for call in list_of(message.get("tool_calls"))]
    return [call.get("extra_content") for call in calls]
