"""What never comes out of the cache and what never goes in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.answer import Answer, Choice, FinishReason, ToolCall, Usage
from lib.contract import ChatRequest, JsonObject
from lib.kv.cache import Ineligible, read_eligible, store_eligible

MODEL = "openai/gpt-4o"
CHOICE = Choice(text="A molecule.")
ANSWER = Answer(
    choices=(CHOICE,), model=MODEL, provider="openai", served_model="gpt-4o-2024", usage=Usage(), cost_micro_usd=5
)


def ask(content: str = "What is DNA?") -> ChatRequest:
    return ChatRequest(model=MODEL, messages=({"role": "user", "content": content},))


def store(request: ChatRequest, choice: Choice = CHOICE) -> Ineligible | None:
    return store_eligible(request, replace(ANSWER, choices=(choice,)), asked_model=MODEL)


def test_a_plain_answer_to_a_plain_question_is_kept_and_found() -> None:
    assert read_eligible(ask()) is None
    assert store(ask()) is None


def test_a_caller_who_wants_a_fresh_answer_gets_one_that_is_kept() -> None:
    fresh = replace(ask(), read_cache=False)
    assert read_eligible(fresh) is Ineligible.READ_OFF
    assert store(fresh) is None


def test_no_store_is_obeyed() -> None:
    assert store(replace(ask(), write_cache=False)) is Ineligible.WRITE_OFF


def test_any_temperature_may_be_cached() -> None:
    assert read_eligible(replace(ask(), temperature=1.9)) is None


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (replace(CHOICE, finish_reason=FinishReason.LENGTH), Ineligible.UNFINISHED),
        (replace(CHOICE, finish_reason=FinishReason.CONTENT_FILTER), Ineligible.REFUSED),
        (replace(CHOICE, refusal="I will not."), Ineligible.REFUSED),
        (replace(CHOICE, tool_calls=(ToolCall("1", "look_up", "{}"),)), Ineligible.TOOL_CALLS),
        (replace(CHOICE, finish_reason=FinishReason.TOOL_CALLS), Ineligible.TOOL_CALLS),
        (replace(CHOICE, text=" \n"), Ineligible.EMPTY),
        (replace(CHOICE, text="", reasoning="Hm."), Ineligible.EMPTY),
        (replace(CHOICE, text="é" * 200_000), Ineligible.TOO_LARGE),
    ],
)
def test_an_answer_that_is_not_whole_plain_text_is_not_stored(choice: Choice, reason: Ineligible) -> None:
    assert store(ask(), choice) is reason


def test_the_size_limit_counts_bytes() -> None:
    long = replace(ANSWER, choices=(replace(CHOICE, text="é" * 600),))
    assert store_eligible(ask(), long, asked_model=MODEL, max_bytes=1_024) is Ineligible.TOO_LARGE
    assert store_eligible(ask(), long, asked_model=MODEL, max_bytes=2_048) is None


@pytest.mark.parametrize("choices", [(), (CHOICE, CHOICE)])
def test_only_a_single_choice_is_stored(choices: tuple[Choice, ...]) -> None:
    several = replace(ANSWER, choices=choices)
    assert store_eligible(ask(), several, asked_model=MODEL) is Ineligible.SEVERAL_CHOICES


def test_a_fallback_answer_is_not_stored_under_the_asked_model() -> None:
    assert store_eligible(ask(), ANSWER, asked_model="openai/o1") is Ineligible.OTHER_MODEL


def test_several_choices_are_neither_read_nor_stored() -> None:
    several = replace(ask(), n=2)
    assert (read_eligible(several), store(several)) == (Ineligible.SEVERAL_CHOICES,) * 2


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
def test_chats_with_more_than_text_are_neither_read_nor_stored(kind: str) -> None:
    part: JsonObject = {"type": kind}
    message: JsonObject = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}
    seen = ChatRequest(model=MODEL, messages=(message, {"role": "user", "content": "And now?"}))
    assert (read_eligible(seen), store(seen)) == (Ineligible.NOT_TEXT,) * 2


@pytest.mark.parametrize(
    "words",
    [
        "I want to die",
        "how to KILL  MYSELF",
        "I don’t want to live anymore and want to live anymore",
        "pensamientos suicidas",
        "quiero morir",
        "ich will sterben",
        "J'ai envie de mourir",
        "我想自杀",
        "死にたい",
        "자살하고 싶어",
        "хочу умереть",
        "أريد أن أموت",
        "मैं मरना चाहता हूँ",
        "intihar etmek istiyorum",
    ],
)
def test_somebody_in_danger_gets_the_model_itself(words: str) -> None:
    later = ChatRequest(model=MODEL, messages=(*ask(words).messages, {"role": "user", "content": "Help"}))
    for request in (ask(words), later):
        assert (read_eligible(request), store(request)) == (Ineligible.CRISIS,) * 2


def test_a_model_that_speaks_of_a_crisis_does_not_count_as_the_user() -> None:
    spoken = ChatRequest(
        model=MODEL, messages=({"role": "assistant", "content": "Suicide prevention …"}, *ask().messages)
    )
    assert read_eligible(spoken) is None
