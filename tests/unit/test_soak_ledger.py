"""The soak's own judgement: it must see each broken promise, and not cry over what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import pytest

from bench.soak import books, ledger
from bench.soak.books import Key
from bench.soak.exchange import Outcome
from bench.soak.faults import UPSTREAM, Said, fault_step
from bench.soak.judge import faults_of
from bench.soak.ledger import Ledgers, ProviderCall, Rules, Span
from bench.soak.traffic import TEXT, Order
from lib.ai.observability.record import LOST, OPEN, UsageRecord
from lib.ai.observability.totals import COUNTERS, Totals, totals_of
from tests.scripted.steps import Received, Reply

RULES: Final = Rules({"pro": 2}, {"pro": 100}, {"gpt-4o": "openai/gpt-4o"})
ORDER: Final = Order("t1", "unique", "u1", "pro", "gpt-4o", TEXT.format("x1"), "json", 0)
ANSWER: Final = f"echo: {ORDER.prompt} #7"
CALL: Final = ProviderCall(7, "x1", "openai/gpt-4o", "", 100.0, 101.0)
RECORD: Final = UsageRecord(
    request_id="r1",
    person="p1",
    tier="pro",
    at=101.0,
    kind="call",
    model="openai/gpt-4o",
    cost_micro_usd=60,
    tags=("t1",),
)


def outcome(order: Order = ORDER, /, **parts: object) -> Outcome:
    """A request that went well, but for `parts`."""
    well: dict[str, object] = {"first_at": 101.0, "ended_at": 101.0, "status": 200, "text": ANSWER, "finish": "stop"}
    given = Outcome(order, 100.0, whole=True, headers={"x-ai-model": "openai/gpt-4o", "x-cache": "MISS"})
    for name, value in (well | parts).items():
        setattr(given, name, value)
    return given


def ledgers(
    outcomes: Iterable[Outcome], calls: Iterable[ProviderCall] = (CALL,), records: Iterable[UsageRecord] = (RECORD,)
) -> Ledgers:
    return Ledgers(list(outcomes), list(calls), list(records), [], RULES)


def test_a_request_that_went_well_breaks_nothing() -> None:
    seen = ledgers([outcome()])
    assert not list(faults_of(outcome()))
    for check in (ledger.crossed, ledger.over_limit, ledger.unexplained, ledger.miscounted, ledger.second_flights):
        assert not list(check(seen))
    assert not list(ledger.other_models(seen))
    assert not list(ledger.unpaid(seen))


@pytest.mark.parametrize(
    "parts",
    [
        {"text": ANSWER.replace("x1", "x2")},
        {"text": "echo: describe the item"},
        {"text": ""},
        {"status": 500, "error": "oops"},
        {"status": 503, "error": ""},
        {"whole": False},
        {"broke": "reset"},
        {"ended_at": 500.0},
        {"status": 429, "error": "slow down", "code": "rate_limit_exceeded"},
        {"status": 503, "error": "later", "headers": {"retry-after": "99999999"}},
        {"status": 502, "error": "broke off", "text": "echo: something else"},
    ],
    ids=str,
)
def test_a_wrong_answer_is_seen(parts: dict[str, object]) -> None:
    assert list(faults_of(outcome(**parts)))


@pytest.mark.parametrize(
    "parts",
    [
        {"text": "echo: describe", "finish": "length"},
        {"text": "echo: describe", "error": "broke off", "whole": False},
        {"text": "echo: des", "left": True, "whole": False},
        {"text": "", "status": 502, "error": "no model answered", "finish": ""},
    ],
    ids=str,
)
def test_a_part_that_says_that_it_is_one_is_no_wrong_answer(parts: dict[str, object]) -> None:
    assert not list(faults_of(outcome(**parts)))


def test_one_call_answered_to_two_users_is_seen() -> None:
    other = outcome(replace(ORDER, tag="t2", user="u2"))
    assert list(ledger.crossed(ledgers([outcome(), other])))


def test_more_than_the_limit_within_a_minute_is_seen_unless_the_store_was_away() -> None:
    seen = ledgers([outcome(replace(ORDER, tag=f"t{i}")) for i in range(3)])
    assert list(ledger.over_limit(seen))
    seen.store_faults.append(Span(90.0, 99.0))
    assert not list(ledger.over_limit(seen))


def test_more_than_the_budget_is_seen() -> None:
    two = [RECORD, replace(RECORD, request_id="r2")]
    assert list(ledger.overspent(ledgers([outcome()], records=two), {"u1": "p1"}))
    assert not list(ledger.overspent(ledgers([outcome()]), {"u1": "p1"}))


def test_a_failure_without_a_cause_is_seen() -> None:
    failed = outcome(status=502, error="no model answered", code="upstream_failed")
    assert list(ledger.unexplained(ledgers([failed])))
    assert not list(ledger.unexplained(ledgers([failed], [replace(CALL, fault="500")])))


@pytest.mark.parametrize(
    "records", [[], [RECORD, replace(RECORD, kind="exact")], [RECORD, replace(RECORD, tags=("t9",))]], ids=len
)
def test_a_record_too_few_or_too_many_is_seen(records: list[UsageRecord]) -> None:
    assert list(ledger.miscounted(ledgers([outcome()], records=records)))


def test_a_refusal_that_is_not_booked_is_seen() -> None:
    refused = [outcome(code="rate_limit_exceeded", status=429, error="slow down") for _ in range(3)]
    booked = replace(RECORD, kind="refused", count=2)
    assert list(ledger.miscounted_refusals(ledgers(refused, records=[booked])))
    assert not list(ledger.miscounted_refusals(ledgers(refused, records=[replace(booked, count=3)])))


def test_a_record_may_be_missing_of_a_call_that_a_kill_cut_off_while_there_was_no_store_to_announce_it_in() -> None:
    cut = outcome(status=0, whole=False)
    seen = ledgers([cut], records=[])
    seen.kills.append(Span(cut.sent_at, cut.sent_at + 1, cut.order.instance))
    assert list(ledger.miscounted(seen))
    seen.store_faults.append(Span(cut.sent_at - 1, cut.sent_at + 1))
    assert not list(ledger.miscounted(seen))


def test_a_hit_that_was_taken_back_is_not_counted() -> None:
    hit = replace(RECORD, kind="exact", cost_micro_usd=0)
    records = [hit, replace(hit, kind="undone exact"), RECORD]
    assert not list(ledger.miscounted(ledgers([outcome()], records=records)))
    assert sum((totals_of(r) for r in records), Totals()) == totals_of(RECORD)


def test_a_hit_that_was_taken_back_may_be_followed_by_another_of_the_same_kind() -> None:
    hit = replace(RECORD, kind="duplicate", cost_micro_usd=0)
    records = [hit, replace(hit, kind="undone duplicate"), hit]
    assert ledger.closed(records) == [hit]
    assert ledger.closed([*records, hit]) == [hit, hit]


def test_what_was_opened_and_neither_closed_nor_lost_is_seen() -> None:
    opened = replace(RECORD, kind=OPEN)
    assert list(ledger.still_open([opened]))
    assert not list(ledger.still_open([opened, replace(RECORD, kind=LOST)]))


def test_two_calls_at_a_time_for_one_group_are_seen_unless_its_instance_was_killed() -> None:
    grouped = outcome(replace(ORDER, group="g"))
    seen = ledgers([grouped], [CALL, replace(CALL, number=8, began=100.2, ended=101.5)])
    assert list(ledger.second_flights(seen))
    seen.kills.append(Span(100.0, 101.0, 0))
    assert not list(ledger.second_flights(seen))


def test_another_model_than_the_one_named_or_cached_is_seen() -> None:
    other = replace(CALL, model="anthropic/claude-haiku-5-5")
    assert list(ledger.other_models(ledgers([outcome()], [other])))
    hit = outcome(headers={"x-ai-model": other.model, "x-cache": "HIT (exact)"})
    assert list(ledger.other_models(ledgers([hit], [other])))


def test_sums_that_differ_are_seen() -> None:
    assert list(ledger.unequal_sums([RECORD], {"users": Totals()}))
    assert not list(ledger.unequal_sums([RECORD], {"users": totals_of(RECORD)}))


def test_keys_that_stay_for_ever_or_name_somebody_and_claims_left_over_are_seen() -> None:
    keys = [Key("soak:t2:user:202611:p", -1, ""), Key("other", 5, ""), Key("soak:u1:a@canary-people.test", 5, "")]
    assert len(list(books.key_faults(keys, "soak"))) == 3
    assert list(books.left_over([Key("soak:d1:x", 5, "F\nreq_1")], "soak"))
    assert books.holds_in([Key("soak:u1:p", 5, "1|2,0|3,0|req_1,5,9;req_2,5,9|")], "soak") == ["req_1", "req_2"]


def test_totals_are_read_as_the_store_lays_them_out() -> None:
    raw = b"".join(number.to_bytes(6, "big") for number in range(len(COUNTERS)))
    assert books.first_block(raw) == Totals(*range(len(COUNTERS)))


@pytest.mark.parametrize("name", UPSTREAM)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("stream", [True, False])
def test_every_fault_can_befall_every_call(name: str, path: str, *, stream: bool) -> None:
    request = Received(path, {}, {"model": "m", "stream": stream, "messages": []})
    assert isinstance(fault_step(name, Said(ANSWER))(request), Reply)
