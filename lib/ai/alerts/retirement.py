"""Alerts on models that will not be there for long, or are no longer (pure)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson

from lib.ai.alerts.alert import Alert, Severity
from lib.ai.alerts.anomalies import DAY
from lib.catalog.rows import ModelRow
from lib.contract import Json

DAYS_AHEAD: Final = (1, 7, 30)
EDITION: Final = re.compile(r"[-@:](?:[0-9][0-9-]*|latest)")
"""What may follow a model's name in a list that has its editions alone; `-mini` makes it another model."""


def retirement_alert(model: ModelRow, today: date) -> Alert | None:
    """30, 7 and 1 days before a model's date, once each; and once when it has come."""
    if model.retires is None:
        return None
    left = (model.retires - today).days
    mark = next((mark for mark in (0, *DAYS_AHEAD) if left <= mark), None)
    if mark is None:
        return None
    follows = f"requests for it are then served by {model.successor}" if model.successor else "nothing succeeds it"
    when = f"in {left} days, on {model.retires}" if left > 1 else f"tomorrow, on {model.retires}"
    text = f"{model.id} retires {when if left > 0 else f'on {model.retires}, which has come'}; {follows}."
    return Alert(
        kind="retirement",
        severity=Severity.WARNING if mark > DAYS_AHEAD[0] else Severity.CRITICAL,
        subject=model.id,
        text=text,
        once=f"retirement {model.id} {model.retires} {mark}",
        seconds=400 * DAY,
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """What a provider says it offers."""

    names: frozenset[str]
    whole: bool
    """False for a first page of several: what is not on it may be there all the same."""

    def has(self, wire_name: str) -> bool:
        """Whether a model is among them, by its name or with a date after it."""
        wire = wire_name.lower()
        return any(
            name == wire or (name.startswith(wire) and EDITION.fullmatch(name, len(wire))) for name in self.names
        )


def read_listing(body: bytes) -> Listed | None:
    """A `/v1/models` answer of OpenAI's or Anthropic's shape; None for anything else."""
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    rows = value.get("data") if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not isinstance(rows, list):
        return None
    names = _names(rows)
    return Listed(names, whole=not (isinstance(value, dict) and value.get("has_more"))) if names else None


def _names(rows: Iterable[Json]) -> frozenset[str]:
    ids = [row.get("id") for row in rows if isinstance(row, dict)]
    return frozenset(id_.lower().removeprefix("models/") for id_ in ids if isinstance(id_, str))


def vanished(models: Iterable[ModelRow], before: Collection[str], listed: Listed) -> list[Alert]:
    """Models that were offered when the provider was last asked, and are not any more."""
    if not listed.whole:
        return []
    gone = [model for model in models if model.id in before and not listed.has(model.wire_name)]
    return [
        Alert(
            kind="model_gone",
            severity=Severity.CRITICAL,
            subject=model.id,
            text=f"{model.provider} no longer lists {model.wire_name} among its models.",
            once=f"model_gone {model.id}",
            seconds=30 * DAY,
        )
        for model in gone
    ]
