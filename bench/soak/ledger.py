"""The promises that only the whole run shows (pure): limits, books, single flight, nobody's answer to somebody else.

Three ledgers are compared: what the driver sent and got, what the provider was asked, and the usage records.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from bench.soak.exchange import Outcome
from bench.soak.faults import BAD_PARAMETER
from bench.soak.judge import call_number
from lib.ai.observability.record import ABOUT_OTHERS, FOUND, LOST, OPEN, UNDONE, UsageRecord
from lib.ai.observability.totals import Totals, totals_of

AFTERMATH_SECONDS: Final = 8.0
"""How long a store fault or a kill still shows: a probe may wait for 1.5 s, then the store's circuit stays open 5 s."""
OVERLAP_SECONDS: Final = 0.5
"""How much later the provider may notice that a call was given up."""
TWINS_WITHIN_SECONDS: Final = 4.0
"""Duplicates sent within this of each other's answers are one request; the window is 5 s."""


REFUSED: Final = frozenset({"rate_limit_exceeded", "budget_exceeded", "idempotency_key_reused", "overloaded"})
"""Error codes of requests that were not let in; their records come together, a second's at a time."""


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One line of the provider's ledger."""

    number: int
    marker: str
    model: str
    """Catalogue name."""
    fault: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Span:
    """Something was wrong from one moment to another."""

    begin: float
    end: float
    instance: int | None = None
    """The one that was away; None for the store."""

    def touches(self, begin: float, end: float) -> bool:
        """Whether the two have a moment in common, the aftermath included."""
        return begin <= self.end + AFTERMATH_SECONDS and end >= self.begin - OVERLAP_SECONDS


@dataclass(frozen=True, slots=True)
class Rules:
    """What the product was configured with."""

    limits: Mapping[str, int]
    """Requests a minute by tier."""
    budgets: Mapping[str, int]
    """Micro-dollars a day by tier."""
    catalogue: Mapping[str, str]
    """Catalogue name by name asked for, where one model is meant."""


@dataclass
class Ledgers:
    """Everything that was seen."""

    outcomes: list[Outcome]
    calls: list[ProviderCall]
    records: list[UsageRecord]
    """In the store's usage log."""
    logged: list[UsageRecord]
    """In the instances' process logs."""
    rules: Rules
    store_faults: list[Span] = field(default_factory=list[Span])
    kills: list[Span] = field(default_factory=list[Span])

    def undisturbed(self, outcome: Outcome) -> bool:
        """Whether neither store nor instances were in trouble while the request ran, and none was felt."""
        spans = [*self.store_faults, *self.kills]
        felt = "x-ai-degraded" in outcome.headers  # a starved machine can let the store's time run out
        return not felt and not any(span.touches(outcome.sent_at, outcome.ended_at) for span in spans)

    def degraded_for_no_fault(self) -> int:
        """Answers given without the store although no fault of it was on."""
        degraded = [outcome for outcome in self.outcomes if "x-ai-degraded" in outcome.headers]
        return sum(not any(s.touches(o.sent_at, o.ended_at) for s in self.store_faults) for o in degraded)

    def killed(self, outcome: Outcome) -> bool:
        """Whether its instance was killed while it ran or settled."""
        return any(
            span.instance == outcome.order.instance and span.touches(outcome.sent_at, outcome.ended_at)
            for span in self.kills
        )

    def forgotten(self, outcome: Outcome) -> bool:
        """Whether its instance was killed while it may have kept the record: at once, or for want of the store."""
        mine = [kill for kill in self.kills if kill.instance == outcome.order.instance]
        kept = [span for span in self.store_faults if span.touches(outcome.sent_at, outcome.ended_at)]
        return self.killed(outcome) or any(span.touches(kill.begin, kill.begin) for kill in mine for span in kept)


def crossed(ledgers: Ledgers) -> Iterator[str]:
    """1: an answer, known by the provider's call that it came from, reaches one user only."""
    users: defaultdict[int, set[str]] = defaultdict(set)
    for outcome in ledgers.outcomes:
        number = call_number(outcome.text) if outcome.succeeded else None
        if number is not None:
            users[number].add(outcome.order.user)
    for number, those in users.items():
        if len(those) > 1:
            yield f"call {number} was answered to {sorted(those)}"


def over_limit(ledgers: Ledgers) -> Iterator[str]:
    """2: no 60 seconds hold more admitted requests of one user than the limit; only what is certain is counted.

    A request was admitted between its sending and its status line, so those that lie wholly within a minute count.
    """
    by_user: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in ledgers.outcomes:
        if was_admitted(outcome) and ledgers.undisturbed(outcome):
            by_user[outcome.order.user].append(outcome)
    for user, those in by_user.items():
        limit = ledgers.rules.limits[those[0].order.tier]
        for first in those:
            begin = first.sent_at
            within = sum(1 for o in those if o.sent_at >= begin and (o.first_at or o.ended_at) <= begin + 60)
            if within > limit:
                yield f"{user}: {within} admitted within a minute, the limit is {limit}"
                break


