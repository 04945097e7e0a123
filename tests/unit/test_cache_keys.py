"""Which requests share a cache entry, and which are one request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.contract import ChatRequest, JsonObject, Message, RoutingWish
from lib.kv.cache import body_digest, cache_key, dedup_key, idempotency_digest, scope_fingerprint

SYSTEM: JsonObject = {"role": "system", "content": "Be brief."}


def ask(text: str, *before: Message) -> ChatRequest:
    return ChatRequest(model="auto", messages=(*before, {"role": "user", "content": text}))


def key(request: ChatRequest, tenant: str = "u1", model: str = "openai/gpt-4o") -> str:
    return cache_key(request, tenant=tenant, model=model)


def duplicate(request: ChatRequest, user: str = "u1") -> str:
    return dedup_key(request, user=user, model="openai/gpt-4o")


BASE = ask("What is DNA?", SYSTEM)
TOOL: JsonObject = {"type": "function", "function": {"name": "look_up"}}
SCHEMA: JsonObject = {"type": "json_object"}

CHANGES_THE_ANSWER = (
    replace(BASE, temperature=0.2),
    replace(BASE, temperature=0.0),
    replace(BASE, top_p=0.5),
    replace(BASE, max_tokens=5),
    replace(BASE, seed=1),
    replace(BASE, stop=("x",)),
    replace(BASE, n=2),
    replace(BASE, tools=(TOOL,)),
    replace(BASE, tool_choice="none"),
    replace(BASE, response_format=SCHEMA),
    replace(BASE, locale="de"),
    replace(BASE, extra={"reasoning_effort": "high"}),
    replace(BASE, messages=BASE.messages[1:]),
    ask("What is DNA?", {"role": "system", "content": "Be long."}),
    ask("What is DNA?", {"role": "developer", "content": "Be brief."}),
    ask("What is RNA?", SYSTEM),
)
DELIVERS_IT_OTHERWISE = (
    replace(BASE, stream=True),
    replace(BASE, stream=True, extra={"stream_options": {"include_usage": True}}),
    replace(BASE, tags=("a",)),
    replace(BASE, idempotency_key="k"),
    replace(BASE, read_cache=False),
)


@pytest.mark.parametrize("changed", CHANGES_THE_ANSWER)
def test_whatever_can_change_the_answer_changes_every_key(changed: ChatRequest) -> None:
    assert key(changed) != key(BASE)
    assert duplicate(changed) != duplicate(BASE)
    assert body_digest(changed) != body_digest(BASE)


@pytest.mark.parametrize("changed", DELIVERS_IT_OTHERWISE)
def test_how_an_answer_is_delivered_changes_no_key(changed: ChatRequest) -> None:
    assert key(changed) == key(BASE)
    assert duplicate(changed) == duplicate(BASE)
    assert body_digest(changed) == body_digest(BASE)


def test_another_tenant_or_model_never_gets_the_entry() -> None:
    assert len({key(BASE), key(BASE, tenant="u2"), key(BASE, tenant=""), key(BASE, model="openai/gpt-4o-mini")}) == 4


def test_the_asked_name_does_not_matter_once_the_model_is_routed() -> None:
    assert key(replace(BASE, model="gpt-4o")) == key(BASE)
    assert duplicate(replace(BASE, model="gpt-4o")) != duplicate(BASE)


def test_a_lone_question_is_compared_by_its_canonical_text() -> None:
    assert key(ask("Hi, please, what's DNA", SYSTEM)) == key(BASE)
    assert duplicate(ask("Hi, please, what's DNA", SYSTEM)) != duplicate(BASE)


def test_a_lone_question_may_come_as_one_text_part() -> None:
    part: JsonObject = {"type": "text", "text": "what is DNA"}
    parted: JsonObject = {"role": "user", "content": [part]}
    assert key(ChatRequest(model="auto", messages=(SYSTEM, parted))) == key(BASE)


def test_a_message_with_more_than_text_is_compared_exactly() -> None:
    named: JsonObject = {"role": "user", "name": "Ann", "content": "What is DNA?"}
    typed: JsonObject = {"role": "user", "name": "Ann", "content": "what is DNA"}
    assert key(ChatRequest(model="auto", messages=(named,))) != key(ChatRequest(model="auto", messages=(typed,)))
    two: JsonObject = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert key(ChatRequest(model="auto", messages=(two,))) != key(ask("a\nb"))


def test_a_conversation_is_compared_exactly() -> None:
    turns: tuple[Message, ...] = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"})
    assert key(ask("What is DNA?", *turns)) != key(ask("what is DNA?", *turns))
    assert key(ask("What is DNA?", *turns)) == key(ask("What is DNA?", *turns))
    assert key(ask("What is DNA?", *turns)) != key(ask("What is DNA?"))


def test_a_question_before_its_instructions_is_compared_exactly() -> None:
    question: JsonObject = {"role": "user", "content": "What is DNA?"}
    typed: JsonObject = {"role": "user", "content": "what is DNA"}
    assert key(ChatRequest(model="auto", messages=(question, SYSTEM))) != key(
        ChatRequest(model="auto", messages=(typed, SYSTEM))
    )


def test_no_messages_have_a_key_of_their_own() -> None:
    assert key(ChatRequest(model="auto", messages=())) != key(ask(""))


def test_the_order_of_attributes_does_not_matter() -> None:
    turned = ChatRequest(model="auto", messages=({"content": "Be brief.", "role": "system"}, BASE.messages[1]))
    one = replace(turned, extra={"a": 1, "b": {"c": 2, "d": 3}})
    other = replace(BASE, extra={"b": {"d": 3, "c": 2}, "a": 1})
    assert (key(one), duplicate(one)) == (key(other), duplicate(other))


def test_what_may_be_tried_next_tells_duplicates_apart_but_not_entries() -> None:
    for changed in (
        replace(BASE, use_fallback=False),
        replace(BASE, same_provider=True),
        replace(BASE, routing=RoutingWish(models=("a/b",))),
        replace(BASE, routing=RoutingWish(order=("openai",))),
    ):
        assert key(changed) == key(BASE)
        assert duplicate(changed) != duplicate(BASE)


def test_duplicates_belong_to_one_user() -> None:
    assert duplicate(BASE, user="u2") != duplicate(BASE)
    assert idempotency_digest("u1", "k") != idempotency_digest("u2", "k")


def test_fields_cannot_be_shifted_into_each_other() -> None:
    assert idempotency_digest("u1", "2k") != idempotency_digest("u12", "k")
    assert key(replace(BASE, extra={"seed": 1})) != key(replace(BASE, seed=1))


def test_keys_of_different_purposes_never_meet() -> None:
    digests = (key(BASE), duplicate(BASE), body_digest(BASE), scope(BASE), idempotency_digest("u1", "k"))
    assert len(set(digests)) == len(digests)
    bare = ChatRequest(model="auto", messages=(SYSTEM,))
    assert key(bare) != scope(bare)
    assert all(len(digest) == 40 and int(digest, 16) >= 0 for digest in digests)


def scope(request: ChatRequest) -> str:
    return scope_fingerprint(request, tenant="u1", model="openai/gpt-4o")


def test_a_scope_is_shared_by_other_questions_under_the_same_instructions() -> None:
    assert scope(ask("What is RNA?", SYSTEM)) == scope(BASE)
    assert scope(ask("What is DNA?")) != scope(BASE)
    assert scope(replace(BASE, seed=1)) != scope(BASE)
