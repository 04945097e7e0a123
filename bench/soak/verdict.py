"""The checks after the run, by the numbers of the invariants, and the summary."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.soak import books, ledger
from bench.soak.books import Key
from bench.soak.deployment import NAMESPACE, STABLE, STORE_TOKEN, Deployment
from bench.soak.exchange import Outcome
from bench.soak.ledger import Ledgers, Rules, Span
from bench.soak.processes import flatness, growth, longest_life
from bench.soak.run import Run, calls_in
from dev import kv
from dev.reconcile.command import closing, reconcile, unbooked
from lib.ai.observability.sweep import Sweep
from lib.app import real_world
from lib.composition import Gateway
from tests.support.breakable_server import BreakableServer

MOST_CALLS: Final = 12
"""Three tries at each model of a chain."""
SHOWN: Final = 8
"""Violations of one kind."""
JUDGED_SECONDS: Final = 600.0
"""A process that has lived for less still warms up."""
GROWTH_MEGABYTES: Final = 4.0
"""Over the last two thirds of a run. Answers with an Idempotency-Key are remembered for a day, up to 8 MB of them."""
MORE_FILES: Final = 10
MORE_TASKS: Final = 4


@dataclass(frozen=True, slots=True)
class Check:
    """One promise and what broke it."""

    name: str
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left after the run, ready to be checked."""

    run: Run
    ledgers: Ledgers
    keys: Sequence[Key]
    persons: dict[str, str]
    """Hashes by user."""
    said: Sequence[str]
    """By the reconciliation."""


async def seen(run: Run, folder: Path) -> Seen:
    """Add the books up, then read everything."""
    kept(run, folder)
    gateway, said = await _balanced(run.site)
    keys = await books.keys_of(run.site.redis_url)
    users = {outcome.order.user for outcome in run.outcomes}
    table = gateway.table
    catalogue = {row.wire_name: row.id for row in gateway.catalog.models if row.provider in gateway.lines}
    asked = {"gpt-4o": "openai/gpt-4o"} | {row.id: row.id for row in gateway.catalog.models}
    rules = Rules(
        limits={tier.name: tier.limit for tier in table.tiers},
        budgets={tier.name: tier.budget.per_day for tier in table.tiers},
        catalogue=asked,
    )
    ledgers = Ledgers(
        run.outcomes,
        calls_in(folder / "calls.jsonl", catalogue),
        books.records_in(keys, NAMESPACE),
        books.records_logged(run.site.logs),
        rules,
        run.weather.store_faults,
        run.weather.kills,
    )
    return Seen(run, ledgers, keys, {user: gateway.keys.person(user) for user in users}, said)


def kept(run: Run, folder: Path) -> None:
    """Write down what the driver saw, for whoever looks into a violation."""
    weather = {"store": [asdict(span) for span in run.weather.store_faults], "faults": run.weather.names}
    weather |= {"kills": [asdict(s) for s in run.weather.kills], "stale": [asdict(s) for s in run.weather.stale]}
    (folder / "weather.json").write_text(json.dumps(weather))
    samples = {child.name: [asdict(sample) for sample in child.samples] for child in run.site.children}
    (folder / "samples.json").write_text(json.dumps(samples))
    with (folder / "outcomes.jsonl").open("w", encoding="utf-8") as file:
        for outcome in run.outcomes:
            fields = {**vars(outcome), "order": {**asdict(outcome.order), "raw": None}}
            file.write(json.dumps(fields) + "\n")


async def _balanced(site: Deployment) -> tuple[Gateway, list[str]]:
    """A gateway over the same store once its books are closed, and what closing them said.

    Nothing runs any more, so whatever is still open is lost, sooner than while a function might yet close it.
    """
    server = BreakableServer(kv.create(token=STORE_TOKEN, backend=site.redis_url))
    async with server:
        env = {**site.environment, "UPSTASH_REDIS_REST_URL": server.url}
        async with closing(Gateway(real_world(env))) as gateway:
            sweep = Sweep(gateway.store, gateway.keys, gateway.log, gateway.world.clock, open_at_most=0.0)
            lines = [line for log in site.logs for line in log.read_text("utf-8", "replace").splitlines()]
            late = unbooked(lines, every=True)
            said = await reconcile(gateway, imported=late)
            said += [f"lost: {record.request_id}" for record in await sweep.run()]
            return gateway, said + await reconcile(gateway)


def checks(found: Seen) -> list[Check]:
    """All of them."""
    ledgers, keys = found.ledgers, found.keys
    rows: dict[str, Iterator[str] | list[str]] = {
        "every answer its own, whole, in time, with a known status (1, 5)": found.run.violations,
        "no answer to two users (1)": ledger.crossed(ledgers),
        "admitted at most the limit in any minute (2)": ledger.over_limit(ledgers),
        "no budget overspent (3)": ledger.overspent(ledgers, found.persons),
        "no 5xx without a fault of the provider (4)": ledger.unexplained(ledgers),
        "one usage record per request (6)": ledger.miscounted(ledgers),
        "every refusal is booked (6)": ledger.miscounted_refusals(ledgers),
        "a call's answer has a price in the books (6)": ledger.unpaid(ledgers),
        "users = models = days = records (7)": ledger.unequal_sums(ledgers.records, books.totals_in(keys, NAMESPACE)),
        "reconciliation finds no difference (7)": [line for line in found.said if line.startswith("differs: ")],
        "what was opened is closed or lost (15)": ledger.still_open(ledgers.records),
        "one call for identical requests (8)": ledger.second_flights(ledgers),
        "no claim left over (8)": books.left_over(keys, NAMESPACE),
        "no hold left over (3)": lost_holds(found),
        "a caller's mistake is never hidden, calls are bounded (10)": [
            *ledger.hidden_mistakes(ledgers),
            *ledger.too_many_calls(ledgers, MOST_CALLS),
        ],
        "the model that answered is named, and cached as itself (11)": ledger.other_models(ledgers),
        "keys: namespace, lifetime, nobody named (9, 12)": books.key_faults(keys, NAMESPACE),
        "logs: no secret, no person, no prompt, no traceback (12)": books.log_faults(found.run.site.logs),
        "memory, sockets and tasks flat": resource_faults(found.run),
    }
    return [Check(name, tuple(violations)) for name, violations in rows.items()]