def was_admitted(outcome: Outcome) -> bool:
    """Whether the answer proves that the request passed its limits."""
    if outcome.order.kind == "bad" or not outcome.status:
        return False
    return outcome.code not in REFUSED


def overspent(ledgers: Ledgers, persons: Mapping[str, str]) -> Iterator[str]:
    """3: nobody has spent more than their budget. `persons` gives the user's hash."""
    spent: Counter[str] = Counter()
    for record in closed(ledgers.records):
        spent[record.person] += record.cost_micro_usd
    tiers = {outcome.order.user: outcome.order.tier for outcome in ledgers.outcomes}
    for user, tier in tiers.items():
        budget = ledgers.rules.budgets.get(tier, 0)
        if budget and spent[persons[user]] > budget:
            yield f"{user} has spent {spent[persons[user]]} of {budget} micro-dollars"


def unexplained(ledgers: Ledgers) -> Iterator[str]:
    """4: a 5xx has a cause at the provider, or is the refusal of a tier that is closed while the store is away."""
    faulty = [call.began for call in ledgers.calls if call.fault]
    for outcome in ledgers.outcomes:
        if outcome.status < 500 or outcome.code == "overloaded":
            continue
        if not any(outcome.sent_at - 60 <= at <= outcome.ended_at for at in faulty):
            yield f"{outcome.order.tag}: {outcome.status} {outcome.error} without a fault of the provider"


def miscounted(ledgers: Ledgers) -> Iterator[str]:
    """6: one usage record per request once the books are closed, and what was opened was closed or is lost."""
    stored, logged = by_tag(closed(ledgers.records)), by_tag(ledgers.logged)
    asked = {call.marker for call in ledgers.calls}
    for outcome in ledgers.outcomes:
        order = outcome.order
        if order.kind == "bad" or outcome.code in REFUSED:
            continue
        here, there = len(stored[order.tag]), len(logged[order.tag])
        if here > 1:
            kinds = [f"{r.kind} {r.request_id}" for r in stored[order.tag]]
            yield f"{order.tag}: {here} records in the store: {kinds}"
        elif not here and not _may_be_missing(ledgers, outcome, asked):
            yield f"{order.tag} ({order.kind}, {outcome.status}): no record in the store, {there} in the log"
    for tag in stored.keys() - {outcome.order.tag for outcome in ledgers.outcomes}:
        yield f"{tag}: a record of a request that was never sent"


def _may_be_missing(ledgers: Ledgers, outcome: Outcome, asked: set[str]) -> bool:
    """Whether the product may never have begun with the request, or was killed before it could announce its call."""
    if ledgers.killed(outcome):
        unannounced = any(span.touches(outcome.sent_at, outcome.ended_at) for span in ledgers.store_faults)
        return unannounced or not (outcome.order.kind == "unique" and outcome.order.marker in asked)
    return outcome.left and not _was_heard(outcome, asked)


def closed(records: Iterable[UsageRecord]) -> list[UsageRecord]:
    """What is booked at the end: no announcements, and nothing that was taken back.

    A request may be booked as a hit, have that undone, and end as a hit of the same kind after all.
    """
    records = list(records)
    taken_back = Counter((r.request_id, LOST) for r in records if r.kind == FOUND)
    taken_back += Counter((r.request_id, r.kind.removeprefix(UNDONE)) for r in records if r.kind.startswith(UNDONE))
    booked: list[UsageRecord] = []
    for record in records:
        named = record.request_id, record.kind
        if record.kind in ABOUT_OTHERS - {LOST}:
            continue
        if taken_back[named]:
            taken_back[named] -= 1
        else:
            booked.append(record)
    return booked


def still_open(records: Iterable[UsageRecord]) -> Iterator[str]:
    """15: what was opened in the books has been closed, or counts as lost."""
    records = list(records)
    ended = {record.request_id for record in records if record.kind != OPEN}
    for record in records:
        if record.kind == OPEN and record.request_id not in ended:
            yield f"{record.request_id} was opened and never closed"


def _was_heard(outcome: Outcome, asked: set[str]) -> bool:
    """Whether a client that left certainly got its body across: the provider was asked, or a second has passed."""
    order = outcome.order
    return (order.kind == "unique" and order.marker in asked) or (order.leaves_after or 0.0) >= 1.0


def only_logged(ledgers: Ledgers) -> int:
    """Records that the store never got: for want of a certain answer they are in the process log alone."""
    stored = {record.request_id for record in closed(ledgers.records)}
    return sum(1 for record in ledgers.logged if record.request_id not in stored and record.kind != "refused")


def refusals(ledgers: Ledgers) -> tuple[int, int]:
    """Refusals that callers got, and those in the books, which come together within a second."""
    got = sum(1 for outcome in ledgers.outcomes if outcome.code in REFUSED)
    return got, sum(record.count for record in ledgers.records if record.kind == "refused")


