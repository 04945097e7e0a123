"""Dividing inputs into calls that a provider takes and whose answers stay small. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lib.catalog.models_embedding import EmbeddingRow
from lib.embedding import Input, tokens_in

NUMBERS_PER_CALL: Final = 500_000
"""Written out in digits they are some 11 MB, of the 16 that an answer may have."""
TOKENS_PER_CALL: Final = 200_000
"""OpenAI takes 300,000 in a call; estimates may be a third too low."""


def batches(
    inputs: Sequence[tuple[int, Input]], row: EmbeddingRow, dimensions: int
) -> Iterator[list[tuple[int, Input]]]:
    """The numbered inputs in groups, in order; one that is too long by itself makes a group of its own."""
    most = max(1, min(row.inputs_per_call, NUMBERS_PER_CALL // dimensions))
    batch: list[tuple[int, Input]] = []
    tokens = 0
    for number, text in inputs:
        size = tokens_in(text)
        if batch and (len(batch) == most or tokens + size > TOKENS_PER_CALL):
            yield batch
            batch, tokens = [], 0
        batch.append((number, text))
        tokens += size
    if batch:
        yield batch