def lost_holds(found: Seen) -> Iterator[str]:
    """Money still held, but for requests that a kill or a fault of the store kept from settling: those holds expire."""
    by_id = {o.headers.get("x-request-id", ""): o for o in found.ledgers.outcomes}
    for token in books.holds_in(found.keys, NAMESPACE):
        outcome = by_id.get(token)
        if outcome and found.ledgers.undisturbed(outcome):
            yield f"{outcome.order.tag}: money is still held for {token}"


def resource_faults(run: Run) -> Iterator[str]:
    """What has grown in the instance that was never killed."""
    child = run.site.instances[STABLE]
    life = longest_life(child.samples)
    if life and life[-1].at - life[0].at >= JUDGED_SECONDS and growth(life) > GROWTH_MEGABYTES:
        yield f"{child.name} grew by {growth(life):.1f} MB in the last two thirds of the run"
    for name, (before, after) in run.idle.items():
        if after > before + MORE_TASKS:
            yield f"{name} has {after} tasks when idle, it had {before}"
    for name, (before, after) in run.idle_files.items():
        if after > before + MORE_FILES:
            yield f"{name} has {after} open files when idle, it had {before}"


def summary(found: Seen, done: list[Check]) -> str:
    """The run in figures, each check, and the verdict as the last line."""
    broken = sum(len(check.violations) for check in done)
    verdict = f"verdict: {'everything held' if not broken else f'{broken} violations'}"
    figures = [f"{name:<19}{value}" for name, value in _figures(found).items()]
    return "\n".join([*figures, "", *(line for check in done for line in _shown(check)), verdict])


def _figures(found: Seen) -> dict[str, object]:
    run, ledgers, weather = found.run, found.ledgers, found.run.weather
    got, booked = ledger.refusals(ledgers)
    reads, wrong = weather.stale_reads
    faults = Counter(call.fault for call in ledgers.calls if call.fault)
    answers = [outcome for outcome in run.outcomes if outcome.status == 200]
    return {
        "requests": f"{len(run.outcomes)}, at most {run.peak} at a time",
        "by kind": _counted(outcome.order.kind for outcome in run.outcomes),
        "by ending": _counted(_ending(outcome) for outcome in run.outcomes),
        "by error": _counted(outcome.code for outcome in run.outcomes if outcome.code),
        "by cache": _counted(outcome.headers.get("x-cache", "-") for outcome in answers),
        "degraded answers": f"{sum('x-ai-degraded' in outcome.headers for outcome in answers)},"
        f" {ledgers.degraded_for_no_fault()} of them while no fault was on",
        "seconds": _quantiles(outcome for outcome in run.outcomes if not outcome.left and not outcome.broke),
        "seconds, degraded": _quantiles(outcome for outcome in answers if "x-ai-degraded" in outcome.headers),
        "provider calls": f"{len(ledgers.calls)}, {faults.total()} with a fault of {len(faults)} kinds",
        "provider storms": weather.storms,
        "store faults": f"{len(weather.names)} of {len(set(weather.names))} kinds, {_length(weather.store_faults)} s",
        "stale reads": f"{reads} in {_length(weather.stale)} s, {wrong} of them wrong",
        "kills": len(weather.kills),
        "records, store": _counted(record.kind for record in ledgers.records),
        "records, logs": f"{len(ledgers.logged)}, {ledger.only_logged(ledgers)} of them in no store",
        "reconciliation": _counted(line.partition(": ")[0] for line in found.said),
        "refusals": f"{got} given, {booked} booked",
        "holds left": f"{len(books.holds_in(found.keys, NAMESPACE))}, of requests that were cut off; they expire",
        "keys": len(found.keys),
        **{child.name: flatness(child.samples) for child in run.site.children},
        "idle tasks": run.idle,
        "idle files": run.idle_files,
    }


def _shown(check: Check) -> Iterator[str]:
    yield f"{'FAIL' if check.violations else 'ok  '} {check.name}"
    for violation in check.violations[:SHOWN]:
        yield f"       {violation}"
    if len(check.violations) > SHOWN:
        yield f"       … and {len(check.violations) - SHOWN} more"


def _quantiles(outcomes: Iterator[Outcome]) -> str:
    seconds = sorted(outcome.ended_at - outcome.sent_at for outcome in outcomes) or [0.0]
    return ", ".join(f"p{q} {seconds[min(len(seconds) - 1, len(seconds) * q // 100)]:.2f}" for q in (50, 95, 99, 100))


def _counted(words: Iterator[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(words).most_common())


def _ending(outcome: Outcome) -> str:
    if outcome.left:
        return "hung up"
    if outcome.broke:
        return "cut by a kill"
    cut = " then an error" if outcome.status == 200 and outcome.error else ""
    return f"{outcome.status}{cut}"


def _length(spans: list[Span]) -> int:
    return round(sum(span.end - span.begin for span in spans))
