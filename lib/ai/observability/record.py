"""One usage record per request: what is written to the log, as one line of JSON with short names.

A record is the only source of every total, so totals by user, model, day and month agree by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.ai.plan import Routed, Shadowed
from lib.answer import Attempt, Usage
from lib.contract import Arm, Json, JsonObject
from lib.json_text import value_in

END_OF_TIME: Final = 253_402_300_800
"""Seconds since the epoch; calendars end with the year 9999."""
MOST: Final = 2**48 - 1
"""What a counter of the totals can hold; a figure beyond it, or below zero, is none."""
HITS: Final = ("exact", "semantic", "duplicate")
"""Kinds of requests that cost nothing because an earlier answer served them."""
OPEN: Final = "open"
"""Written ahead of a call, with the estimated cost; counts nothing and is closed by the request's own record."""
LOST: Final = "lost"
"""Written in place of a record that never came: the function died. Costs what was estimated."""
FOUND: Final = "found"
"""Takes a lost record back, since the request's own has come after all."""
UNDONE: Final = "undone "
"""Before the kind of a hit that is taken back: admission booked it, but could not say so, and the request went on."""
ABOUT_OTHERS: Final = frozenset({OPEN, LOST, FOUND, *(UNDONE + kind for kind in HITS)})
"""Kinds that do not close what is open."""
NOBODY: Final = "0" * 20
"""Whose the records are of users who were deleted."""
LEGACY_MODEL: Final = "legacy/chat"
"""Stands in for the model where the old implementation answered, which does not say."""
ARMS: Final = {arm.value: arm for arm in Arm}
MOST_TRIES: Final = 12
"""Tries that a record tells of one by one."""
LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Aged:
    """What a hit on a stored answer was served: its lifetime class, and how old it was of how long it may get."""

    kind: str
    age: float
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """`kind` is `call`, `error`, `hangup`, `refused`, or one of HITS or ABOUT_OTHERS.

    Money is micro-dollars, times milliseconds.
    """

    request_id: str
    person: str
    """The user's hash."""
    tier: str
    at: float
    """Seconds since the epoch, at the end of the request."""
    kind: str
    model: str
    """The model that served, or was first asked where none did."""
    requested: str = ""
    task: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_micro_usd: int = 0
    saved_micro_usd: int = 0
    price_known: bool = True
    latency_ms: int = 0
    first_token_ms: int | None = None
    attempts: int = 0
    fallback: bool = False
    error: str = ""
    tags: tuple[str, ...] = ()
    count: int = 1
    """More than one only for refusals, which are counted together."""
    arm: Arm | None = None
    """The side of a gradual rollout that answered."""
    status: int = 0
    """HTTP status of an error; 0 where there was none."""
    answer_digest: str = ""
    """Of a hit: the cached answer it was served; of a call: where its answer is kept."""
    duplicate_digest: str = ""
    """Of a call: where its answer is kept for duplicates."""
    own_keys: bool = False
    """Its cost and what it saved are the caller's own, who brought the provider's key."""
    key_id: str = ""
    """Public id of the API key it came with."""
    wasted_micro_usd: int = 0
    """The part of its cost that bought no answer: tries that broke off, were given up or outrun."""
    baseline_micro_usd: int = 0
    """Of an answer by a model that the router chose: what the baseline model would have cost for the same tokens."""
    tries: tuple[Attempt, ...] = ()
    """One by one, where it took more than one that went well."""
    reason: str = ""
    """Why that model, in words."""
    routed: Routed | None = None
    """Of `auto` requests: what votes on the answer teach by, and what another policy would have done."""
    variant: str = ""
    """The arm of an experiment with the cache."""
    near: str = ""
    """Of a hit on a question that means the same: the two questions, by ids of the store, and how near."""
    aged: Aged | None = None
    """Of a hit that admission booked. Read only: the stored answer's first line tells it."""


def shows(record: UsageRecord, undone: set[tuple[str, str]]) -> bool:
    """Whether a record is of a finished request and was not taken back. Those that take back come before in reading."""
    if record.kind == FOUND:
        undone.add((record.request_id, LOST))
    if record.kind.startswith(UNDONE):
        undone.add((record.request_id, record.kind.removeprefix(UNDONE)))
    return record.kind not in ABOUT_OTHERS - {LOST} and (record.request_id, record.kind) not in undone


def head_of(record: UsageRecord) -> str:
    """The start of a record up to its kind, for the admission script to complete with `"exact","entry":{…}}`."""
    fields: JsonObject = {
        "id": record.request_id,
        "u": record.person,
        "t": record.tier,
        "at": round(record.at, 3),
        "q": record.requested,
        "task": record.task,
    }
    if record.tags:
        fields["tags"] = list(record.tags)
    if record.arm:
        fields["arm"] = record.arm.value
    if record.own_keys:
        fields["own"] = True
    if record.key_id:
        fields["key"] = record.key_id
    if record.variant:
        fields["xv"] = record.variant
    if record.routed:
        fields["ro"] = _choice(record.routed)
    return orjson.dumps(fields).decode()[:-1] + ',"k":'


def encode(record: UsageRecord) -> str:
    """The record as one line."""
    return head_of(record) + intent_of(record)


def nameless(record: UsageRecord) -> tuple[str, ...]:
    """The pieces of an encoded record that tell of its user, each followed by what stands in its place for nobody."""
    pieces = [f'"u":"{record.person}"', f'"u":"{NOBODY}"']
    if record.tags:
        pieces += (f',"tags":{orjson.dumps(list(record.tags)).decode()}', "")
    for name, value in (
        ("key", record.key_id),
        ("c", record.answer_digest),
        ("d", record.duplicate_digest),
        ("nh", record.near),
    ):
        if value:
            pieces += (f',"{name}":"{value}"', "")
    return tuple(pieces)


