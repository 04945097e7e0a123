"""What admission promises, one promise at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.kv import MemoryStore
from lib.ai.observability.record import decode
from lib.answer import LimitState
from lib.errors import StoreError
from lib.kv.admission import (
    STATE_LIFETIME_MS,
    Admitted,
    Ask,
    Cached,
    Gate,
    InFlight,
    OtherBody,
    OverBudget,
    Verdict,
    read_verdict,
)
from lib.kv.keys import Keys, day_of
from lib.kv.lua import script
from lib.kv.rate_limit import Limit, Refusal
from lib.kv.replies import Reply
from lib.tiers import Budget
from tests.support.fake_store import FakeStore, at_once
from tests.support.skewed_clock import MillisecondClock, SkewedClock

KEYS: Final = Keys("t", "secret")
NOON: Final = 1_790_769_600_000
"""2026-09-30 12:00 UTC: the last day of a month."""
MIDNIGHT: Final = NOON + 12 * 3_600_000
WINDOW: Final = 60_000
USER, OTHER_USER = KEYS.person("u1"), KEYS.person("u2")
HIT: Final = '{"v":1,"model":"openai/gpt-4o","cost":420}\n{"choices":[]}'
PRO: Final = Limit("pro", 50, lockout_ms=WINDOW)
CLASS: Final = Limit("o1", 2, calls_only=True)


@dataclass
class Site:
    """A store, and an instance whose clock can be set apart from the store's."""

    real: MillisecondClock = field(default_factory=lambda: MillisecondClock(NOON))

    def __post_init__(self) -> None:
        self.clock = SkewedClock(self.real)
        self.store = FakeStore(MemoryStore(self.real.now))
        self.gate = Gate(self.store, KEYS, self.clock)
        self.tokens = 0

    def admit(self, *limits: Limit, person: str = USER, **ask: object) -> Verdict:
        self.tokens += 1
        fields: dict[str, object] = {"person": person, "token": f"t{self.tokens}", "limits": limits, "address": "a1"}
        question = Ask(**(fields | ask))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return at_once(self.gate.admit(question))[0]

    def admitted(self, *limits: Limit, **ask: object) -> bool:
        return isinstance(self.admit(*limits, **ask), Admitted)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def settle(self, token: str, cost: int, tokens: int = 0) -> Reply:
        """What the day and the month have cost; with `tokens`, what they have taken too."""
        key, day = KEYS.user_state(USER), day_of(self.clock.now())
        now = self.clock.milliseconds
        settle = script("state", "settle")
        named = (now, token, cost, day, day[:6], STATE_LIFETIME_MS, tokens)
        sums = at_once(self.store.run("EVAL", settle, 1, key, *named))
        assert isinstance(sums, list)
        return sums if tokens else sums[:2]

    def put(self, key: str, value: str) -> None:
        at_once(self.store.run("SET", key, value))

    def turn(self, milliseconds: int) -> None:
        self.real.milliseconds += milliseconds

    def contents(self) -> object:
        return at_once(self.store.contents())


@given(st.integers(1, 6), st.lists(st.integers(0, WINDOW - 1), min_size=6, max_size=20))
@settings(deadline=None, max_examples=50)
def test_requests_within_one_window_are_admitted_up_to_the_limit_and_not_one_less(most: int, at: list[int]) -> None:
    site, start = Site(), NOON + 123
    verdicts: list[bool] = []
    for moment in sorted(at):
        site.real.milliseconds = start + moment
        verdicts.append(site.admitted(Limit("l", most)))
    assert verdicts == [True] * most + [False] * (len(at) - most)


@given(st.integers(1, 5), st.lists(st.integers(0, 40_000) | st.integers(0, 900), max_size=60))
@settings(deadline=None, max_examples=60)
def test_no_sixty_seconds_hold_more_and_no_refusal_is_without_cause(most: int, pauses: list[int]) -> None:
    site, times = Site(), list[int]()
    for pause in pauses:
        site.turn(pause)
        now = site.real.milliseconds
        recent = [time for time in times if time > now - WINDOW]
        if site.admitted(Limit("l", most)):
            assert len(recent) < most
            times.append(now)
        else:
            # A slot comes back with the end of the second it was taken in, so up to 999 ms late.
            assert len([time for time in times if time > now - WINDOW - 999]) >= most


def test_after_exactly_the_told_wait_there_is_room_and_a_millisecond_before_there_is_not() -> None:
    site, limit = Site(), Limit("l", 2)
    for _ in range(2):
        assert site.admitted(limit)
        site.turn(1_250)
    told = Refusal(limit, WINDOW + 999 - 2_500)
    assert site.admit(limit) == told
    site.turn(told.wait_ms - 1)
    assert site.admit(limit) == Refusal(limit, 1)
    site.turn(1)
    assert site.admitted(limit)


