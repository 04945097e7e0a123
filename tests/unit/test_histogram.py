"""Latency quantiles within five per cent, whatever is merged."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lib.ai.observability.histogram import BUCKETS, bucket_of, merged, quantile


def counted(values: list[int]) -> list[int]:
    counts = [0] * BUCKETS
    for value in values:
        counts[bucket_of(value)] += 1
    return counts


@given(st.lists(st.integers(10, 1_000_000), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_every_quantile_is_within_five_per_cent_of_the_true_one(values: list[int], q: float) -> None:
    true = sorted(values)[math.ceil(q * len(values)) - 1]
    found = quantile(counted(values), q)
    assert found is not None
    assert abs(found - true) <= 0.05 * true + 0.5  # half a millisecond for rounding to whole ones


@given(st.lists(st.integers(0, 2_000_000)), st.lists(st.integers(0, 2_000_000)))
def test_merging_equals_counting_together(a: list[int], b: list[int]) -> None:
    assert merged([counted(a), counted(b)]) == counted(a + b)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert quantile(merged([]), 0.5) is None


def test_longer_than_the_last_bound_counts_in_the_last_bucket() -> None:
    assert bucket_of(10**9) == BUCKETS - 1