def intent_of(record: UsageRecord) -> str:
    """The rest of a record from its kind on: what the admission script makes of `head_of` ahead of a call."""
    usage = record.usage
    fields: dict[str, Json] = {
        "k": record.kind,
        "m": record.model,
        "in": usage.input_tokens,
        "out": usage.output_tokens,
        "cin": usage.cached_input_tokens,
        "cw": usage.cache_write_tokens,
        "cw1": usage.cache_write_1h_tokens,
        "rs": usage.reasoning_tokens,
        "est": usage.estimated,
        "cost": record.cost_micro_usd,
        "saved": record.saved_micro_usd,
        "unpriced": not record.price_known,
        "ms": record.latency_ms,
        "ttft": record.first_token_ms,
        "tries": record.attempts,
        "fb": record.fallback,
        "err": record.error,
        "st": record.status,
        "c": record.answer_digest,
        "d": record.duplicate_digest,
        "n": record.count if record.count > 1 else None,
        "w": record.wasted_micro_usd,
        "b": record.baseline_micro_usd,
        "tr": [_row(attempt) for attempt in record.tries[:MOST_TRIES]],
        "why": record.reason[:LONGEST_REASON],
        "nh": record.near,
    }
    return orjson.dumps({k: v for k, v in fields.items() if v}).decode().removeprefix('{"k":')


def decode(line: str) -> UsageRecord | None:
    """A record read back; None for a line that is none."""
    value = value_in(line)
    if not isinstance(value, dict) or not _text(value, "k"):
        return None
    if _number(value, "at") >= END_OF_TIME:
        return None  # one damaged record must not keep all after it from being added up
    entry = value.get("entry")
    hit = entry if isinstance(entry, dict) else None
    return UsageRecord(
        request_id=_text(value, "id"),
        person=_text(value, "u"),
        tier=_text(value, "t"),
        at=_number(value, "at"),
        kind=_text(value, "k"),
        model=_text(hit, "model") if hit else _text(value, "m"),
        requested=_text(value, "q"),
        task=_text(value, "task"),
        usage=Usage() if hit else _usage(value),
        cost_micro_usd=int(_number(value, "cost")),
        saved_micro_usd=int(_number(hit, "cost")) if hit else int(_number(value, "saved")),
        price_known=not value.get("unpriced"),
        latency_ms=int(_number(value, "ms")),
        first_token_ms=int(_number(value, "ttft")) if value.get("ttft") else None,
        attempts=int(_number(value, "tries")),
        fallback=bool(value.get("fb")),
        error=_text(value, "err"),
        tags=_tags(value.get("tags")),
        count=max(1, int(_number(value, "n"))),
        arm=ARMS.get(_text(value, "arm")),
        status=int(_number(value, "st")),
        answer_digest=_text(value, "c"),
        duplicate_digest=_text(value, "d"),
        own_keys=value.get("own") is True,
        key_id=_text(value, "key"),
        wasted_micro_usd=int(_number(value, "w")),
        baseline_micro_usd=int(_number(value, "b")),
        tries=_tries(value.get("tr")),
        reason=_text(value, "why"),
        routed=_routed(value.get("ro")),
        variant=_text(value, "xv"),
        near=_text(value, "nh"),
        aged=_aged(hit, _number(value, "at")) if hit else None,
    )


def _aged(entry: JsonObject, at: float) -> Aged | None:
    kind, seconds = _text(entry, "class"), int(_number(entry, "ttl"))
    return Aged(kind, max(0.0, at - _number(entry, "at")), seconds) if kind and seconds else None


def _choice(routed: Routed) -> list[Json]:
    fields: list[Json] = [routed.bucket, round(routed.propensity, 6), int(routed.explored)]
    if shadow := routed.shadow:
        fields += [shadow.model, shadow.cost_micro_usd, shadow.served_micro_usd, int(shadow.agrees)]
    return fields


def _routed(value: Json) -> Routed | None:
    match value:
        case [str(bucket), int() | float() as propensity, int(explored)]:
            return Routed(bucket, propensity, bool(explored))
        case [str(bucket), int() | float() as propensity, int(explored), str(model), int(cost), int(served), int(same)]:
            return Routed(bucket, propensity, bool(explored), Shadowed(model, cost, served, bool(same)))
        case _:
            return None


def _row(attempt: Attempt) -> Json:
    return [attempt.model, attempt.outcome, attempt.status, attempt.milliseconds, attempt.cost_micro_usd]


def _tries(value: Json) -> tuple[Attempt, ...]:
    tries: list[Attempt] = []
    for row in value if isinstance(value, list) else []:
        match row:
            case [str(model), str(outcome), int() | None as status, int(milliseconds), int(cost)]:
                tries.append(Attempt(model, outcome, status, milliseconds, cost))
            case _:
                continue
    return tuple(tries)


def _usage(value: JsonObject) -> Usage:
    return Usage(
        input_tokens=int(_number(value, "in")),
        output_tokens=int(_number(value, "out")),
        cached_input_tokens=int(_number(value, "cin")),
        cache_write_tokens=int(_number(value, "cw")),
        cache_write_1h_tokens=int(_number(value, "cw1")),
        reasoning_tokens=int(_number(value, "rs")),
        estimated=bool(value.get("est")),
    )


def _tags(value: Json) -> tuple[str, ...]:
    return tuple(t for t in value if isinstance(t, str)) if isinstance(value, list) else ()


def _text(value: JsonObject, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _number(value: JsonObject, name: str) -> float:
    found = value.get(name)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return 0
    return found if 0 <= found <= MOST else 0