@pytest.mark.parametrize(("name", "most", "lockout"), [("free", 10, 300_000), ("pro", 50, 60_000)])
def test_a_lockout_lasts_to_the_millisecond_and_trying_does_not_lengthen_it(name: str, most: int, lockout: int) -> None:
    site, tier = Site(), Limit(name, most, lockout_ms=lockout)
    assert all(site.admitted(tier) for _ in range(most))
    site.turn(1_000)
    assert site.admit(tier) == Refusal(tier, lockout)
    for tries in range(1, 6):
        site.turn(lockout // 6)
        assert site.admit(tier) == Refusal(tier, lockout - tries * (lockout // 6), locked=True)
    site.turn(lockout // 6 - 1)
    assert site.admit(tier) == Refusal(tier, 1, locked=True)
    site.turn(1)
    assert site.admitted(tier)


def test_a_lockout_shorter_than_the_window_tells_the_longer_wait_and_begins_again_when_tried_early() -> None:
    site, expert = Site(), Limit("expert", 1, lockout_ms=30_000)
    assert site.admitted(expert)
    assert site.admit(expert) == Refusal(expert, WINDOW + 999)
    site.turn(30_000)
    assert site.admit(expert) == Refusal(expert, 30_999)
    site.turn(29_999)
    assert site.admit(expert) == Refusal(expert, 1, locked=True)


@pytest.mark.parametrize("full", ["user", "class", "address", "budget"])
def test_whatever_refuses_nothing_is_consumed_and_nothing_claimed(full: str) -> None:
    site = Site()
    limits = (
        Limit("master", 1 if full == "user" else 9),
        Limit("o1", 1 if full == "class" else 9, calls_only=True),
        Limit("address", 1 if full == "address" else 9, by_address=True),
    )
    budget = Budget(15 if full == "budget" else 1_000)
    assert site.admitted(*limits, hold_micro_usd=10, hold_ms=WINDOW, budget=budget, duplicate_digest="d0", lease_ms=9)
    before = site.contents()
    for person in (USER, OTHER_USER) if full == "address" else (USER,):
        verdict = site.admit(
            *limits, person=person, hold_micro_usd=10, hold_ms=WINDOW, budget=budget, duplicate_digest="d1", lease_ms=9
        )
        assert verdict == OverBudget("day", 10, 15, 10) or isinstance(verdict, Refusal)
        assert site.contents() == before


def test_a_refusal_that_locks_out_writes_the_lockout_and_nothing_else() -> None:
    site = Site()
    limits = (Limit("free", 1, lockout_ms=300_000), CLASS, Limit("address", 9, by_address=True))
    site.admit(*limits)
    state = str(at_once(site.store.run("GET", KEYS.user_state(USER))))
    address = at_once(site.store.run("GET", KEYS.address_state("a1")))
    site.admit(*limits)
    until = site.real.milliseconds + 300_000
    assert at_once(site.store.run("GET", KEYS.user_state(USER))) == state.replace("free,0,", f"free,{until},")
    assert at_once(site.store.run("GET", KEYS.address_state("a1"))) == address


def test_hits_and_duplicates_use_up_the_tier_and_not_the_models_class() -> None:
    site, tier = Site(), Limit("tier", 8)
    site.put(KEYS.answer("c1"), HIT)
    for _ in range(3):
        assert isinstance(site.admit(tier, CLASS, answer_digest="c1"), Cached)
    assert site.admitted(tier, CLASS, duplicate_digest="d1", lease_ms=10_000)
    for _ in range(2):
        assert isinstance(site.admit(tier, CLASS, duplicate_digest="d1", lease_ms=10_000), InFlight)
    assert site.admitted(tier, CLASS)
    assert site.admit(tier, CLASS) == Refusal(CLASS, WINDOW + 999)
    assert isinstance(site.admit(tier, CLASS, answer_digest="c1"), Cached)
    assert isinstance(site.admit(tier, CLASS, answer_digest="c1"), Refusal)


def test_an_address_is_limited_whoever_asks_and_each_user_for_himself() -> None:
    site, user, address = Site(), Limit("tier", 2), Limit("address", 3, by_address=True)
    assert [site.admitted(user, address) for _ in range(3)] == [True, True, False]
    assert [site.admitted(user, address, person=OTHER_USER) for _ in range(2)] == [True, False]
    assert site.admitted(user, address, person=OTHER_USER, address="a2")


def test_holds_never_exceed_the_budget_and_settling_makes_room_for_what_was_not_needed() -> None:
    site, budget = Site(), Budget(per_day=100)
    verdicts = [site.admit(hold_micro_usd=10, hold_ms=WINDOW, budget=budget) for _ in range(120)]
    assert [isinstance(verdict, Admitted) for verdict in verdicts] == [True] * 10 + [False] * 110
    assert verdicts[-1] == OverBudget("day", 100, 100, 100)
    assert [site.settle(f"t{n}", 4) for n in range(1, 11)] == [[4 * n, 4 * n] for n in range(1, 11)]
    assert [site.admitted(hold_micro_usd=10, hold_ms=WINDOW, budget=budget) for _ in range(7)] == [True] * 6 + [False]


def test_tokens_are_held_and_settled_beside_the_money_in_the_same_state() -> None:
    site, budget = Site(), Budget(per_day=10_000, tokens_per_day=100, tokens_per_month=150)
    site.real.milliseconds -= 24 * 3_600_000
    hold = {"hold_micro_usd": 9, "hold_tokens": 40, "need_tokens": 20, "hold_ms": WINDOW, "budget": budget}
    assert [site.admitted(**hold) for _ in range(2)] == [True, True]
    over = OverBudget("day", 80, 100, 80, unit="tokens")
    assert site.admit(**hold | {"need_tokens": 21}) == over  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert site.settle("t1", 5, 30) == [5, 5, 30, 30]
    assert site.settle("t2", 5, 60) == [10, 10, 90, 90]
    assert site.admit(**hold) == OverBudget("day", 90, 100, unit="tokens")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    site.turn(24 * 3_600_000)
    assert site.admitted(**hold)
    assert site.settle(f"t{site.tokens}", 1, 50) == [1, 11, 50, 140]
    assert site.admit(**hold) == OverBudget("month", 140, 150, unit="tokens")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_state_that_an_earlier_version_left_has_no_tokens_and_keeps_its_money() -> None:
    site, now = Site(), MillisecondClock(NOON).milliseconds
    day = day_of(NOON / 1000)
    site.put(KEYS.user_state(USER), f"{now}|{day},70|{day[:6]},70|t0,20,{now + WINDOW};t9,5,{now + WINDOW},3|")
    assert site.admit(hold_micro_usd=6, hold_ms=1, budget=Budget(per_day=100)) == OverBudget("day", 95, 100, 25)
    assert site.settle("t0", 10, 7) == [80, 80, 7, 7]


def test_a_hold_whose_function_died_is_freed_and_reported_once_whatever_was_written_in_between() -> None:
    site, budget, free = Site(), Budget(per_day=100), Limit("free", 2, lockout_ms=1_000)
    site.put(KEYS.answer("c1"), HIT)
    for _ in range(2):
        assert site.admitted(hold_micro_usd=45, hold_ms=5_000, budget=budget)
    site.turn(5_000)
    site.admit(free, answer_digest="c1")
    site.settle("t9", 3)
    assert [isinstance(site.admit(free, answer_digest="c1"), Refusal) for _ in range(2)] == [False, True]
    site.turn(WINDOW + 999)
    verdicts = [site.admit(free, hold_micro_usd=45, hold_ms=5_000, budget=budget) for _ in range(2)]
    assert [v.lost_holds for v in verdicts if isinstance(v, Admitted)] == ["t1,45;t2,45", ""]


def test_a_hold_that_is_settled_late_is_not_lost() -> None:
    site = Site()
    site.admit(hold_micro_usd=45, hold_ms=5_000)
    site.turn(6_000)
    assert site.settle("t1", 40) == [40, 40]
    verdict = site.admit(hold_micro_usd=1, hold_ms=5_000)
    assert isinstance(verdict, Admitted)
    assert verdict.lost_holds == ""


def test_a_day_starts_anew_at_midnight_and_a_month_with_its_first_day() -> None:
    site, budget = Site(), Budget(per_day=100, per_month=150)
    site.real.milliseconds -= 24 * 3_600_000
    for expected in ([60, 60], [60, 120]):
        assert site.admitted(hold_micro_usd=60, hold_ms=WINDOW, budget=budget)
        assert site.settle(f"t{site.tokens}", 60) == expected
        site.turn(24 * 3_600_000)
    assert site.admitted(hold_micro_usd=100, hold_ms=WINDOW, budget=budget)
    assert site.settle(f"t{site.tokens}", 90) == [90, 90]
    assert site.admit(hold_micro_usd=11, hold_ms=WINDOW, budget=budget) == OverBudget("day", 90, 100)


def test_an_instance_still_in_yesterday_loses_nothing_of_what_today_has_cost() -> None:
    site, budget = Site(MillisecondClock(MIDNIGHT + 1)), Budget(per_day=100, per_month=1_000)
    assert site.settle("t", 90) == [90, 90]
    site.clock.skew_milliseconds = -5_000
    assert site.admit(hold_micro_usd=20, hold_ms=WINDOW, budget=budget) == OverBudget("day", 90, 100)
    assert site.settle("t", 5) == [95, 95]
    site.clock.skew_milliseconds = 0
    assert site.settle("t", 2) == [97, 97]


def test_an_instance_whose_clock_is_behind_cannot_use_a_slot_again() -> None:
    site, limit = Site(), Limit("l", 3)
    for skew in (5_000, -5_000, 0):
        site.clock.skew_milliseconds = skew
        assert site.admitted(limit)
    for skew in (-5_000, 5_000):
        site.clock.skew_milliseconds = skew
        assert not site.admitted(limit)
    site.turn(WINDOW + 998)
    assert not site.admitted(limit)
    site.turn(1)
    assert [site.admitted(limit) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("record", ["Fb1\nt0", f"Db1\n{HIT}"])
def test_another_body_under_the_same_key_is_neither_counted_nor_booked_nor_answered(record: str) -> None:
    site = Site()
    site.put(KEYS.duplicate("d1"), record)
    site.put(KEYS.answer("c1"), HIT)
    before = site.contents()
    verdict = site.admit(
        PRO, duplicate_digest="d1", body_digest="b2", answer_digest="c1", lease_ms=9_000, record='{"k":'
    )
    assert verdict == OtherBody()
    assert site.contents() == before


def test_a_failed_original_leaves_the_claim_to_whoever_asks_next() -> None:
    site = Site()
    site.put(KEYS.duplicate("d1"), "Eb1\nerror")
    assert site.admit(duplicate_digest="d1", body_digest="b2", lease_ms=9_000) == Admitted("Fb2\nt1", None)
    assert at_once(site.store.run("GET", KEYS.duplicate("d1"))) == "Fb2\nt1"


@pytest.mark.parametrize("kind", ["exact", "duplicate"])
def test_a_hit_is_booked_once_with_what_it_saved_in_a_log_that_expires(kind: str) -> None:
    site = Site()
    key = KEYS.answer("c1") if kind == "exact" else KEYS.duplicate("d1")
    site.put(key, HIT if kind == "exact" else f"D\n{HIT}")
    verdict = site.admit(PRO, answer_digest="c1", duplicate_digest="d1", lease_ms=9_000, record='{"id":"r","k":')
    assert isinstance(verdict, Cached)
    assert (verdict.entry, verdict.duplicate, verdict.log_length) == (HIT, kind == "duplicate", 1)
    (log,) = [value for name, value in at_once(site.store.contents()).items() if ":ev:" in name]
    lines, left = log
    assert isinstance(lines, list)
    (record,) = [decode(str(line)) for line in lines]
    assert record is not None
    assert (record.request_id, record.kind, record.saved_micro_usd) == ("r", kind, 420)
    assert isinstance(left, int)
    assert 30 * 86_400_000 < left <= 31 * 86_400_000


def test_a_finished_duplicate_is_not_replayed_to_who_will_not_have_it() -> None:
    site = Site()
    site.put(KEYS.duplicate("d1"), f"D\n{HIT}")
    assert site.admitted(duplicate_digest="d1", lease_ms=9_000, replay_finished=False)


def test_a_request_with_everything_switched_off_writes_nothing() -> None:
    site = Site()
    assert site.admit() == Admitted("F\nt1", None)
    assert site.contents() == {}


def test_the_headers_tell_of_the_first_limit_that_every_request_counts_against() -> None:
    site = Site()
    site.admit(CLASS, PRO)
    site.turn(10_000)
    verdict = site.admit(CLASS, PRO)
    assert isinstance(verdict, Admitted)
    assert verdict.limit == LimitState("pro", 50, remaining=48, window_seconds=60, reset_seconds=51)
    alone = site.admit(Limit("opus", 9, calls_only=True))
    assert isinstance(alone, Admitted)
    assert alone.limit is None


REPLIES: Final[list[Reply]] = [
    None, "OK", 1, [], [0], [0, "", 1, 1], [0, 1, 1, 1, 0], [1, "", 1, 1, None],
    [4, "nobody", 1, 1], [4, "pro", "1", 1], [8, "", 0, 0], [[0]],
]  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_that_is_none_of_the_scripts_is_a_store_error(reply: Reply) -> None:
    with pytest.raises(StoreError, match="something else"):
        read_verdict(Ask(person=USER, token="t", limits=(PRO,)), reply)


def test_reads_ride_along_and_an_error_of_the_script_is_raised() -> None:
    site = Site()
    site.put("t:h1:m", "0,0|")
    ask = Ask(person=USER, token="t")
    _, replies = at_once(site.gate.admit(ask, [("MGET", "t:h1:m", "t:h1:n"), ("LLEN", "t:h1:m")]))
    assert replies[0] == ["0,0|", None]
    assert isinstance(replies[1], StoreError)
    site.put(KEYS.user_state(USER), "damaged")
    with pytest.raises(StoreError):
        at_once(site.gate.admit(ask))
