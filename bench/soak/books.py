"""What the store and the logs hold after the run: keys, lifetimes, claims, holds, records, totals, and no secrets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.soak.traffic import ADDRESS_MARK, CANARY, TEXT
from dev.kv import RedisBridge
from lib.ai.observability.record import UsageRecord, decode
from lib.ai.observability.totals import COUNTERS, Totals, as_totals
from lib.usage_query import ALL, MODEL, TASK, TIER, USER

SECRETS: Final = (CANARY, ADDRESS_MARK, TEXT.partition("{")[0])
"""Tokens, keys and user ids, addresses, prompts: in no key and on no line of a log."""
COUNTER_BYTES: Final = 6
VIEW: Final = re.compile(r"t2:([a-z]+):([0-9]+):")
SUMMED: Final = (USER, MODEL, TASK, TIER, ALL)
NONE: Final = (USER, "days")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the store."""

    name: str
    ttl_ms: int
    """-1 for none."""
    value: str | tuple[str, ...]
    """A string, as Latin-1, or a list of strings."""


async def keys_of(redis_url: str) -> list[Key]:
    """Everything in the database."""
    bridge = RedisBridge.from_url(redis_url)
    try:
        return [key async for key in _scan(bridge)]
    finally:
        await bridge.aclose()


async def _scan(bridge: RedisBridge) -> AsyncIterator[Key]:
    cursor = b"0"
    while True:
        (reply,) = await bridge.run([(b"SCAN", cursor, b"COUNT", b"500")])
        if not isinstance(reply, list) or not isinstance(reply[0], bytes) or not isinstance(reply[1], list):
            raise TypeError(f"SCAN answered {reply!r}")
        cursor = reply[0]
        for name in reply[1]:
            if isinstance(name, bytes):
                yield await _read(bridge, name)
        if cursor == b"0":
            return


async def _read(bridge: RedisBridge, name: bytes) -> Key:
    kind, ttl = await bridge.run([(b"TYPE", name), (b"PTTL", name)])
    reads = {b"list": (b"LRANGE", name, b"0", b"-1"), b"zset": (b"ZRANGE", name, b"0", b"-1")}
    read = reads.get(kind, (b"GET", name)) if isinstance(kind, bytes) else (b"GET", name)
    (value,) = await bridge.run([read])
    if isinstance(value, list):
        lines = tuple(line.decode("utf-8", "replace") for line in value if isinstance(line, bytes))
        return Key(name.decode(), ttl if isinstance(ttl, int) else -2, lines)
    text = value.decode("latin-1") if isinstance(value, bytes) else ""
    return Key(name.decode(), ttl if isinstance(ttl, int) else -2, text)


def key_faults(keys: Iterable[Key], namespace: str) -> Iterator[str]:
    """Keys outside the namespace, without a lifetime, or that name somebody."""
    for key in keys:
        if not key.name.startswith(namespace + ":"):
            yield f"the key {key.name} is outside the namespace"
        if key.ttl_ms == -1:
            yield f"the key {key.name} has no lifetime"
        for secret in SECRETS:
            if secret in key.name:
                yield f"the key {key.name} holds {secret!r}"


def left_over(keys: Iterable[Key], namespace: str) -> Iterator[str]:
    """Claims that nobody ended, and money that is still held."""
    for key in keys:
        if not isinstance(key.value, str):
            continue
        if key.name.startswith(f"{namespace}:d1:") and key.value.startswith("F"):
            yield f"the claim {key.name} is still there"


def holds_in(keys: Iterable[Key], namespace: str) -> list[str]:
    """Tokens of requests whose money is still held."""
    states = (k.value for k in keys if k.name.startswith(f"{namespace}:u1:") and isinstance(k.value, str))
    held = (state.split("|")[3] for state in states if state.count("|") >= 4)
    return [hold.split(",")[0] for line in held for hold in line.split(";") if hold]


def records_in(keys: Iterable[Key], namespace: str) -> list[UsageRecord]:
    """The usage log."""
    lists = (k.value for k in keys if k.name.startswith(f"{namespace}:ev:") and isinstance(k.value, tuple))
    return [record for lines in lists for line in lines if (record := decode(line))]


def totals_in(keys: Iterable[Key], namespace: str) -> Mapping[str, Totals]:
    """The totals of months by user, model, task, tier and in all, and of days by all but user, each added up."""
    sums = {f"{what} {period}": Totals() for what in SUMMED for period in ("months", "days") if (what, period) != NONE}
    for key in keys:
        found = VIEW.match(key.name.removeprefix(f"{namespace}:"))
        if found and found[1] in SUMMED and isinstance(key.value, str):
            period = "days" if len(found[2]) == len("20261124") else "months"
            sums[f"{found[1]} {period}"] += first_block(key.value.encode("latin-1"))
    return sums


def first_block(raw: bytes) -> Totals:
    """The counters of a view's first block, as BITFIELD lays them: 48 bits each, big-endian."""
    raw = raw.ljust(len(COUNTERS) * COUNTER_BYTES, b"\0")
    pieces = (raw[i * COUNTER_BYTES : (i + 1) * COUNTER_BYTES] for i in range(len(COUNTERS)))
    return as_totals([int.from_bytes(piece, "big") for piece in pieces])


def log_faults(logs: Iterable[Path]) -> Iterator[str]:
    """Lines that name somebody or something secret, and tracebacks."""
    for log in logs:
        for number, line in enumerate(log.read_text("utf-8", "replace").splitlines(), 1):
            for secret in SECRETS:
                if secret in line:
                    yield f"{log.name}:{number} holds {secret!r}: {line[:200]}"
            if "Traceback" in line or "was never retrieved" in line or "unexpected error" in line:
                yield f"{log.name}:{number}: {line[:200]}"


def records_logged(logs: Iterable[Path]) -> list[UsageRecord]:
    """The usage lines of the process logs."""
    lines = (line for log in logs for line in log.read_text("utf-8", "replace").splitlines())
    found = (re.search(r"lib\.usage: (\{.*)", line) for line in lines)
    return [record for match in found if match and (record := decode(match[1]))]
