"""GET /api/ai/admin/metrics: today's totals and the state of models in Prometheus' text format (0.0.4).

Counters begin anew each UTC day, which `rate()` and `increase()` take for a reset. One series per model: bounded by the
catalogue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from lib.contract import Json, JsonObject
from lib.errors import StoreError
from lib.web.access import Access
from lib.web.asgi import Call, RawHeader
from lib.web.stats_route import unreadable

CONTENT_TYPE: Final[RawHeader] = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric by model. `field` is that of a model's stats, with a dot for what lies within."""

    name: str
    kind: str
    help: str
    field: str
    label: str = ""
    """A further label, as it is written."""


FAMILIES: Final = (
    Family("requests_total", "counter", "Requests of today", "totalRequests"),
    Family("errors_total", "counter", "Requests of today that failed", "errors"),
    Family("refused_total", "counter", "Requests of today that were refused", "refused"),
    Family("hangups_total", "counter", "Requests of today whose caller left", "hangups"),
    Family("cache_hits_total", "counter", "Requests of today answered from the cache", "cacheHits"),
    Family("duplicates_total", "counter", "Requests of today answered by another's call", "duplicates"),
    Family("retries_total", "counter", "Tries of today beyond the first", "retries"),
    Family("tokens_total", "counter", "Tokens of today", "inputTokens", 'type="input"'),
    Family("tokens_total", "counter", "Tokens of today", "outputTokens", 'type="output"'),
    Family("cost_micro_usd_total", "counter", "Cost of today in micro-dollars", "totalCostMicroUsd"),
    Family("saved_micro_usd_total", "counter", "Saved today in micro-dollars", "savedCostMicroUsd"),
    Family("latency_milliseconds", "gauge", "Latency of today's answers", "latency.p50Ms", 'quantile="0.5"'),
    Family("latency_milliseconds", "gauge", "Latency of today's answers", "latency.p95Ms", 'quantile="0.95"'),
    Family("latency_milliseconds", "gauge", "Latency of today's answers", "latency.p99Ms", 'quantile="0.99"'),
)
STATES: Final = ("healthy", "degraded", "down")


class ModelStats(Protocol):
    """Where the totals come from."""

    async def get_all_model_stats(self, date: str | None = None) -> JsonObject:
        """Every model's day."""
        ...


@dataclass(frozen=True, slots=True)
class MetricsRoute:
    """For the operator's scraper, with the admin token."""

    stats: ModelStats
    health: Callable[[], Awaitable[JsonObject]]
    store_trouble: Callable[[], Awaitable[str]]
    access: Access

    async def __call__(self, call: Call) -> None:
        """Raises AuthenticationFailed, Overloaded."""
        self.access.require_admin(call.headers)
        try:
            models = await self.stats.get_all_model_stats()
        except StoreError as error:
            raise unreadable(error) from error
        text = "".join(exposition(models, await self.health(), store_up=not await self.store_trouble()))
        await call.wire.whole(200, [CONTENT_TYPE, (b"cache-control", b"no-store")], text.encode())


def exposition(models: JsonObject, health: JsonObject, *, store_up: bool) -> Iterator[str]:
    """The lines. Models without requests today have none, but for their health."""
    used = {name: stats for name, stats in models.items() if isinstance(stats, dict) and stats.get("totalRequests")}
    yield from _totals(used)
    yield from _states(health)
    yield _heading("store_up", "gauge", "Whether the KV answers")
    yield _line("store_up", (), int(store_up))


def _totals(used: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    told = ""
    for family in FAMILIES:
        if family.name != told:
            yield _heading(family.name, family.kind, family.help)
            told = family.name
        for model, stats in used.items():
            value = _number(stats, family.field)
            if value is not None:
                yield _line(family.name, (f'model="{_escaped(model)}"', family.label), value)


def _states(health: JsonObject) -> Iterator[str]:
    yield _heading("model_state", "gauge", "1 for the state a model is in")
    for model, about in health.items():
        status = about.get("status") if isinstance(about, dict) else None
        for state in STATES:
            yield _line("model_state", (f'model="{_escaped(model)}"', f'state="{state}"'), int(status == state))


def _heading(name: str, kind: str, text: str) -> str:
    return f"# HELP ai_gateway_{name} {text}.\n# TYPE ai_gateway_{name} {kind}\n"


def _line(name: str, labels: tuple[str, ...], value: float) -> str:
    shown = ",".join(label for label in labels if label)
    return f"ai_gateway_{name}{{{shown}}} {value}\n" if shown else f"ai_gateway_{name} {value}\n"


def _number(stats: Mapping[str, Json], field: str) -> float | None:
    outer, _, inner = field.partition(".")
    value = stats.get(outer)
    if inner:
        value = value.get(inner) if isinstance(value, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
