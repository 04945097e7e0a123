"""A conversation stays with its model: what holds it, what moves it, and that nothing has to be remembered for it."""

from __future__ import annotations

from dataclasses import replace

from lib.ai.router.pinning import FOLLOWED
from lib.answer import Health
from lib.catalog import Catalog
from lib.contract import ChatRequest, JsonObject, RoutingWish
from tests.support.routing import CATALOG, EVERYONE, IMAGE, TOOL, ask, facts, ids, plan

POEM, SONNET = "write a poem about rain", "anthropic/claude-sonnet-5-5"
LUNA = "openai/gpt-6-luna"
PROOF = "Prove formally and rigorously that the square root of 2 is irrational. Derive each step."
ANSWER = "Here you are."
LONG_ANSWER = "Here you are, at length. " * 300
CALLS: JsonObject = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}],
}
RESULT: JsonObject = {"role": "tool", "tool_call_id": "a", "content": "step by step: " + "prove " * 500}


def talk(*prompts: str, answer: str = ANSWER, model: str = "auto") -> ChatRequest:
    messages: list[JsonObject] = []
    for prompt in prompts:
        messages.append({"role": "user", "content": prompt})
        messages.append({"role": "assistant", "content": answer})
    return ChatRequest(model=model, messages=tuple(messages[:-1]))


def test_a_first_message_is_not_pinned() -> None:
    assert not plan(ask(POEM)).pinned


def test_a_later_message_that_would_go_elsewhere_stays_with_the_model_of_the_first() -> None:
    assert plan(ask("thanks")).model.id == LUNA
    decided = plan(talk(POEM, "thanks"))
    assert (decided.model.id, decided.pinned) == (SONNET, True)
    assert "stays with it" in decided.reasoning
    assert {each.why_not for each in decided.alternatives} == {f"the conversation stays with {SONNET}"}


def test_the_fallbacks_of_a_pinned_model_are_of_other_providers() -> None:
    decided = plan(talk(POEM, "thanks"))
    assert len({row.provider for row in decided.chain}) == len(decided.chain) == 4


def test_while_little_is_kept_one_tier_too_low_is_enough_to_change() -> None:
    decided = plan(talk("hello there", POEM))
    assert (decided.model.id, decided.pinned) == (SONNET, False)


def test_once_much_is_kept_one_tier_is_not_enough_and_two_of_another_class_are() -> None:
    assert plan(talk("hello there", POEM, answer=LONG_ANSWER)).model.id == LUNA
    decided = plan(talk("hello there", PROOF, answer=LONG_ANSWER))
    assert (decided.model.id, decided.pinned) == (plan(ask(PROOF)).model.id, False)


def test_after_a_change_the_conversation_stays_with_the_new_model() -> None:
    decided = plan(talk("hello there", PROOF, "thanks", answer=LONG_ANSWER))
    assert (decided.model.id, decided.pinned) == (plan(ask(PROOF)).model.id, True)


def test_the_customers_own_field_takes_the_conversation_to_its_model() -> None:
    growing = "how do I sterilize substrate for oyster mushrooms?"
    decided = plan(talk("hello there", growing, "thanks"), facts(EVERYONE))
    assert decided.model.id == "crowelogic/mini"


def test_an_image_moves_a_conversation_from_a_model_that_sees_none() -> None:
    request = talk("how do I sterilize substrate for oyster mushrooms?", "and this one?")
    *earlier, last = request.messages
    seen: JsonObject = {"role": "user", "content": [{"type": "text", "text": str(last["content"])}, IMAGE]}
    decided = plan(replace(request, messages=(*earlier, seen)), facts(EVERYONE))
    assert "vision" in decided.model.capabilities
    assert not decided.pinned


def test_a_tool_loop_is_never_left() -> None:
    first = replace(ask("hello there"), tools=(TOOL,))
    model = plan(first).model.id
    for rounds in (1, 2, 3):
        inside = replace(first, messages=(*first.messages, *(CALLS, RESULT) * rounds))
        decided = plan(inside)
        assert (decided.model.id, decided.pinned) == (model, True)


def test_a_tool_loop_after_a_change_stays_with_the_new_model() -> None:
    request = replace(talk("hello there", PROOF, answer=LONG_ANSWER), tools=(TOOL,))
    inside = replace(request, messages=(*request.messages, CALLS, RESULT))
    assert (plan(inside).model.id, plan(inside).pinned) == (plan(request).model.id, True)


def test_a_model_that_is_down_is_left_and_taken_up_again() -> None:
    down = facts(health={SONNET: Health.DOWN})
    request = talk(POEM, "thanks")
    assert SONNET not in ids(plan(request, down))
    assert not plan(request, down).pinned
    assert plan(request).model.id == SONNET


def test_a_model_that_has_left_the_catalogue_is_not_missed() -> None:
    without = Catalog.build(
        tuple(replace(row, chain=()) for row in CATALOG.models if row.id != SONNET), CATALOG.providers, ()
    )
    assert plan(talk(POEM, "thanks"), facts(), without).model.id != SONNET


def test_a_named_model_is_not_pinned() -> None:
    assert not plan(talk(POEM, "thanks", model="gpt-4o")).pinned


def test_what_the_caller_wishes_holds_within_a_conversation_too() -> None:
    request = replace(talk(POEM, "thanks"), routing=RoutingWish(only=("openai",)))
    assert plan(request).model.provider == "openai"


def test_of_a_long_conversation_the_first_messages_and_the_last_are_decided_again() -> None:
    idle = ["thanks"] * FOLLOWED
    assert plan(talk("hello there", *idle, PROOF, "thanks", answer=LONG_ANSWER)).model.id == LUNA
    assert plan(talk("hello there", PROOF, *idle, "thanks", answer=LONG_ANSWER)).model.id == plan(ask(PROOF)).model.id
