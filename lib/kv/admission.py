"""Admission: one round trip decides whether a request may run, is a duplicate, is cached, or must wait its turn.

All of it is one Lua script, so it is all or nothing: a refused request consumes nothing and claims nothing.
The reads that ride along (model health) share the round trip, not the script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lib.answer import LimitState
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.budget_book import BudgetBook
from lib.kv.keys import Keys, day_of
from lib.kv.lua import script
from lib.kv.rate_limit import Limit, Refusal
from lib.kv.replies import Command, Reply
from lib.kv.retention import RETENTION, Retention
from lib.kv.store import Store
from lib.tiers import NO_BUDGET, Budget

MONEY: Final = "usd"
TOKENS: Final = "tokens"
STATE_LIFETIME_MS: Final = 35 * 86_400_000
"""Outlives a month's budget and every record that names the user."""


@dataclass(frozen=True, slots=True)
class SharedBudget:
    """A budget that a request draws on beside its user's own."""

    scope: str
    """`key`, `tier` or `deployment`."""
    name: str
    """Which one: the public id of a key, the name of a tier; empty for the deployment."""
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one request asks of the KV. Digests are '' where that part is switched off."""

    person: str
    """The user's hash."""
    token: str
    """Unlike any other request's: owns the claim and the hold."""
    address: str = ""
    """The client address's hash."""
    limits: tuple[Limit, ...] = ()
    answer_digest: str = ""
    duplicate_digest: str = ""
    body_digest: str = ""
    """Of the body sent under an Idempotency-Key, so that another body under the same key is noticed."""
    replay_finished: bool = True
    """May a finished duplicate's answer be replayed, or only one in flight be joined?"""
    lease_ms: int = 0
    hold_micro_usd: int = 0
    """The most that it may cost, which is what all others must leave."""
    need_micro_usd: int | None = None
    """What it is expected to cost, which is what must be left for it; None for as much as the hold."""
    hold_tokens: int = 0
    need_tokens: int = 0
    """The same in tokens."""
    hold_ms: int = 0
    budget: Budget = NO_BUDGET
    shared: tuple[SharedBudget, ...] = ()
    gives_back: tuple[SharedBudget, ...] | None = None
    """Where the request is in already, and is asked about again: those it shares what it holds with."""
    record: str = ""
    """The usage record up to its kind, booked by the script if this turns out to be a hit."""
    intent: str = ""
    """What makes `record` the one written ahead of a call, so that a function that dies is missed."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Go on and call a model. `claim` is the de-duplication record's value while it is ours."""

    claim: str
    limit: LimitState | None
    lost_holds: str = ""
    """`token,micro-dollars;…` of requests whose function died before it settled; the script has reopened them in the
    usage log, where the sweep finds out what became of them."""
    log_length: int = 0
    """Of the usage log, if the script has written to it."""


@dataclass(frozen=True, slots=True)
class Cached:
    """The answer is stored. `duplicate` tells a finished duplicate from a cached answer."""

    entry: str
    limit: LimitState | None
    log_length: int = 0
    """Of the usage log, now that the script has booked this hit in it."""
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class InFlight:
    """The same request runs elsewhere; `claim` is its record."""

    claim: str
    limit: LimitState | None


@dataclass(frozen=True, slots=True)
class OverBudget:
    """The hold would not fit. `period` is `day` or `month`; amounts are in the budget's unit."""

    period: str
    taken: int
    """Spent and held."""
    limit: int
    held: int = 0
    """The part that is held by requests in flight."""
    scope: str = "user"
    """Whose budget: `user`, `key`, `tier` or `deployment`."""
    unit: str = MONEY
    """`usd`, counted in micro-dollars, or `tokens`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a request has really cost."""

    person: str
    token: str
    cost_micro_usd: int
    tokens: int = 0
    shared: tuple[SharedBudget, ...] = ()
    """Those of its admission."""


@dataclass(frozen=True, slots=True)
class OtherBody:
    """The idempotency key was used with another body."""


Verdict: TypeAlias = Admitted | Cached | InFlight | Refusal | OverBudget | OtherBody


