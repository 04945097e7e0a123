"""An alert, and what has become of it: values, and the text by which they are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from lib.json_text import value_in

RETRY_SECONDS: Final = (60, 300, 1_800, 7_200, 18_000)
"""Waits between the tries at a delivery: rising, six tries within seven and a half hours."""
LONGEST_ERROR: Final = 200


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something worth telling. No field holds what a user wrote, nor a user's id."""

    kind: str
    """`budget`, `model_down`, …: see docs/alerts.md."""
    severity: Severity
    subject: str
    """What it is about: a model, a budget, the store."""
    text: str
    """One or two sentences."""
    once: str
    """Of alerts with the same one, one is raised within `seconds`."""
    seconds: int
    person: str = ""
    """The user's hash, where it is about one user."""
    later: bool = False
    """Told with the next digest, not at once."""


class State(StrEnum):
    """What has become of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Telling it through one channel."""

    channel: str
    state: State = State.PENDING
    tries: int = 0
    error: str = ""
    """Of the last try; the channel's host and what went wrong."""

    def after(self, error: str) -> Delivery:
        """After one more try; empty: it went well."""
        tries = self.tries + 1
        failed = State.FAILED if tries > len(RETRY_SECONDS) else State.PENDING
        state = failed if error else State.DELIVERED
        return Delivery(self.channel, state, tries, error[:LONGEST_ERROR])


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that was raised."""

    id: str
    at: float
    """Seconds since the epoch."""
    alert: Alert
    deliveries: tuple[Delivery, ...] = ()

    @property
    def due_in(self) -> int | None:
        """Seconds until the next try; None when none is due."""
        open_ = [each.tries for each in self.deliveries if each.state is State.PENDING]
        return RETRY_SECONDS[max(0, min(open_) - 1)] if open_ else None

    def told(self, outcomes: dict[str, str]) -> Raised:
        """After tries at some channels, with the error of each."""
        after = (d.after(outcomes[d.channel]) if d.channel in outcomes else d for d in self.deliveries)
        return replace(self, deliveries=tuple(after))


def encode(raised: Raised) -> str:
    """As it is kept."""
    alert = raised.alert
    deliveries: list[Json] = [[d.channel, d.state.value, d.tries, d.error] for d in raised.deliveries]
    return orjson.dumps(
        {
            "id": raised.id,
            "at": round(raised.at, 3),
            "kind": alert.kind,
            "severity": alert.severity.value,
            "subject": alert.subject,
            "text": alert.text,
            "once": alert.once,
            "seconds": alert.seconds,
            "person": alert.person,
            "later": alert.later,
            "deliveries": deliveries,
        }
    ).decode()


def decode(text: str) -> Raised | None:
    """The same read back; None for anything else."""
    match value_in(text):
        case {
            "id": str(id_),
            "at": int() | float() as at,
            "kind": str(kind),
            "severity": str(severity),
            "subject": str(subject),
            "text": str(told),
            "once": str(once),
            "seconds": int(seconds),
            "person": str(person),
            "later": bool(later),
            "deliveries": list(deliveries),
        } if severity in Severity.__members__.values():
            alert = Alert(
                kind=kind,
                severity=Severity(severity),
                subject=subject,
                text=told,
                once=once,
                seconds=seconds,
                person=person,
                later=later,
            )
            return Raised(id_, at, alert, _deliveries(deliveries))
        case _:
            return None


def _deliveries(rows: list[Json]) -> tuple[Delivery, ...]:
    found: list[Delivery] = []
    for row in rows:
        match row:
            case [str(channel), str(state), int(tries), str(error)] if state in State.__members__.values():
                found.append(Delivery(channel, State(state), tries, error))
            case _:
                continue
    return tuple(found)


def shown(raised: Raised) -> JsonObject:
    """As the operator sees it."""
    alert = raised.alert
    deliveries: list[Json] = [
        {"channel": d.channel, "state": d.state.value, "tries": d.tries, "error": d.error or None}
        for d in raised.deliveries
    ]
    return {
        "id": raised.id,
        "at": raised.at,
        "kind": alert.kind,
        "severity": alert.severity.value,
        "subject": alert.subject,
        "text": alert.text,
        "person": alert.person or None,
        "inDigest": alert.later,
        "deliveries": deliveries,
    }
