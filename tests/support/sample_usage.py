"""A month of made-up usage in the books, always the same: working days, four models, some users who spend more."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lib.ai.observability.log import DAY_SECONDS
from lib.ai.observability.record import UsageRecord
from lib.answer import Attempt, Usage
from lib.composition import Gateway
from lib.kv.keys import Keys, day_of

MODELS: Final = (
    ("openai/gpt-4o-mini", 46, 900, 0.15, 0.60),
    ("anthropic/claude-sonnet-4-5", 24, 2_600, 3.0, 15.0),
    ("google/gemini-2.5-flash", 20, 700, 0.30, 2.50),
    ("openai/gpt-4o", 10, 1_500, 2.50, 10.0),
)
"""Name, how often of a hundred, usual milliseconds, dollars per million tokens in and out."""
TASKS: Final = ("simple_chat", "code_generation", "summarization", "data_analysis", "translation")
KINDS: Final = (("call", 66), ("exact", 24), ("duplicate", 5), ("error", 2), ("hangup", 2), ("refused", 1))
USERS: Final = 18
PER_DAY: Final = 60
AT_ONCE: Final = 400
REASON: Final = "code_generation, moderately complex: best expected quality for the price among 6 models that fit"


def records(keys: Keys, until: float, days: int = 30) -> Iterator[UsageRecord]:
    """In order of time, up to `until` (seconds since the epoch)."""
    chance = random.Random(7)
    for back in range(days - 1, -1, -1):
        start = (until // DAY_SECONDS - back) * DAY_SECONDS
        working = 0.35 if (start // DAY_SECONDS + 4) % 7 in (0, 6) else 1.0
        wanted = int(PER_DAY * working * (0.8 + 0.4 * (days - back) / days) * (4 if back < 2 else 1))
        moments = sorted(start + DAY_SECONDS * _hour(chance) for _ in range(wanted))
        for at in moments:
            if at <= until:
                yield _record(keys, chance, at)


def _hour(chance: random.Random) -> float:
    return (0.55 + 0.18 * math.sqrt(-2 * math.log(1 - chance.random())) * math.cos(6.283 * chance.random())) % 1.0


def _record(keys: Keys, chance: random.Random, at: float) -> UsageRecord:
    model, _, pace, price_in, price_out = chance.choices(MODELS, [row[1] for row in MODELS])[0]
    kind = chance.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
    tokens_in, tokens_out = chance.randint(200, 6_000), chance.randint(40, 1_400)
    cost = round(tokens_in * price_in + tokens_out * price_out)
    milliseconds = int(pace * chance.lognormvariate(0.0, 0.45))
    whole = UsageRecord(
        request_id=f"req_{chance.getrandbits(64):016x}",
        person=keys.person(f"customer-{int(chance.paretovariate(1.1)) % USERS}"),
        tier=chance.choice(("free", "pro", "pro", "expert")),
        at=at,
        kind=kind,
        model=model,
        requested=chance.choice(("auto", "auto", model)),
        task=chance.choice(TASKS),
        latency_ms=milliseconds,
        tags=("assistant",) if chance.random() < 0.3 else (),
    )
    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, cached_input_tokens=tokens_in // 3)
    if kind in ("exact", "duplicate"):
        return replace(whole, saved_micro_usd=cost)
    if kind == "refused":
        return replace(whole, model="")
    if kind == "error":
        tries = tuple(Attempt(model, "overloaded", 529, milliseconds // 3) for _ in range(3))
        return replace(whole, attempts=3, error="overloaded", status=503, tries=tries, reason=REASON)
    return _answered(replace(whole, cost_micro_usd=cost), chance, usage)


def _answered(record: UsageRecord, chance: random.Random, usage: Usage) -> UsageRecord:
    routed = record.requested == "auto"
    baseline = round(usage.input_tokens * 2.50 + usage.output_tokens * 10.0) if routed else 0
    record = replace(record, baseline_micro_usd=baseline)
    first = replace(record, usage=usage, attempts=1, first_token_ms=record.latency_ms // 4, reason=REASON)
    if chance.random() > 0.06:
        return first
    tries = (
        Attempt("anthropic/claude-sonnet-4-5", "overloaded", 529, 412),
        Attempt(record.model, "ok", 200, record.latency_ms, record.cost_micro_usd),
    )
    return replace(first, attempts=2, fallback=True, tries=tries, wasted_micro_usd=record.cost_micro_usd // 9)


async def book(gateway: Gateway, days: int = 30) -> None:
    """Write it all into the log, up to now, and add it up."""
    log, now = gateway.log, gateway.world.clock.now()
    commands = [command for record in records(gateway.keys, now, days) for command in log.append(record).commands]
    for begin in range(0, len(commands), AT_ONCE):
        await gateway.store.run_many(commands[begin : begin + AT_ONCE])
    await log.roll_up_days([day_of(now - back * DAY_SECONDS) for back in range(days, -1, -1)])