class Gate:
    """Asks the KV for admission. Raises StoreError when the KV cannot say."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        clock: Clock,
        retention: Retention = RETENTION,
        budgets: BudgetBook | None = None,
    ) -> None:
        self._retention = retention
        self._budgets = budgets
        self._store = store
        self._keys = keys
        self._clock = clock
        self._script = script("state", "admit")

    async def admit(self, ask: Ask, ride: Sequence[Command] = ()) -> tuple[Verdict, list[Reply | StoreError]]:
        """One round trip; `ride` are read commands that share it and whose replies come back beside the verdict."""
        budgets = self._budgets.read_command() if self._budgets else []
        back = [] if ask.gives_back is None else [self._give_back(ask, ask.gives_back)]
        reply, *rest = (await self._store.run_many([*back, self._command(ask), *ride, *budgets]))[len(back) :]
        if self._budgets and budgets:
            self._budgets.learn(rest.pop())
        if isinstance(reply, StoreError):
            raise reply
        return read_verdict(ask, reply), rest

    def _give_back(self, ask: Ask, shared: tuple[SharedBudget, ...]) -> Command:
        settlement = Settlement(person=ask.person, token=ask.token, cost_micro_usd=0, shared=shared)
        return (*settle_command(self._keys, settlement, self._clock.now()), "held")

    def _command(self, ask: Ask) -> Command:
        now = self._clock.now()
        day, now_ms = day_of(now), int(now * 1000)
        named = self._named(ask, day)
        arguments: list[str | int] = [
            now_ms,
            ask.token,
            ask.lease_ms if ask.duplicate_digest else 0,
            int(bool(ask.answer_digest)),
            int(ask.replay_finished),
            ask.hold_micro_usd,
            now_ms + ask.hold_ms,
            day,
            day[:6],
            STATE_LIFETIME_MS,
            ask.record,
            self._retention.log_seconds,
            ask.body_digest,
            ask.intent,
            ask.hold_micro_usd if ask.need_micro_usd is None else ask.need_micro_usd,
            ask.hold_tokens,
            ask.need_tokens,
        ]
        for budget in (ask.budget, *(each.budget for each in ask.shared)):
            arguments += budget.rows
        for limit in ask.limits:
            owner, when = "a" if limit.by_address else "u", "call" if limit.calls_only else "every"
            arguments += (owner, limit.name, limit.maximum, limit.window_ms, limit.lockout_ms, when)
        return ("EVAL", self._script, len(named), *named, *arguments)

    def _named(self, ask: Ask, day: str) -> tuple[str, ...]:
        """Redis wants every key named; an unused one is named after the user so that nobody else waits for its lock."""
        keys = self._keys
        state = keys.user_state(ask.person)
        unused = state + ":-"
        return (
            state,
            keys.address_state(ask.address) if ask.address else unused,
            keys.answer(ask.answer_digest) if ask.answer_digest else unused,
            keys.duplicate(ask.duplicate_digest) if ask.duplicate_digest else unused,
            keys.log(day, keys.shard(ask.person)),
            *(keys.shared_spend(each.scope, each.name) for each in ask.shared),
        )


def claim_value(body_digest: str, token: str) -> str:
    """The de-duplication record of a request in flight."""
    return f"F{body_digest}\n{token}"


def read_verdict(ask: Ask, reply: Reply) -> Verdict:
    """Turn the script's reply into a verdict. Raises StoreError when it is none of the script's."""
    match reply:
        case [0, str(lost), int(used), int(reset), int(logged)]:
            state = limit_state(ask.limits, used, reset)
            return Admitted(claim_value(ask.body_digest, ask.token), state, lost, logged)
        case [1, str(entry), int(used), int(reset), int(logged)]:
            return Cached(entry, limit_state(ask.limits, used, reset), logged)
        case [2, str(record), int(used), int(reset), int()]:
            return InFlight(record, limit_state(ask.limits, used, reset))
        case [3, str(record), int(used), int(reset), int(logged)]:
            state = limit_state(ask.limits, used, reset)
            return Cached(record.partition("\n")[2], state, logged, duplicate=True)
        case [(4 | 5) as code, str(name), int(wait), int()] if limit := limit_named(ask.limits, name):
            return Refusal(limit, wait, locked=code == 5)
        case [6, str(period), int(taken), int(limit), int(held), int(whose), int(unit)] if whose <= len(ask.shared):
            scope = ask.shared[whose - 1].scope if whose else "user"
            return OverBudget(period, taken, limit, held, scope, MONEY if unit == 1 else TOKENS)
        case [7, *_]:
            return OtherBody()
        case _:
            raise StoreError("the admission script answered with something else")


def settle_command(keys: Keys, ask: Settlement, now: float) -> Command:
    """Takes the hold off and books the cost; the reply is for `spent_of`."""
    day = day_of(now)
    shared = (keys.shared_spend(each.scope, each.name) for each in ask.shared)
    named = (keys.user_state(ask.person), keys.tombstone(ask.person), *shared)
    sums = (int(now * 1000), ask.token, ask.cost_micro_usd, day, day[:6], STATE_LIFETIME_MS, ask.tokens)
    return ("EVAL", script("state", "settle"), len(named), *named, *sums)


def limit_named(limits: Sequence[Limit], name: str) -> Limit | None:
    """The limit of that name."""
    return next((limit for limit in limits if limit.name == name), None)


def limit_state(limits: Sequence[Limit], used: int, reset_ms: int) -> LimitState | None:
    """The state of the first limit on every request, for the rate-limit headers; None where there is none."""
    first = next((limit for limit in limits if not limit.calls_only), None)
    if first is None:
        return None
    return LimitState(
        name=first.name,
        limit=first.maximum,
        remaining=max(0, first.maximum - used),
        window_seconds=first.window_ms // 1000,
        reset_seconds=-(-reset_ms // 1000),
    )
