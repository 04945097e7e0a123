"""Reading usage back: by user, by model, by day and month. Every figure comes from the rolled-up usage log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lib.ai.observability.histogram import merged, quantile
from lib.ai.observability.log import DAY_SECONDS, UsageLog, logged_days
from lib.ai.observability.record import UsageRecord
from lib.ai.observability.totals import Totals, as_totals, read_block, read_histogram
from lib.clock import Clock
from lib.contract import Json, JsonObject
from lib.errors import StoreError
from lib.kv.keys import Keys, day_of
from lib.kv.replies import Command
from lib.kv.store import Store

RECENT: Final = 20
MONTHS: Final = 13


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """One model's counters and latency histogram over a period."""

    totals: Totals
    histogram: list[int]


class Stats:
    """Answers questions about usage. Each method raises StoreError when the KV cannot be read."""

    def __init__(self, store: Store, keys: Keys, log: UsageLog, clock: Clock, models: Sequence[str]) -> None:
        self._store = store
        self._keys = keys
        self._log = log
        self._clock = clock
        self._models = (*models, "-")

    async def get_daily_stats(self, day: str | None = None) -> JsonObject:
        """Totals of a UTC day (`20261124`, default today), in all and by model."""
        day = day or day_of(self._clock.now())
        await self._log.roll_up_days([day])
        by_model = await self._model_days(day)
        overall = sum((m.totals for m in by_model.values()), Totals())
        shown = described(ModelTotals(overall, merged([m.histogram for m in by_model.values()])))
        used: JsonObject = {name: described(m) for name, m in by_model.items() if m.totals.requests}
        return {"date": day, **shown, "byModel": used}

    async def get_monthly_stats(self, month: str | None = None) -> JsonObject:
        """Totals of a month (`202611`, default the present one), in all and by model; no latency quantiles."""
        today = day_of(self._clock.now())
        month = month or today[:6]
        await self._log.roll_up_days(days_of(month, today))
        blocks = await self._blocks([self._keys.model_month(m, month) for m in self._models])
        used = {m: b for m, b in zip(self._models, blocks, strict=True) if b.requests}
        shown: JsonObject = {name: described(ModelTotals(b, [])) for name, b in used.items()}
        return {"month": month, **described(ModelTotals(sum(used.values(), Totals()), [])), "byModel": shown}

    async def get_model_stats(self, model: str, day: str | None = None) -> JsonObject:
        """One model's totals of a day."""
        day = day or day_of(self._clock.now())
        await self._log.roll_up_days([day])
        return {"model": model, "date": day, **described(await self._model_day(model, day))}

    async def get_all_model_stats(self, day: str | None = None) -> JsonObject:
        """Every model's totals of a day, models without requests included."""
        day = day or day_of(self._clock.now())
        await self._log.roll_up_days([day])
        return {name: described(m) for name, m in (await self._model_days(day)).items()}

    async def get_user_usage(self, user_id: str) -> JsonObject:
        """A user's totals over the last 13 months and of the present one, and the latest requests of two days."""
        person, now = self._keys.person(user_id), self._clock.now()
        await self._log.roll_up_days(logged_days(now), [self._keys.shard(person)])
        blocks = await self._blocks([self._keys.user_month(person, month) for month in months_until(day_of(now)[:6])])
        recent = await self._log.recent(person, day_of(now), RECENT)
        if len(recent) < RECENT:
            recent += await self._log.recent(person, day_of(now - DAY_SECONDS), RECENT - len(recent))
        return {
            "userId": user_id,
            **described(ModelTotals(sum(blocks, Totals()), [])),
            "currentMonth": described(ModelTotals(blocks[-1], [])),
            "recentEvents": [event_of(r) for r in recent],
        }

    async def _model_day(self, model: str, day: str) -> ModelTotals:
        key = self._keys.model_day(model, day)
        block, histogram = await self._integers([read_block(key), read_histogram(key)])
        return ModelTotals(as_totals(block), histogram)

    async def _model_days(self, day: str) -> dict[str, ModelTotals]:
        keys = [self._keys.model_day(m, day) for m in self._models]
        rows = await self._integers([read(k) for k in keys for read in (read_block, read_histogram)])
        return {m: ModelTotals(as_totals(rows[2 * i]), rows[2 * i + 1]) for i, m in enumerate(self._models)}

    async def _blocks(self, keys: Sequence[str]) -> list[Totals]:
        return [as_totals(row) for row in await self._integers([read_block(k) for k in keys])]

    async def _integers(self, commands: Sequence[Command]) -> list[list[int]]:
        rows: list[list[int]] = []
        for reply in await self._store.run_many(commands):
            if isinstance(reply, StoreError):
                raise reply
            rows.append([n for n in reply if isinstance(n, int)] if isinstance(reply, list) else [])
        return rows


def days_of(month: str, today: str) -> list[str]:
    """The days of a month up to today, with the two days before it, whose last records may not be added up yet."""
    first = datetime.strptime(month + "01", "%Y%m%d").replace(tzinfo=UTC)
    days = [(first + timedelta(days=n)).strftime("%Y%m%d") for n in range(-2, 31)]
    return [day for day in days if day <= today and (day[:6] == month or day[:6] < month)]


def months_until(month: str) -> list[str]:
    """The last 13 months, oldest first, `month` included."""
    index = int(month[:4]) * 12 + int(month[4:]) - 1
    return [f"{i // 12:04d}{i % 12 + 1:02d}" for i in range(index - MONTHS + 1, index + 1)]


def described(model: ModelTotals) -> JsonObject:
    """Totals as the API shows them: rates from 0 to 1, money in dollars and exact micro-dollars."""
    t = model.totals
    served = t.requests - t.refused
    latency: JsonObject = {"averageMs": t.latency_ms // t.answered if t.answered else None}
    if model.histogram:
        latency |= {f"p{round(q * 100)}Ms": quantile(model.histogram, q) for q in (0.5, 0.95, 0.99)}
    return {
        "totalRequests": t.requests,
        "totalTokens": t.total_tokens,
        "inputTokens": t.input_tokens,
        "outputTokens": t.output_tokens,
        "totalCost": t.cost_micro_usd / 1_000_000,
        "totalCostMicroUsd": t.cost_micro_usd,
        "savedCost": t.saved_micro_usd / 1_000_000,
        "savedCostMicroUsd": t.saved_micro_usd,
        "cacheHits": t.exact_hits + t.semantic_hits,
        "cacheHitRate": rate(t.exact_hits + t.semantic_hits, served),
        "duplicates": t.duplicates,
        "dedupRate": rate(t.duplicates, served),
        "errors": t.errors,
        "errorRate": rate(t.errors, served),
        "hangups": t.hangups,
        "refused": t.refused,
        "fallbackRate": rate(t.fallbacks, t.answered),
        "unpricedRequests": t.unpriced,
        "latency": latency,
    }


def rate(part: int, whole: int) -> float:
    """A share, 0 of nothing."""
    return round(part / whole, 4) if whole else 0.0


def event_of(record: UsageRecord) -> Json:
    """One request as the API lists it."""
    return {
        "requestId": record.request_id,
        "timestamp": record.at,
        "kind": record.kind,
        "model": record.model,
        "modelRequested": record.requested,
        "task": record.task,
        "inputTokens": record.usage.input_tokens,
        "outputTokens": record.usage.output_tokens,
        "estimated": record.usage.estimated,
        "cost": record.cost_micro_usd / 1_000_000,
        "saved": record.saved_micro_usd / 1_000_000,
        "latencyMs": record.latency_ms,
        "attempts": record.attempts,
        "fallback": record.fallback,
        "error": record.error or None,
    }
