"""Records written and read back, and the totals they add up to."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from lib.ai.observability.record import UsageRecord, decode, encode, head_of
from lib.ai.observability.shown import Timed, described
from lib.ai.observability.stats import months_until
from lib.ai.observability.totals import COUNTERS, FIRST_TOKEN_BIT, LATENCY_BIT, WIDTH, Totals, additions, totals_of
from lib.answer import Attempt, Usage
from lib.kv.keys import Keys
from tests.support.clock import START

KEYS = Keys("t", "secret")


def record(**fields: object) -> UsageRecord:
    base: dict[str, object] = {
        "request_id": "r1", "person": "ab12cd", "tier": "pro", "at": START, "kind": "call", "model": "openai/gpt-4o",
    }  # fmt: skip
    return UsageRecord(**(base | fields))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


RECORDS = st.builds(
    UsageRecord,
    request_id=st.text(max_size=12),
    person=st.sampled_from(["0a0b0c", "ffee00"]),
    tier=st.sampled_from(["free", "pro"]),
    at=st.integers(int(START), int(START) + 90_000).map(float),
    kind=st.sampled_from(["call", "error", "hangup", "exact", "duplicate", "refused"]),
    model=st.sampled_from(["openai/gpt-4o", "demo/echo", ""]),
    usage=st.builds(
        Usage,
        input_tokens=st.integers(0, 10**6),
        output_tokens=st.integers(0, 10**6),
        cached_input_tokens=st.integers(0, 10**6),
        cache_write_tokens=st.integers(0, 10**6),
        cache_write_1h_tokens=st.integers(0, 10**6),
        reasoning_tokens=st.integers(0, 10**6),
        estimated=st.booleans(),
    ),
    cost_micro_usd=st.integers(0, 10**9),
    saved_micro_usd=st.integers(0, 10**9),
    price_known=st.booleans(),
    latency_ms=st.integers(0, 10**6),
    first_token_ms=st.none() | st.integers(1, 10**5),
    attempts=st.integers(0, 9),
    fallback=st.booleans(),
    error=st.text(max_size=8),
    tags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    count=st.integers(1, 50),
    key_id=st.sampled_from(["", "k1"]),
    wasted_micro_usd=st.integers(0, 10**9),
    tries=st.lists(
        st.builds(
            Attempt, st.text(max_size=5), st.text(max_size=5), st.none() | st.integers(0, 599), st.integers(0, 10**6)
        ),
        max_size=3,
    ).map(tuple),
    reason=st.text(max_size=9),
    baseline_micro_usd=st.integers(0, 10**9),
)


@given(RECORDS)
def test_a_record_reads_back_as_it_was_written(written: UsageRecord) -> None:
    assert decode(encode(written)) == written


def test_a_hit_completed_by_the_admission_script_reads_as_a_record_of_what_it_saved() -> None:
    line = head_of(record(kind="")) + '"exact","entry":{"v":1,"model":"openai/gpt-4o","cost":420}}'
    read = decode(line)
    assert read is not None
    assert (read.kind, read.model, read.saved_micro_usd, read.cost_micro_usd) == ("exact", "openai/gpt-4o", 420, 0)
    assert read.usage == Usage()


def test_a_damaged_line_is_no_record() -> None:
    assert [decode(line) for line in ("", "{", "[]", '{"k":3}', "null")] == [None] * 5


@given(st.lists(RECORDS, max_size=30))
def test_users_models_and_days_add_up_to_the_same(records: list[UsageRecord]) -> None:
    wholes: defaultdict[str, Totals] = defaultdict(Totals)
    parts: defaultdict[str, Totals] = defaultdict(Totals)
    for addition in additions(records, KEYS):
        _, _, what, period, _ = addition.key.split(":", 4)
        for width, offset, by in addition.increments:
            block, place = divmod(int(offset.removeprefix("#")), WIDTH)
            if width == "u48":
                sums = parts if block else wholes
                sums[f"{what} {len(period)}"] += Totals(**{COUNTERS[place]: by})
    expected = sum((totals_of(r) for r in records), Totals())
    months = {f"{what} 6" for what in ("all", "user", "model", "task", "tier")}
    days = {f"{what} 8" for what in ("all", "model", "task", "tier")}
    keyed = sum((totals_of(r) for r in records if r.key_id), Totals())
    assert wholes.pop("key 6", Totals()) == parts.pop("key 6", Totals()) == keyed
    assert wholes == parts == (dict.fromkeys(months | days, expected) if records else {})


def test_a_ranking_is_scored_by_the_cost_that_stands_in_its_period() -> None:
    records = [record(cost_micro_usd=5, key_id="k1"), record(cost_micro_usd=0, at=START + 86_400)]
    cost = COUNTERS.index("cost_micro_usd")
    found = [
        (rank.ranking, rank.name, addition.increments[rank.increment - 1])
        for addition in additions(records, KEYS)
        for rank in addition.ranks
        if rank.name in ("ab12cd", "k1")
    ]
    assert sorted(found) == [
        (KEYS.ranking("key", "202611"), "k1", ("u48", f"#{cost}", 5)),
        (KEYS.ranking("user", "202611"), "ab12cd", ("u48", f"#{cost}", 5)),
        (KEYS.ranking("user", "20261124"), "ab12cd", ("u48", f"#{24 * WIDTH + cost}", 5)),
        (KEYS.ranking("user", "20261125"), "ab12cd", ("u48", f"#{25 * WIDTH + cost}", 0)),
    ]


def test_only_what_a_provider_answered_counts_in_the_latency_histogram() -> None:
    found = {
        kind: {
            int(offset) >= FIRST_TOKEN_BIT
            for addition in additions([record(kind=kind, latency_ms=200, first_token_ms=20)], KEYS)
            for width, offset, _ in addition.increments
            if width == "u32" and int(offset) >= LATENCY_BIT
        }
        for kind in ("call", "exact", "error", "refused")
    }
    assert found == {"call": {False, True}, "exact": set(), "error": set(), "refused": set()}


def test_savings_by_cache_by_duplicates_and_by_routing_are_told_apart() -> None:
    whole = sum(
        (
            totals_of(each)
            for each in (
                record(cost_micro_usd=300, baseline_micro_usd=1_000),
                record(cost_micro_usd=900, baseline_micro_usd=400),
                record(cost_micro_usd=5_000),
                record(kind="error", cost_micro_usd=70, baseline_micro_usd=9),
                record(cost_micro_usd=7, baseline_micro_usd=9, own_keys=True),
                record(kind="exact", saved_micro_usd=11),
                record(kind="semantic", saved_micro_usd=5),
                record(kind="duplicate", saved_micro_usd=31),
                record(kind="duplicate", saved_micro_usd=1, own_keys=True),
            )
        ),
        Totals(),
    )
    shown = described(Timed(whole))
    assert (shown["savedByCache"], shown["savedByDedup"], shown["savedCostMicroUsd"]) == (16e-6, 31e-6, 47)
    assert (shown["routedCost"], shown["routedBaselineCost"], shown["savedByRouting"]) == (0.0012, 0.0014, 0.0002)


def test_a_choice_that_cost_more_than_the_baseline_has_saved_less_than_nothing() -> None:
    dearer = totals_of(record(cost_micro_usd=900, baseline_micro_usd=400))
    assert described(Timed(dearer))["savedByRouting"] == -0.0005


def test_records_from_before_savings_by_routing_were_counted_are_read_as_they_were() -> None:
    old = decode(encode(record(cost_micro_usd=900)))
    assert old
    assert "baseline_micro_usd" not in encode(old)
    assert (totals_of(old).baseline_micro_usd, totals_of(old).routed_micro_usd) == (0, 0)


def test_refusals_gathered_in_one_record_count_each() -> None:
    assert totals_of(record(kind="refused", count=7)) == Totals(requests=7, refused=7)


def test_months_are_counted_back_across_a_new_year() -> None:
    assert months_until("202602")[0] == "202502"
    assert months_until("202602")[-3:] == ["202512", "202601", "202602"]
