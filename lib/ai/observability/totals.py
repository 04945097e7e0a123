"""From usage records to totals (pure): which counters each record adds to, and where they lie in a view.

A view is one string of counters, updated by BITFIELD: blocks of 48-bit counters, then two histograms of 32-bit ones.
Block 0 is the whole day or month, the others its hours or days. Every record is in one view by what it was in all, one
by user, model, task and tier, and one by key where it came with one: sums over any of them are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from lib.ai.observability.ages import AGES, age_blocks
from lib.ai.observability.histogram import BUCKETS, bucket_of
from lib.ai.observability.record import FOUND, HITS, LOST, OPEN, UNDONE, UsageRecord
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Command
from lib.usage_query import ALL, KEY, MODEL, TASK, TIER, USER, WITH_HOURS


@dataclass(frozen=True, slots=True)
class Totals:
    """The counters of one block, in the order they lie in it: new ones go to the end."""

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
    own_key_requests: int = 0
    """Requests with provider keys of the caller's; what they cost and save is in no other sum of money."""
    own_key_micro_usd: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    """Of either lifetime."""
    reasoning_tokens: int = 0
    wasted_micro_usd: int = 0
    """The part of the cost that bought no answer."""
    estimated: int = 0
    """Requests whose provider did not say what it used."""
    first_tokens: int = 0
    """Answered requests whose first token was timed."""
    first_token_ms: int = 0
    duplicates_saved_micro_usd: int = 0
    """The part of what was saved that duplicates have; the rest is the cache's."""
    routed_micro_usd: int = 0
    """The cost of answers by models that the router chose."""
    baseline_micro_usd: int = 0
    """What the baseline model would have cost for these; routing saved the difference, which may be negative."""

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, f) + getattr(other, f) for f in COUNTERS))

    def __neg__(self) -> Totals:
        return Totals(*(-getattr(self, f) for f in COUNTERS))

    def __sub__(self, other: Totals) -> Totals:
        return self + -other

    @property
    def saved_by_routing(self) -> int:
        """Micro-dollars; negative where the router's choices have cost more than the baseline."""
        return self.baseline_micro_usd - self.routed_micro_usd

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


COUNTERS: Final = tuple(field.name for field in fields(Totals))
_VALUES: Final = attrgetter(*COUNTERS)
WIDTH: Final = 32
"""Counters that a block has room for, so that further ones leave old views readable."""
BLOCKS: Final = 32
_PLACES: Final = tuple(("u48", f"#{index}") for index in range(BLOCKS * WIDTH))
LATENCY_BIT: Final = BLOCKS * WIDTH * 48
FIRST_TOKEN_BIT: Final = LATENCY_BIT + BUCKETS * 32

VARIANT: Final = "variant"
"""Views of the arms of experiments."""
UNKNOWN: Final = "-"
"""Stands for a model, task or tier that a record does not have: what was refused came to none."""
AUTO, AUTO_TASK, TRIED = "auto", "autotask", "tried"
SHADOW, SHADOWED, AGREED = "shadow", "shadowed", "agreed"
"""Views of a day's `auto` requests: all of them and by model, by task, those that tried another model; what a shadow
policy would have asked by model, what was served in its place, and where both are the same."""
RANKED: Final = frozenset({USER, MODEL, TASK, TIER, KEY})


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
    answered, usage = record.kind == "call", record.usage
    ours, hit = not record.own_keys, record.kind in HITS
    timed = answered and record.first_token_ms is not None
    routed = ours and answered and record.baseline_micro_usd > 0
    return Totals(
        requests=1,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_micro_usd=ours * record.cost_micro_usd,
        exact_hits=int(record.kind == "exact"),
        semantic_hits=int(record.kind == "semantic"),
        duplicates=int(record.kind == "duplicate"),
        saved_micro_usd=(ours and hit) * record.saved_micro_usd,
        errors=int(record.kind in ("error", LOST)),
        hangups=int(record.kind == "hangup"),
        fallbacks=int(record.fallback),
        retries=max(0, record.attempts - 1),
        unpriced=int(not record.price_known),
        answered=int(answered),
        latency_ms=answered * record.latency_ms,
        own_key_requests=int(record.own_keys),
        own_key_micro_usd=record.own_keys * record.cost_micro_usd,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens + usage.cache_write_1h_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        wasted_micro_usd=ours * record.wasted_micro_usd,
        estimated=int(usage.estimated),
        first_tokens=int(timed),
        first_token_ms=record.first_token_ms or 0 if timed else 0,
        duplicates_saved_micro_usd=(ours and record.kind == "duplicate") * record.saved_micro_usd,
        routed_micro_usd=routed * record.cost_micro_usd,
        baseline_micro_usd=routed * record.baseline_micro_usd,
    )


def arm_totals_of(record: UsageRecord) -> Totals:
    """What one record adds to its side of a rollout: a caller's own mistake counts as refused, not as an error.

    The limits of a provider (429) are no caller's mistake; those of the caller are refusals already.
    """
    totals = totals_of(record)
    if record.kind == "error" and 400 <= record.status < 429:
        return replace(totals, errors=0, refused=1)
    return totals