def miscounted_refusals(ledgers: Ledgers) -> Iterator[str]:
    """6: refusals are booked in sums; only what was gathered when an instance was killed may be missing."""
    given, booked = refusals(ledgers)
    unheard = sum(1 for outcome in ledgers.outcomes if outcome.left or outcome.broke)
    killed = sum(1 for outcome in ledgers.outcomes if outcome.code in REFUSED and ledgers.forgotten(outcome))
    if not given - killed <= booked <= given + unheard:
        yield f"{given} refusals were given ({killed} around kills), {booked} are booked"


def by_tag(records: Iterable[UsageRecord]) -> defaultdict[str, list[UsageRecord]]:
    """Records by the tag that names their order."""
    found: defaultdict[str, list[UsageRecord]] = defaultdict(list)
    for record in records:
        for tag in record.tags:
            found[tag].append(record)
    return found


def unequal_sums(records: Sequence[UsageRecord], views: Mapping[str, Totals]) -> Iterator[str]:
    """7: the totals by user, by model and by day are each the sum of the records."""
    expected = sum((totals_of(record) for record in records), Totals())
    for name, totals in views.items():
        if totals != expected:
            yield f"{name} add up to {totals}, the records to {expected}"


def second_flights(ledgers: Ledgers) -> Iterator[str]:
    """8: while the store is well, identical requests never have two calls under way, and get one answer."""
    grouped: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in ledgers.outcomes:
        if outcome.order.group:
            grouped[outcome.order.group].append(outcome)
    calls: defaultdict[str, list[ProviderCall]] = defaultdict(list)
    for call in ledgers.calls:
        calls[call.marker].append(call)
    for group, those in grouped.items():
        if not all(ledgers.undisturbed(outcome) for outcome in those):
            continue
        mine = sorted(calls[those[0].order.marker], key=lambda call: call.began)
        for one, two in pairwise(mine):
            if two.began < one.ended - OVERLAP_SECONDS:
                yield f"{group}: calls {one.number} and {two.number} ran at the same time"
        yield from _several_answers(group, those)


def _several_answers(group: str, those: list[Outcome]) -> Iterator[str]:
    stayed = [outcome for outcome in those if not outcome.left]
    ends = [outcome.ended_at for outcome in stayed]
    if not all(outcome.succeeded for outcome in stayed) or max(ends) - min(ends) > TWINS_WITHIN_SECONDS:
        return
    answers = {outcome.text for outcome in stayed}
    if len(answers) > 1:
        yield f"{group}: {len(stayed)} identical requests got {len(answers)} answers"


def hidden_mistakes(ledgers: Ledgers) -> Iterator[str]:
    """10: where the provider says that the request is at fault, the caller is told, whatever else could answer."""
    wrong = {call.marker for call in ledgers.calls if call.fault == BAD_PARAMETER}
    for outcome in ledgers.outcomes:
        if outcome.order.kind == "unique" and outcome.order.marker in wrong and outcome.succeeded:
            yield f"{outcome.order.tag}: a success although the provider refused its request with 400"


def other_models(ledgers: Ledgers) -> Iterator[str]:
    """11: the answer names the model that wrote it; what another model wrote is never a cached answer."""
    calls = {call.number: call for call in ledgers.calls}
    for outcome in ledgers.outcomes:
        number = call_number(outcome.text) if outcome.succeeded else None
        call = calls.get(number) if number is not None else None
        if number is None:
            continue
        if call is None or call.marker != outcome.order.marker:
            yield f"{outcome.order.tag}: an answer from a call that was not its own: {number}"
            continue
        named = outcome.headers.get("x-ai-model", "")
        if named != call.model:
            yield f"{outcome.order.tag}: {call.model} answered, the header says {named}"
        asked = ledgers.rules.catalogue.get(outcome.order.model)
        if asked and outcome.headers.get("x-cache") == "HIT (exact)" and call.model != asked:
            yield f"{outcome.order.tag}: {call.model}'s answer was cached for {asked}"


def too_many_calls(ledgers: Ledgers, most: int) -> Iterator[str]:
    """10: a single request never costs more than `most` calls."""
    counts = Counter(call.marker for call in ledgers.calls)
    for outcome in ledgers.outcomes:
        if outcome.order.kind == "unique" and counts[outcome.order.marker] > most:
            yield f"{outcome.order.tag}: {counts[outcome.order.marker]} calls for one request"


def unpaid(ledgers: Ledgers) -> Iterator[str]:
    """6, from the provider's side: a single request that was answered by a call has a record with what it cost."""
    stored = by_tag(closed(ledgers.records))
    for outcome in ledgers.outcomes:
        if outcome.order.kind != "unique" or not outcome.succeeded or outcome.headers.get("x-cache", "")[:3] == "HIT":
            continue
        records = stored[outcome.order.tag]
        if records and not any(record.cost_micro_usd > 0 and record.kind in ("call", LOST) for record in records):
            yield f"{outcome.order.tag}: answered by a call, booked as {[r.kind for r in records]}"
