"""Admission against an independent model of it: every verdict, over any order of requests, clocks and results."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dev.kv import MemoryStore
from lib.kv.admission import (
    Admitted,
    Ask,
    Gate,
    OtherBody,
    OverBudget,
    Settlement,
    SharedBudget,
    Verdict,
    settle_command,
)
from lib.kv.deduplication import Deduplication
from lib.kv.keys import Keys
from lib.kv.rate_limit import Limit, Refusal
from lib.tiers import Budget
from tests.support.admission_model import AdmissionModel, Owner, Record
from tests.support.fake_store import FakeStore, at_once
from tests.support.skewed_clock import MillisecondClock, SkewedClock

KEYS: Final = Keys("t", "secret")
PEOPLE: Final = (KEYS.person("u1"), KEYS.person("u2"))
ADDRESSES: Final = ("", "a1", "a2")
BEFORE_MIDNIGHT: Final = 1_790_812_770_000
"""30 s before October 2026 begins (UTC), so that short runs cross a day and a month."""
TIERS: Final = (
    Limit("free", 3, lockout_ms=300_000),
    Limit("expert", 4, lockout_ms=30_000),
    Limit("master", 5),
    Limit("hourly", 6, window_ms=3_600_000),
)
CLASSES: Final = (Limit("o1", 1, calls_only=True), Limit("opus", 2, lockout_ms=10_000, calls_only=True))
ADDRESS: Final = Limit("address", 6, by_address=True)
LIMITS: Final = tuple(
    (tier, *model_class, *by_address)
    for tier in TIERS
    for model_class in ((), (), *((one,) for one in CLASSES))
    for by_address in ((), (ADDRESS,))
)
ASKS: Final = st.builds(
    Ask,
    person=st.sampled_from(PEOPLE),
    token=st.just(""),
    address=st.sampled_from(ADDRESSES[1:]),
    limits=st.sampled_from([*LIMITS, ()]),
    answer_digest=st.sampled_from(["", "", "c1", "c2"]),
    duplicate_digest=st.sampled_from(["", "", "d1", "d2", "d3"]),
    body_digest=st.sampled_from(["", "", "", "", "", "b1"]),
    replay_finished=st.sampled_from([True, True, False]),
    lease_ms=st.just(10_000),
    hold_micro_usd=st.sampled_from([0, 0, 1, 40, 100]),
    hold_ms=st.sampled_from([5_000, 120_000]),
    need_micro_usd=st.sampled_from([None, None, 0, 20]),
    hold_tokens=st.sampled_from([0, 7, 30]),
    need_tokens=st.sampled_from([0, 5]),
    budget=st.builds(
        Budget,
        st.sampled_from([0, 0, 150]),
        st.sampled_from([0, 0, 300]),
        st.sampled_from([0, 0, 0, 90]),
        st.sampled_from([0, 0, 0, 120]),
    ),
    shared=st.sampled_from(
        [
            (),
            (SharedBudget("key", "k1", Budget(per_day=200)),),
            (SharedBudget("deployment", "", Budget(300, 500)),),
            (SharedBudget("tier", "pro", Budget(tokens_per_day=100, tokens_per_month=150)),),
            (SharedBudget("key", "k2", Budget(0, 250)), SharedBudget("deployment", "", Budget(300, 500))),
        ]
    ),
)


class Admissions(RuleBasedStateMachine):
    """Two instances with clocks of their own ask one store."""

    def __init__(self) -> None:
        super().__init__()
        self.real = MillisecondClock(BEFORE_MIDNIGHT)
        self.clocks = [SkewedClock(self.real), SkewedClock(self.real)]
        self.store = FakeStore(MemoryStore(self.real.now))
        self.gates = [Gate(self.store, KEYS, clock) for clock in self.clocks]
        self.dedup = Deduplication(self.store, KEYS, self.real)
        self.model = AdmissionModel()
        self.tokens = 0
        self.unsettled: list[Ask] = []

    @rule(milliseconds=st.integers(1, 2_000) | st.sampled_from([60_000, 299_000, 3_600_000, 86_400_000 * 12]))
    def time_passes(self, milliseconds: int) -> None:
        self.real.milliseconds += milliseconds
        if any(record.forgotten_at == self.real.milliseconds for record in self.model.records.values()):
            self.real.milliseconds += 1  # whether a key lives in its very last millisecond is the store's affair

    @rule(instance=st.integers(0, 1), skew=st.integers(-5_000, 5_000))
    def a_clock_is_set(self, instance: int, skew: int) -> None:
        self.clocks[instance].skew_milliseconds = skew

    @rule(ask=ASKS, pauses=st.lists(st.integers(0, 9_000), min_size=1, max_size=9))
    def the_same_request_comes(self, ask: Ask, pauses: list[int]) -> None:
        for pause in pauses:
            self.a_request_comes(pause % 2, ask)
            self.time_passes(pause)

    @rule(asks=st.lists(ASKS, min_size=1, max_size=9), instance=st.integers(0, 1))
    def requests_come(self, asks: list[Ask], instance: int) -> None:
        for ask in asks:
            self.a_request_comes(instance, ask)

    def a_request_comes(self, instance: int, ask: Ask) -> None:
        self.tokens += 1
        ask = replace(ask, token=f"t{self.tokens}")
        before = at_once(self.store.contents())
        verdict, _ = at_once(self.gates[instance].admit(ask))
        after = at_once(self.store.contents())
        expected = self.model.admit(ask, self.clocks[instance].milliseconds, self.real.milliseconds)
        assert in_order(verdict) == expected
        if isinstance(verdict, Admitted):
            self.unsettled.append(ask)
        if isinstance(verdict, Refusal | OverBudget | OtherBody):
            changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            assert changed == locked_by(verdict, ask)

    @rule(instance=st.integers(0, 1), which=st.integers(0, 50), cost=st.integers(0, 120), tokens=st.integers(0, 40))
    def a_request_is_settled(self, instance: int, which: int, cost: int, tokens: int) -> None:
        if not self.unsettled:
            return
        ask = self.unsettled.pop(which % len(self.unsettled))
        now = self.clocks[instance].milliseconds
        settlement = Settlement(
            person=ask.person, token=ask.token, cost_micro_usd=cost, tokens=tokens, shared=ask.shared
        )
        sums = at_once(self.store.run(*settle_command(KEYS, settlement, self.clocks[instance].now())))
        assert sums == self.model.settle(ask, (cost, tokens), now=now, real=self.real.milliseconds)

    @rule(which=st.integers(0, 50), kind=st.sampled_from("DDDE-"))
    def a_claim_ends(self, which: int, kind: str) -> None:
        real = self.real.milliseconds
        records = {digest: self.model.record(digest, real) for digest in self.model.records}
        running = [(digest, record) for digest, record in records.items() if record and record.kind == "F"]
        if not running:
            return
        digest, claim = running[which % len(running)]
        value = f"F{claim.body}\n{claim.text}"
        command, ended = {
            "D": (self.dedup.publish(digest, claim.body, "{}\nanswer", 5_000), ("D", "{}\nanswer", 5_000)),
            "E": (self.dedup.publish_error(digest, value, "error"), ("E", "error", 2_000)),
            "-": (self.dedup.release(digest, value), ("-", "", 0)),
        }[kind]
        at_once(self.store.run(*command))
        self.model.records[digest] = Record(ended[0], claim.body, ended[1], real + ended[2])

    @rule(digest=st.sampled_from(["c1", "c2"]), present=st.booleans())
    def an_answer_is_cached_or_forgotten(self, digest: str, *, present: bool) -> None:
        if present:
            at_once(self.store.run("SET", KEYS.answer(digest), "{}\ncached"))
            self.model.answers[digest] = "{}\ncached"
        else:
            at_once(self.store.run("DEL", KEYS.answer(digest)))
            self.model.answers.pop(digest, None)

    @invariant()
    def no_window_ever_holds_more_than_its_limit(self) -> None:
        for owner in self.model.owners.values():
            for limit in (*TIERS, *CLASSES, ADDRESS):
                assert most_in_any_window(owner, limit) <= limit.maximum


def in_order(verdict: Verdict) -> Verdict:
    """Lost holds are reported in no particular order."""
    if isinstance(verdict, Admitted):
        return replace(verdict, lost_holds=";".join(sorted(verdict.lost_holds.split(";"))))
    return verdict


def locked_by(verdict: Verdict, ask: Ask) -> set[str]:
    """The one key that a refusal may write: the state of the owner it locks out."""
    if not isinstance(verdict, Refusal) or verdict.locked or not verdict.limit.lockout_ms:
        return set()
    return {KEYS.address_state(ask.address) if verdict.limit.by_address else KEYS.user_state(ask.person)}


def most_in_any_window(owner: Owner, limit: Limit) -> int:
    times = owner.admitted[limit.name]
    assert times == sorted(times)
    first, most = 0, 0
    for at, time in enumerate(times):
        while times[first] <= time - limit.window_ms:
            first += 1
        most = max(most, at - first + 1)
    return most


@pytest.mark.slow
def test_every_verdict_is_the_models_whatever_comes_in_whatever_order() -> None:
    """Clocks up to 10 s apart, midnight and month's end, lost holds, duplicates, hits, lockouts, budgets."""
    rules = settings(
        max_examples=80,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Admissions, settings=rules)