def names_of(record: UsageRecord) -> Iterator[tuple[str, str]]:
    """What a record belongs to: kind of view and name."""
    yield ALL, ""
    yield USER, record.person
    yield MODEL, record.model or UNKNOWN
    yield TASK, record.task or UNKNOWN
    yield TIER, record.tier or UNKNOWN
    if record.key_id:
        yield KEY, record.key_id
    if record.variant:
        yield VARIANT, record.variant


def choices_of(record: UsageRecord, totals: Totals) -> Iterator[tuple[str, str, Totals]]:
    """What a record of an `auto` request adds to the figures on routing: kind of view, name, counters."""
    if record.requested.strip().lower() != AUTO or record.kind == "refused":
        return
    yield AUTO, "", totals
    yield AUTO, record.model or UNKNOWN, totals
    yield AUTO_TASK, record.task or UNKNOWN, totals
    routed, requests = record.routed, totals.requests
    if routed and routed.explored:
        yield TRIED, "", totals
    if routed and (shadow := routed.shadow):
        yield SHADOW, shadow.model, Totals(requests, cost_micro_usd=requests * shadow.cost_micro_usd)
        yield SHADOWED, "", Totals(requests, cost_micro_usd=requests * shadow.served_micro_usd)
        if shadow.agrees:
            yield AGREED, "", Totals(requests)


@dataclass(frozen=True, slots=True)
class Rank:
    """A place in a ranking: the sum that increment number `increment` (from 1) comes to is the score of `name`."""

    ranking: str
    increment: int
    name: str


@dataclass(frozen=True, slots=True)
class Addition:
    """Increments for one view: (`u48`|`u32`, BITFIELD offset, increment)."""

    key: str
    increments: tuple[tuple[str, str, int], ...]
    ranks: tuple[Rank, ...] = ()


class _View:
    """What is to be added to one view, and the counters whose sums are scores."""

    def __init__(self) -> None:
        self.counter: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.scores: dict[str, tuple[str, str]] = {}

    def add(self, totals: Totals, *blocks: int) -> None:
        """Add to some blocks."""
        values: tuple[int, ...] = _VALUES(totals)
        for index, by in enumerate(values):
            if by:
                for block in blocks:
                    self.counter[_PLACES[block * WIDTH + index]] += by

    def time(self, record: UsageRecord, totals: Totals) -> None:
        """Add to the histograms what was timed."""
        if totals.answered > 0:
            self.counter["u32", str(LATENCY_BIT + 32 * bucket_of(record.latency_ms))] += 1
        if totals.first_tokens > 0:
            self.counter["u32", str(FIRST_TOKEN_BIT + 32 * bucket_of(record.first_token_ms or 0))] += 1

    def rank(self, ranking: str, name: str, block: int = 0) -> None:
        """Let the cost in a block be the score of `name`, also while it is nothing."""
        offset = f"#{block * WIDTH + COUNTERS.index('cost_micro_usd')}"
        self.counter["u48", offset] += 0
        self.scores[ranking] = (name, offset)

    def addition(self, key: str) -> Addition:
        """All of it."""
        places = {offset: place for place, (_, offset) in enumerate(self.counter, 1)}
        ranks = tuple(Rank(ranking, places[offset], name) for ranking, (name, offset) in self.scores.items())
        return Addition(key, tuple((kind, offset, by) for (kind, offset), by in self.counter.items()), ranks)


def _add_by_name(views: dict[str, _View], record: UsageRecord, totals: Totals, keys: Keys) -> None:
    day = day_of(record.at)
    month, hour = day[:6], datetime.fromtimestamp(record.at, UTC).hour
    for what, name in names_of(record):
        of_month = views.setdefault(keys.view(what, name, month), _View())
        of_month.add(totals, 0, int(day[6:]))
        if what in RANKED:
            of_month.rank(keys.ranking(what, month), name)
        if what == USER:
            of_month.rank(keys.ranking(what, day), name, int(day[6:]))
        if what in WITH_HOURS:
            of_day = views.setdefault(keys.view(what, name, day), _View())
            of_day.add(totals, 0, 1 + hour)
            of_day.time(record, totals)
            of_month.time(record, totals)


def additions(records: Iterable[UsageRecord], keys: Keys) -> list[Addition]:
    """What these records add to which views."""
    views: dict[str, _View] = {}
    for record in records:
        if record.kind == OPEN:
            continue
        day, totals = day_of(record.at), totals_of(record)
        _add_by_name(views, record, totals, keys)
        for what, name, counted in choices_of(record, totals):
            views.setdefault(keys.view(what, name, day), _View()).add(counted, 0)
        if record.aged and record.kind == "exact":
            view = views.setdefault(keys.view(AGES, record.aged.kind, day), _View())
            view.add(Totals(requests=1), *age_blocks(record.aged.age, record.aged.seconds))
        if record.arm:
            by_arm, arm = arm_totals_of(record), views.setdefault(keys.arm_day(record.arm, day), _View())
            arm.add(by_arm, 0)
            arm.time(record, by_arm)
    return [view.addition(key) for key, view in views.items()]


def read_block(key: str) -> Command:
    """The read of a view's whole period; `as_totals` takes its reply."""
    gets = [piece for i in range(len(COUNTERS)) for piece in ("GET", "u48", f"#{i}")]
    return ("BITFIELD", key, *gets)


def as_totals(values: Sequence[int]) -> Totals:
    """A block's counters."""
    return Totals(*values)
