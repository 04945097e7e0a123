"""What admission has to do, said again in the plainest way: lists of times and of sums, no buckets, no packed text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from lib.answer import LimitState
from lib.kv.admission import (
    MONEY,
    STATE_LIFETIME_MS,
    TOKENS,
    Admitted,
    Ask,
    Cached,
    InFlight,
    OtherBody,
    OverBudget,
    Verdict,
    claim_value,
)
from lib.kv.rate_limit import Limit, Refusal


class Spent(NamedTuple):
    """A settled cost."""

    day: str
    micro_usd: int
    tokens: int


class Hold(NamedTuple):
    """What is reserved until `expiry` (ms)."""

    token: str
    micro_usd: int
    expiry: int
    expected: int = 0
    tokens: int = 0


def amount_in(what: Spent | Hold, unit: str) -> int:
    return what.tokens if unit == TOKENS else what.micro_usd


@dataclass
class Owner:
    """A user or an address. Its clock is the latest time any write of its state was made at."""

    clock: int = 0
    forgotten_at: int = 0
    admitted: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))
    """By limit, every time ever."""
    locked: dict[str, int] = field(default_factory=dict[str, int])
    spent: list[Spent] = field(default_factory=list[Spent])
    holds: list[Hold] = field(default_factory=list[Hold])
    """Settled ones are removed, expired ones when they have been reported."""

    def now(self, now: int) -> int:
        return max(now, self.clock)

    def freed_at(self, limit: Limit, now: int) -> list[int]:
        """When each admission that counts at `now` will have left the window: whole seconds count to their end."""
        ends = (time - time % 1000 + 999 + limit.window_ms for time in self.admitted[limit.name])
        return sorted(end for end in ends if end > now)

    def held(self, now: int, unit: str) -> int:
        return sum(amount_in(hold, unit) for hold in self.holds if hold.expiry > now)

    def spent_in(self, period: str, now: int, unit: str) -> int:
        """`period` is `day` or `month`."""
        length = 8 if period == "day" else 6
        present = day_of(now)[:length]
        return sum(amount_in(cost, unit) for cost in self.spent if cost.day[:length] == present)


@dataclass(frozen=True)
class Record:
    """A de-duplication record: kind `F`, `D` or `E`."""

    kind: str
    body: str
    text: str
    forgotten_at: int


def day_of(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y%m%d")


@dataclass
class AdmissionModel:
    """`now` is the caller's clock, `real` the store's, which is what lifetimes go by; both in ms."""

    owners: dict[str, Owner] = field(default_factory=dict[str, Owner])
    records: dict[str, Record] = field(default_factory=dict[str, Record])
    answers: dict[str, str] = field(default_factory=dict[str, str])

    def admit(self, ask: Ask, now: int, real: int) -> Verdict:
        every = [limit for limit in ask.limits if not limit.calls_only]
        calls = [limit for limit in ask.limits if limit.calls_only]
        if refusal := self._refusal(ask, every, now, real):
            return refusal
        record = self.record(ask.duplicate_digest, real)
        if record and record.kind in "DF" and record.body != ask.body_digest:
            return OtherBody()
        found = self._found(ask, record)
        lost = ""
        if found is None:
            if no := self._refusal(ask, calls, now, real) or self._over_budget(ask, now, real):
                return no
            lost = self._take(ask, calls, now, real)
        for limit in every:
            self._count(ask, limit, now, real)
        state = self._state(ask, every, now, real)
        match found:
            case Cached():
                return Cached(found.entry, state, duplicate=found.duplicate)
            case InFlight():
                return InFlight(found.claim, state)
            case _:
                return Admitted(claim_value(ask.body_digest, ask.token), state, lost)

    def settle(self, ask: Ask, cost: tuple[int, int], *, now: int, real: int) -> list[int]:
        """What the day and the month have cost and taken now: the user, then each who shares a budget."""
        owner = self.owner("u" + ask.person, real)
        known = any(hold.token == ask.token for hold in owner.holds)
        sums: list[int] = []
        for each in (owner, *self._sharers(ask, real)):
            at = each.now(now)
            if known:
                each.holds = [hold for hold in each.holds if hold.token != ask.token]
            each.spent.append(Spent(day_of(at), *cost))
            self._saved(each, at, real)
            sums += [each.spent_in(period, at, unit) for unit in (MONEY, TOKENS) for period in ("day", "month")]
        return sums

    def _sharers(self, ask: Ask, real: int) -> list[Owner]:
        return [self.owner(f"b{each.scope} {each.name}", real) for each in ask.shared]

    def record(self, digest: str, real: int) -> Record | None:
        record = self.records.get(digest)
        return record if record and record.forgotten_at > real else None

    def owner(self, name: str, real: int) -> Owner:
        owner = self.owners.get(name)
        if owner is None or owner.forgotten_at <= real:
            owner = self.owners[name] = Owner(forgotten_at=real + 1)
        return owner

    def _owner_of(self, ask: Ask, limit: Limit, real: int) -> Owner:
        return self.owner("a" + ask.address if limit.by_address else "u" + ask.person, real)

    def _refusal(self, ask: Ask, limits: Sequence[Limit], now: int, real: int) -> Refusal | None:
        for limit in limits:
            owner = self._owner_of(ask, limit, real)
            at = owner.now(now)
            if owner.locked.get(limit.name, 0) > at:
                return Refusal(limit, owner.locked[limit.name] - at, locked=True)
            ends = owner.freed_at(limit, at)
            if len(ends) >= limit.maximum:
                if limit.lockout_ms:
                    owner.locked[limit.name] = at + limit.lockout_ms
                    self._saved(owner, at, real)
                return Refusal(limit, max(ends[len(ends) - limit.maximum] - at, limit.lockout_ms))
        return None

    def _found(self, ask: Ask, record: Record | None) -> Cached | InFlight | None:
        if ask.answer_digest in self.answers:
            return Cached(self.answers[ask.answer_digest], None)
        if record and record.kind == "D" and ask.replay_finished:
            return Cached(record.text, None, duplicate=True)
        if record and record.kind == "F":
            return InFlight(claim_value(record.body, record.text), None)
        return None

    def _over_budget(self, ask: Ask, now: int, real: int) -> OverBudget | None:
        money = ask.hold_micro_usd if ask.need_micro_usd is None else ask.need_micro_usd
        budgets = [("user", ask.budget), *((each.scope, each.budget) for each in ask.shared)]
        owners = [self.owner("u" + ask.person, real), *self._sharers(ask, real)]
        for owner, (scope, budget) in zip(owners, budgets, strict=True):
            at = owner.now(now)
            for period, unit, most, need in (
                ("day", MONEY, budget.per_day, money),
                ("month", MONEY, budget.per_month, money),
                ("day", TOKENS, budget.tokens_per_day, ask.need_tokens),
                ("month", TOKENS, budget.tokens_per_month, ask.need_tokens),
            ):
                held = owner.held(at, unit)
                gone = owner.spent_in(period, at, unit) + held
                if most and gone + need > most:
                    return OverBudget(period, gone, most, held, scope, unit)
        return None

    def _take(self, ask: Ask, calls: Sequence[Limit], now: int, real: int) -> str:
        """Claim, reserve and count; what was lost is reported."""
        owner = self.owner("u" + ask.person, real)
        at = owner.now(now)
        if ask.duplicate_digest:
            until = real + ask.lease_ms
            self.records[ask.duplicate_digest] = Record("F", ask.body_digest, ask.token, until)
        lost = [hold for hold in owner.holds if hold.expiry <= at]
        owner.holds = [hold for hold in owner.holds if hold.expiry > at]
        if ask.hold_micro_usd:
            expected = ask.hold_micro_usd if ask.need_micro_usd is None else ask.need_micro_usd
            hold = Hold(ask.token, ask.hold_micro_usd, now + ask.hold_ms, expected, ask.hold_tokens)
            owner.holds.append(hold)
            for sharer in self._sharers(ask, real):
                # What many share is held to the end of the minute.
                sharer.holds.append(hold._replace(expiry=hold.expiry - hold.expiry % 60_000 + 60_000))
                self._saved(sharer, sharer.now(now), real)
        if ask.hold_micro_usd or lost:
            self._saved(owner, at, real)
        for limit in calls:
            self._count(ask, limit, now, real)
        return ";".join(sorted(f"{hold.token},{hold.expected}" for hold in lost))

    def _count(self, ask: Ask, limit: Limit, now: int, real: int) -> None:
        owner = self._owner_of(ask, limit, real)
        at = owner.now(now)
        owner.admitted[limit.name].append(at)
        self._saved(owner, at, real)

    def _saved(self, owner: Owner, at: int, real: int) -> None:
        owner.clock, owner.forgotten_at = at, real + STATE_LIFETIME_MS

    def _state(self, ask: Ask, every: Sequence[Limit], now: int, real: int) -> LimitState | None:
        if not every:
            return None
        limit, owner = every[0], self._owner_of(ask, every[0], real)
        at = owner.now(now)
        ends = owner.freed_at(limit, at)
        remaining = max(0, limit.maximum - len(ends))
        return LimitState(limit.name, limit.maximum, remaining, limit.window_ms // 1000, -(-(ends[0] - at) // 1000))
