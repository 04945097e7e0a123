"""The demo provider."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lib.ai.providers.demo import Demo, answer_to, shortened
from lib.answer import FinishReason
from lib.catalog.rows import Protocol
from lib.messages import estimate_tokens
from tests.support.provider_calls import asking, call, hear


async def test_it_says_what_it_is_and_what_it_was_asked() -> None:
    heard = await hear(Demo(), call(asking({"role": "user", "content": "How are\n you?"}), protocol=Protocol.DEMO))
    assert heard.text.startswith("[demo] You said: “How are you?”.")
    assert heard.whole.finish_reasons == (FinishReason.STOP,)
    assert heard.whole.served_model == "scripted-model"


async def test_the_same_question_gets_the_same_answer_streamed_or_whole() -> None:
    whole = await hear(Demo(), call(asking()))
    streamed = await hear(Demo(), call(asking(stream=True)))
    assert len(whole.deltas) == 1
    assert len(streamed.deltas) > 3
    assert streamed.text == whole.text
    assert streamed.whole == whole.whole


async def test_its_token_counts_are_told_and_no_estimate() -> None:
    heard = await hear(Demo(), call(asking()))
    usage = heard.whole.usage
    assert usage is not None
    assert usage.output_tokens == estimate_tokens(heard.text)
    assert usage.input_tokens > 0
    assert not usage.estimated


async def test_a_long_question_is_not_echoed_in_full() -> None:
    heard = await hear(Demo(), call(asking({"role": "user", "content": "word " * 10_000})))
    assert len(heard.text) < 700


async def test_a_conversation_without_a_user_still_gets_an_answer() -> None:
    heard = await hear(Demo(), call(asking({"role": "system", "content": "Be brief."})))
    assert heard.text.startswith("[demo] This answer")


async def test_a_token_limit_cuts_the_answer_and_says_so() -> None:
    heard = await hear(Demo(), call(asking(max_tokens=5, stream=True)))
    assert heard.whole.finish_reasons == (FinishReason.LENGTH,)
    assert 0 < estimate_tokens(heard.text) <= 5


@pytest.mark.parametrize("question", ["", "short", "käse ünd brot €" * 9])
def test_a_cut_answer_is_as_long_as_its_limit_allows(question: str) -> None:
    whole = answer_to(question)
    lengths = [len(shortened(whole, tokens)[0]) for tokens in range(1, 80)]
    assert all(a <= b for a, b in pairwise(lengths))
    for tokens, length in enumerate(lengths, 1):
        assert estimate_tokens(whole[:length]) <= tokens
        assert length == len(whole) or estimate_tokens(whole[: length + 1]) > tokens


async def test_several_choices_are_told_apart_and_counted() -> None:
    heard = await hear(Demo(), call(asking(n=2)))
    one = await hear(Demo(), call(asking()))
    assert [choice.text for choice in heard.choices] == [one.text, one.text]
    assert heard.whole.usage is not None
    assert one.whole.usage is not None
    assert heard.whole.usage.output_tokens == 2 * one.whole.usage.output_tokens


def test_what_it_does_not_look_at_is_reported() -> None:
    request = asking(temperature=0.0, seed=1, extra={"logit_bias": {}}, tools=({"type": "function"},))
    assert Demo().dropped_params(call(request)) == ("logit_bias", "seed", "temperature", "tools")
    assert Demo().dropped_params(call(asking(max_tokens=5))) == ()
