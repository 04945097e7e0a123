"""A durable batch job as it lies in the KV: its head, which never changes, and its state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from lib.contract import Caller, CallerKind, Grant, Json, JsonObject
from lib.json_text import value_in

OPEN: Final = "open"
DONE: Final = "done"
CANCELLED: Final = "cancelled"
FRESH: Final = f"{OPEN}|0|0|0|0|0|0|"
"""The state of a job that nobody has worked on."""
_FIELDS: Final = 8
_ITEM_FIELDS: Final = 5
_KINDS: Final = frozenset(kind.value for kind in CallerKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHead:
    """What a job is. Times are seconds since the epoch."""

    job: str
    person: str
    """The owner's hash."""
    caller: Caller
    """As they were when they posted it. The address is not kept: the limit per address is for those who are there."""
    digest: str
    """Of all that was posted."""
    total: int
    concurrency: int
    waits: bool = True
    """For limits, instead of failing where they are reached."""
    cache_control: str = ""
    """The header that came with it."""
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a job has come. `leased`: items that a function works on, or worked on when it died."""

    status: str
    taken: int
    """Items before this one have been handed out at least once."""
    done: int
    failed: int
    cost_micro_usd: int
    paused_until: float
    touched_at: float
    """When a worker last came; 0 for never."""
    leased: int
    first_open: int
    """All items before this one have their results."""


def write_head(head: BatchHead) -> str:
    """For `read_head`."""
    caller, grant = head.caller, head.caller.grant
    fields: JsonObject = {
        "person": head.person,
        "digest": head.digest,
        "total": head.total,
        "concurrency": head.concurrency,
        "waits": head.waits,
        "cache_control": head.cache_control,
        "created": head.created_at,
        "expires": head.expires_at,
        "user": caller.user_id,
        "tier": caller.tier,
        "kind": caller.kind.value,
        "grant": {
            "key_id": grant.key_id,
            "day": grant.daily_budget_micro_usd,
            "month": grant.monthly_budget_micro_usd,
            "day_tokens": grant.daily_tokens,
            "month_tokens": grant.monthly_tokens,
            "models": list(grant.models),
            "tags": list(grant.tags),
        },
    }
    return orjson.dumps(fields).decode()


def read_head(job: str, text: object) -> BatchHead | None:
    """None for what is no head."""
    match value_in(text):
        case {
            "person": str(person),
            "digest": str(digest),
            "total": int(total),
            "concurrency": int(concurrency),
            "waits": bool(waits),
            "cache_control": str(cache_control),
            "created": int() | float() as created,
            "expires": int() | float() as expires,
            "user": str(user),
            "tier": str(tier),
            "kind": str(kind),
            "grant": dict(grant),
        } if kind in _KINDS:
            return BatchHead(
                job=job,
                person=person,
                caller=Caller(user, tier, CallerKind(kind), grant=_grant(grant)),
                digest=digest,
                total=total,
                concurrency=concurrency,
                waits=waits,
                cache_control=cache_control,
                created_at=created,
                expires_at=expires,
            )
        case _:
            return None


def read_state(text: object) -> BatchState | None:
    """None for what is no state. Its form is that of `batch_turn.lua`."""
    fields = text.split("|") if isinstance(text, str) else []
    if len(fields) != _FIELDS or not all(map(str.isdecimal, fields[1:7])):
        return None
    items = _open_items(fields[7])
    if items is None:
        return None
    return BatchState(
        status=fields[0],
        taken=int(fields[1]),
        done=int(fields[2]),
        failed=int(fields[3]),
        cost_micro_usd=int(fields[4]),
        paused_until=int(fields[5]) / 1000,
        touched_at=int(fields[6]) / 1000,
        leased=sum(leased for _, leased in items),
        first_open=min((number for number, _ in items), default=int(fields[1])),
    )


def _open_items(text: str) -> list[tuple[int, bool]] | None:
    """The number of each item that is not done, and whether somebody is at it; None for what lists none."""
    items = [item.split(",") for item in text.split(";") if item]
    if any(len(item) != _ITEM_FIELDS or not item[0].isdecimal() for item in items):
        return None
    return [(int(item[0]), bool(item[-1])) for item in items]


def _grant(fields: JsonObject) -> Grant:
    names = ("day", "month", "day_tokens", "month_tokens")
    day, month, day_tokens, month_tokens = (
        amount if isinstance(amount := fields.get(name), int) else None for name in names
    )
    return Grant(
        key_id=str(fields.get("key_id") or ""),
        daily_budget_micro_usd=day,
        monthly_budget_micro_usd=month,
        daily_tokens=day_tokens,
        monthly_tokens=month_tokens,
        models=_texts(fields.get("models")),
        tags=_texts(fields.get("tags")),
    )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class Lease:
    """An item in a worker's hands: how often its function died, how often it failed."""

    index: int
    lost: int = 0
    failures: int = 0

    def failed_again(self) -> Lease:
        """After one more failure."""
        return replace(self, failures=self.failures + 1)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an item: a result, or a time from which it may be tried again."""

    lease: Lease
    result: str = ""
    failed: bool = False
    cost_micro_usd: int = 0
    again_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAsk:
    """What a worker says and wants."""

    worker: str
    reports: tuple[Report, ...] = ()
    running: tuple[int, ...] = ()
    want: int = 0
    pause_until: float = 0.0
    """Nothing is handed out to anyone before then."""


@dataclass(frozen=True, slots=True)
class TurnReply:
    """How things stand after a turn."""

    status: str
    done: int
    failed: int
    cost_micro_usd: int
    alive: int
    """Items that are being worked on, by anyone."""
    taken: int
    wait_seconds: float | None
    """Until this worker may have more; None for never."""
    leases: tuple[Lease, ...] = field(default=())
    """Handed out now."""
