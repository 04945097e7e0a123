"""The stored form of answers."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.answer import Answer, Choice, FinishReason, ToolCall, Usage
from lib.contract import Json, JsonObject
from lib.kv.cache import EntryMeta, answer_from_json, answer_to_json, decode, encode
from lib.kv.cache.entry import ENTRY_VERSION

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
COUNT = st.integers(0, 2**53)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CHOICES = st.builds(
    Choice,
    text=TEXT,
    reasoning=TEXT,
    refusal=TEXT,
    tool_calls=st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    finish_reason=st.sampled_from(FinishReason),
    logprobs=JSON,
)
ANSWERS = st.builds(
    Answer,
    choices=st.lists(CHOICES, min_size=1, max_size=2).map(tuple),
    model=TEXT,
    provider=TEXT,
    served_model=TEXT,
    usage=st.builds(
        Usage,
        input_tokens=COUNT,
        output_tokens=COUNT,
        cached_input_tokens=COUNT,
        cache_write_tokens=COUNT,
        cache_write_1h_tokens=COUNT,
        reasoning_tokens=COUNT,
        estimated=st.booleans(),
    ),
    cost_micro_usd=COUNT,
    price_known=st.booleans(),
    created_at=st.floats(0, 4e9),
)
METAS = st.builds(EntryMeta, at=st.integers(0, 4_000_000_000).map(float), kind=TEXT, why=TEXT, seconds=COUNT)

META = EntryMeta(at=1_790_000_000.25, kind="factual", why="lasting_fact", seconds=86_400)
ANSWER = Answer(
    choices=(Choice(text="A molecule.\nReally."),),
    model="openai/gpt-4o",
    provider="openai",
    served_model="gpt-4o-2024-08-06",
    usage=Usage(input_tokens=12, output_tokens=4),
    cost_micro_usd=70,
)


@given(ANSWERS, METAS)
def test_an_entry_reads_back_as_it_was(answer: Answer, meta: EntryMeta) -> None:
    entry = decode(encode(answer, meta))
    assert entry is not None
    assert (entry.answer, entry.meta) == (answer, meta)


@given(ANSWERS)
def test_an_answer_reads_back_as_it_was(answer: Answer) -> None:
    assert answer_from_json(answer_to_json(answer)) == answer


@given(ANSWERS, METAS)
def test_the_first_line_alone_is_a_json_object(answer: Answer, meta: EntryMeta) -> None:
    first, *rest = encode(answer, meta).split("\n")
    assert len(rest) == 1
    assert orjson.loads(first)["cost"] == answer.cost_micro_usd


def test_the_first_line_has_what_a_usage_record_of_a_hit_needs() -> None:
    assert orjson.loads(encode(ANSWER, META).partition("\n")[0]) == {
        "v": ENTRY_VERSION,
        "at": 1_790_000_000.25,
        "model": "openai/gpt-4o",
        "served": "gpt-4o-2024-08-06",
        "provider": "openai",
        "in": 12,
        "out": 4,
        "cost": 70,
        "class": "factual",
        "why": "lasting_fact",
        "ttl": 86_400,
    }


@given(ANSWERS, METAS, st.data())
def test_a_cut_entry_is_a_miss(answer: Answer, meta: EntryMeta, data: st.DataObject) -> None:
    text = encode(answer, meta)
    assert decode(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@given(st.text())
def test_any_other_text_is_a_miss(text: str) -> None:
    assert decode(text) is None


def _without(name: str) -> str:
    body = answer_to_json(ANSWER)
    del body[name]
    return _with_body(body)


def _with_body(body: Json) -> str:
    return encode(ANSWER, META).partition("\n")[0] + "\n" + orjson.dumps(body).decode()


def _with(**fields: Json) -> str:
    return _with_body({**answer_to_json(ANSWER), **fields})


def _with_choice(**fields: Json) -> str:
    choice: JsonObject = {"text": "x", "finish_reason": "stop", **fields}
    return _with(choices=[choice])


@pytest.mark.parametrize("name", sorted(answer_to_json(ANSWER)))
def test_an_entry_that_lacks_a_field_is_a_miss(name: str) -> None:
    assert decode(_without(name)) is None


@pytest.mark.parametrize(
    "text",
    [
        _with(choices=[]),
        _with(choices="x"),
        _with(choices=[1]),
        _with(usage=None),
        _with(usage={"input": 1}),
        _with(model=1),
        _with(cost_micro_usd=-1),
        _with(cost_micro_usd=True),
        _with(cost_micro_usd=1.5),
        _with(price_known=1),
        _with(created_at="now"),
        _with(created_at=True),
        _with_choice(text=None),
        _with_choice(finish_reason="tired"),
        _with_choice(reasoning=1),
        _with_choice(tool_calls=[["1", "f"]]),
        _with_choice(tool_calls={}),
        _with_body([]),
        encode(ANSWER, META).replace('"v":1', '"v":2', 1),
        encode(ANSWER, META).replace('"ttl":86400', '"ttl":null', 1),
        encode(ANSWER, META).replace("\n", " ", 1),
    ],
)
def test_a_damaged_entry_is_a_miss(text: str) -> None:
    assert decode(_with_choice()) is not None
    assert decode(text) is None


def test_age_is_whole_seconds_and_never_negative() -> None:
    entry = decode(encode(ANSWER, META))
    assert entry is not None
    assert (entry.age(META.at + 61.9), entry.age(META.at - 5)) == (61, 0)
