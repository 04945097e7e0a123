"""From usage records to totals (pure): which counters each record adds to, and where they lie in a view.

A view is one string of 48-bit counters in blocks, updated by BITFIELD: block 0 is the whole period; a model's day
has a block for each hour after it and then the latency histogram in 32-bit counters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Final

from lib.ai.observability.histogram import BUCKETS, bucket_of
from lib.ai.observability.record import FOUND, HITS, LOST, OPEN, UNDONE, UsageRecord
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Command

DAY_LIFETIME: Final = 400 * 86_400
"""Seconds that totals by day and month are kept."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The counters of one block, in the order they lie in it."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micro_usd: int = 0
    exact_hits: int = 0
    semantic_hits: int = 0
    duplicates: int = 0
    saved_micro_usd: int = 0
    errors: int = 0
    hangups: int = 0
    refused: int = 0
    fallbacks: int = 0
    retries: int = 0
    unpriced: int = 0
    answered: int = 0
    """Requests that a provider answered; the latency figures are over these."""
    latency_ms: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, f) + getattr(other, f) for f in COUNTERS))

    def __neg__(self) -> Totals:
        return Totals(*(-getattr(self, f) for f in COUNTERS))

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


COUNTERS: Final = tuple(field.name for field in fields(Totals))
WIDTH: Final = len(COUNTERS)
HISTOGRAM_BIT: Final = 25 * WIDTH * 48


def totals_of(record: UsageRecord) -> Totals:
    """What one record adds; one that takes another back adds less than nothing."""
    if record.kind == OPEN:
        return Totals()
    if record.kind == FOUND:
        return -totals_of(replace(record, kind=LOST))
    if record.kind.startswith(UNDONE):
        return -totals_of(replace(record, kind=record.kind.removeprefix(UNDONE)))
    if record.kind == "refused":
        return Totals(requests=record.count, refused=record.count)
    answered = record.kind == "call"
    return Totals(
        requests=1,
        input_tokens=record.usage.input_tokens,
        output_tokens=record.usage.output_tokens,
        cost_micro_usd=record.cost_micro_usd,
        exact_hits=int(record.kind == "exact"),
        semantic_hits=int(record.kind == "semantic"),
        duplicates=int(record.kind == "duplicate"),
        saved_micro_usd=record.saved_micro_usd if record.kind in HITS else 0,
        errors=int(record.kind in ("error", LOST)),
        hangups=int(record.kind == "hangup"),
        fallbacks=int(record.fallback),
        retries=max(0, record.attempts - 1),
        unpriced=int(not record.price_known),
        answered=int(answered),
        latency_ms=record.latency_ms if answered else 0,
    )


@dataclass(frozen=True, slots=True)
class Addition:
    """Increments for one view: (`u48`|`u32`, BITFIELD offset, increment)."""

    key: str
    increments: tuple[tuple[str, str, int], ...]


def additions(records: Iterable[UsageRecord], keys: Keys) -> list[Addition]:
    """What these records add to which views."""
    counters: dict[str, Counter[tuple[str, str]]] = {}
    for record in records:
        if record.kind == OPEN:
            continue
        day = day_of(record.at)
        block, totals = 1 + datetime.fromtimestamp(record.at, UTC).hour, totals_of(record)
        model_day = counters.setdefault(keys.model_day(record.model or "-", day), Counter())
        _add(model_day, totals, 0)
        _add(model_day, totals, block)
        if totals.answered:
            model_day["u32", str(HISTOGRAM_BIT + 32 * bucket_of(record.latency_ms))] += 1
        _add(counters.setdefault(keys.model_month(record.model or "-", day[:6]), Counter()), totals, 0)
        _add(counters.setdefault(keys.user_month(record.person, day[:6]), Counter()), totals, 0)
    return [
        Addition(key, tuple((kind, offset, by) for (kind, offset), by in counter.items()))
        for key, counter in counters.items()
    ]


def _add(counter: Counter[tuple[str, str]], totals: Totals, block: int) -> None:
    for index, name in enumerate(COUNTERS):
        if by := getattr(totals, name):
            counter["u48", f"#{block * WIDTH + index}"] += by


def read_block(key: str, block: int = 0) -> Command:
    """The read of one block; `as_totals` takes its reply."""
    gets = [piece for i in range(WIDTH) for piece in ("GET", "u48", f"#{block * WIDTH + i}")]
    return ("BITFIELD", key, *gets)


def read_histogram(key: str) -> Command:
    """The read of a model day's histogram; its reply is the list of counts."""
    gets = [piece for i in range(BUCKETS) for piece in ("GET", "u32", str(HISTOGRAM_BIT + 32 * i))]
    return ("BITFIELD", key, *gets)


def as_totals(values: Sequence[int]) -> Totals:
    """A block's counters."""
    return Totals(*values)
