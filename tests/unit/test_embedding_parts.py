"""Vectors as bytes, inputs in calls, who computes, and the digests that the cache goes by."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.embeddings.batches import TOKENS_PER_CALL, batches
from lib.ai.embeddings.demo import demo_vector
from lib.ai.embeddings.keys import request_digest, vector_digests
from lib.ai.embeddings.offer import choose
from lib.catalog.models_embedding import EMBEDDINGS, EmbeddingRow, embedding_named
from lib.contract import NO_GRANT, Grant
from lib.embedding import EmbeddingRequest, as_base64, from_base64, numbers_of, packed, tokens_in
from lib.errors import NoModelAvailable, NoProviderConfigured, PermissionDenied

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def row_of(name: str) -> EmbeddingRow:
    row = embedding_named(name)
    assert row is not None
    return row


@given(st.lists(floats, min_size=1, max_size=20))
def test_a_vector_keeps_its_numbers_through_bytes_and_base64(numbers: list[float]) -> None:
    vector = packed(numbers)
    assert numbers_of(vector) == numbers
    assert from_base64(as_base64(vector)) == vector
    assert len(vector) == 4 * len(numbers)


def test_a_vector_is_little_endian() -> None:
    assert packed([1.0]) == b"\x00\x00\x80\x3f"


@pytest.mark.parametrize("text", ["", "AAA", "AAAA", "A===", "!!!!", as_base64(b"\x00\x00\xc0\x7f"), "AACAfw=="])
def test_what_is_no_vector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_base64(text)


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e39])
def test_numbers_beyond_32_bits_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r".*"):
        packed([0.5, number])


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=400))
def test_batches_hold_every_input_once_in_order_and_no_more_than_a_call_may(lengths: list[int]) -> None:
    row = row_of("gemini-embedding-001")
    inputs = [(number, tuple([1] * length)) for number, length in enumerate(lengths)]
    groups = list(batches(inputs, row, row.dimensions))
    assert [item for group in groups for item in group] == inputs
    for group in groups:
        assert 0 < len(group) <= 100
        assert len(group) == 1 or sum(tokens_in(text) for _, text in group) <= TOKENS_PER_CALL


def test_a_call_asks_for_no_longer_an_answer_than_can_be_read() -> None:
    row = row_of("text-embedding-3-large")
    inputs = [(number, "x") for number in range(2_048)]
    assert max(len(group) for group in batches(inputs, row, 3_072)) * 3_072 <= 500_000
    assert [len(group) for group in batches(inputs, row, 64)] == [2_048]


def test_a_call_has_no_more_tokens_than_a_provider_takes() -> None:
    inputs = [(number, (1,) * 4_000) for number in range(100)]
    groups = list(batches(inputs, row_of("text-embedding-3-small"), 4))
    assert [len(group) for group in groups] == [50, 50]


def asked(*, only: tuple[str, ...] = (), order: tuple[str, ...] = ()) -> EmbeddingRequest:
    return EmbeddingRequest(model="text-embedding-3-small", inputs=("x",), only=only, order=order)


@pytest.mark.parametrize(
    ("request_", "providers", "chain"),
    [
        (asked(), {"openai", "vercel", "google"}, ["openai", "vercel"]),
        (asked(order=("vercel",)), {"openai", "vercel"}, ["vercel", "openai"]),
        (asked(only=("vercel",)), {"openai", "vercel"}, ["vercel"]),
        (asked(), {"vercel", "demo"}, ["vercel"]),
        (asked(), {"demo"}, ["demo"]),
    ],
)
def test_the_chain_is_the_same_model_wherever_it_may_be_asked(
    request_: EmbeddingRequest, providers: set[str], chain: list[str]
) -> None:
    chosen = choose(request_, NO_GRANT, providers)
    assert [model.provider for model in chosen.chain] == chain
    assert chosen.dimensions == 1_536
    assert chosen.name == ("demo/embedding" if chain == ["demo"] else "openai/text-embedding-3-small")


@pytest.mark.parametrize(
    ("providers", "error"),
    [(set[str](), NoProviderConfigured), ({"google"}, NoModelAvailable), ({"google", "demo"}, NoModelAvailable)],
)
def test_nobody_else_is_asked_where_no_provider_offers_the_model(providers: set[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        choose(asked(), NO_GRANT, providers)


def test_a_credential_for_other_models_is_turned_away() -> None:
    with pytest.raises(PermissionDenied):
        choose(asked(), Grant(models=("openai/gpt-4o",)), {"openai"})


def test_digests_differ_in_all_that_changes_a_vector_and_in_nothing_else() -> None:
    plain = EmbeddingRequest(model="m", inputs=("a", "b", (1, 2)))
    usual = vector_digests(plain, tenant="t", model="m", dimensions=4)
    same = vector_digests(
        EmbeddingRequest(model="other name", inputs=("a", "b", (1, 2)), extra={"user": "x"}, tags=("t",)),
        tenant="t",
        model="m",
        dimensions=4,
    )
    others = [
        vector_digests(plain, tenant="u", model="m", dimensions=4),
        vector_digests(plain, tenant="t", model="n", dimensions=4),
        vector_digests(plain, tenant="t", model="m", dimensions=5),
        vector_digests(
            EmbeddingRequest(model="m", inputs=plain.inputs, extra={"x": 1}), tenant="t", model="m", dimensions=4
        ),
    ]
    assert same == usual
    assert len({digest for digests in (usual, *others) for digest in digests}) == 5 * 3
    assert len({request_digest("u", usual), request_digest("v", usual), request_digest("u", usual[::-1])}) == 3


@given(st.text(max_size=50), st.integers(1, 300))
def test_the_demos_vectors_have_the_length_asked_for_and_length_one(text: str, dimensions: int) -> None:
    numbers = numbers_of(demo_vector(text, dimensions))
    assert len(numbers) == dimensions
    assert math.isclose(sum(number * number for number in numbers), 1.0, rel_tol=1e-5)
    assert demo_vector(text, dimensions) == demo_vector(f" {text}", dimensions)


def test_rows_name_each_model_once() -> None:
    ids = [model.id for row in EMBEDDINGS for model in (row.model, *row.elsewhere)]
    assert len(ids) == len(set(ids))
    assert all(embedding_named(name.upper()) for name in ids)
