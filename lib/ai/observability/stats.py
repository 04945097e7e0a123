"""Reading usage back: by user, by model, by day and month. Every figure comes from the rolled-up usage log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lib.ai.observability.arms import compared
from lib.ai.observability.log import DAY_SECONDS, UsageLog, logged_days
from lib.ai.observability.periods import Spell, UsageReader, dashed
from lib.ai.observability.record import UsageRecord
from lib.ai.observability.routing_figures import RoutingFigures
from lib.ai.observability.shown import Timed, described
from lib.ai.observability.totals import Totals
from lib.ai.observability.views import Views
from lib.ai.observability.votes import described_votes, read_votes
from lib.catalog import ModelRow
from lib.clock import Clock
from lib.contract import Arm, Json, JsonObject
from lib.errors import InvalidRequest
from lib.kv.keys import LOG_SHARDS, Keys, day_of
from lib.kv.store import Store
from lib.usage_query import ALL, MODEL, MONTH, UsageQuery, UsageRow

RECENT: Final = 20
MONTHS: Final = 13
ROWS_AT_MOST: Final = 3_000
"""Of one document: Vercel lets no answer in one piece be longer than 4.5 MB."""


class Stats:
    """Answers questions about usage. Each method raises StoreError when the KV cannot be read.

    `models` are shown among all of them even without requests. Days are `20261124` or `2026-11-24`, months likewise.
    """

    def __init__(
        self, store: Store, keys: Keys, log: UsageLog, clock: Clock, models: Mapping[str, ModelRow | None]
    ) -> None:
        self._store = store
        self._keys = keys
        self._log = log
        self._clock = clock
        self._models = models
        self._views = Views(store, keys)
        self._routing = RoutingFigures(store, keys, self._views, models)
        self._reader = UsageReader(self._views, keys)

    async def get_daily_stats(self, date: str | None = None) -> JsonObject:
        """Totals of a UTC day (default today), in all and by model, and what became of the router's choices."""
        day = await self._day(date)
        (shown, by_model), routing = await asyncio.gather(self._by_model(day, ()), self._routing.described(day))
        used: JsonObject = {name: described(timed) for name, timed in by_model.items() if timed.totals.requests}
        return {"date": day, **described(shown), "byModel": used, "routing": routing}

    async def get_monthly_stats(self, month: str | None = None) -> JsonObject:
        """Totals of a month (default the present one), in all and by model."""
        today = day_of(self._clock.now())
        month = plain(month) or today[:6]
        await self._log.roll_up_days(days_of(month, today))
        shown, by_model = await self._by_model(month, [])
        used: JsonObject = {name: described(timed) for name, timed in by_model.items() if timed.totals.requests}
        return {"month": month, **described(shown), "byModel": used}

    async def get_model_stats(self, model: str, date: str | None = None) -> JsonObject:
        """One model's totals of a day, and what users thought of its answers."""
        day = await self._day(date)
        (timed,), votes = await asyncio.gather(
            self._views.timed([self._keys.model_day(model, day)]), self._store.run(*read_votes(self._keys, model, day))
        )
        return {"model": model, "date": day, **described(timed), "feedback": described_votes(votes)}

    async def get_all_model_stats(self, date: str | None = None) -> JsonObject:
        """Every model's totals of a day, models without requests included."""
        _, by_model = await self._by_model(await self._day(date), self._models)
        return {name: described(timed) for name, timed in by_model.items()}

    async def get_rollout_stats(self, date: str | None = None) -> JsonObject:
        """Both sides of the gradual rollout over a day, and the difference."""
        day = await self._day(date)
        new, old = await self._views.timed([self._keys.arm_day(arm, day) for arm in (Arm.NEW, Arm.OLD)])
        return {"date": day, **compared(new, old)}

    async def get_user_usage(self, user_id: str) -> JsonObject:
        """A user's totals over the last 13 months, of the present one and of today, and the latest requests."""
        person, now = self._keys.person(user_id), self._clock.now()
        today = day_of(now)
        await self._log.roll_up_days(logged_days(now, self._log.retention), [self._keys.shard(person)])
        months = [self._keys.user_month(person, month) for month in months_until(today[:6])]
        *earlier, present = await self._views.blocks(months, (0, int(today[6:])))
        recent = await self._log.recent(person, today, RECENT)
        if len(recent) < RECENT:
            recent += await self._log.recent(person, day_of(now - DAY_SECONDS), RECENT - len(recent))
        return {
            "userId": user_id,
            **described(Timed(sum((whole for whole, _ in earlier), present[0]))),
            "currentMonth": described(Timed(present[0])),
            "today": described(Timed(present[1])),
            "recentEvents": [event_of(record) for record in recent],
        }

    async def get_usage(self, query: UsageQuery, most: int = ROWS_AT_MOST) -> JsonObject:
        """Usage over a range as one document, with the sum of it. Raises InvalidRequest beyond `most` rows."""
        whole, shown = Timed(Totals()), list[Json]()
        async with aclosing(self._spells(query)) as spells:
            async for spell in spells:
                if len(shown) == most:
                    raise InvalidRequest(f"This has more than {most:,} rows: ask for less.", param="from")
                whole += spell.timed
                name: JsonObject = {} if query.group_by == ALL else {query.group_by: spell.name}
                shown.append({"period": spell.period, **name, **described(spell.timed)})
        return {
            "from": dashed(query.first),
            "to": dashed(query.last),
            "granularity": query.granularity,
            "groupBy": "none" if query.group_by == ALL else query.group_by,
            "rows": shown,
            "total": described(whole),
        }

    async def usage_rows(self, query: UsageQuery) -> AsyncGenerator[UsageRow, None]:
        """The same row by row, in order of time, however many they are."""
        async with aclosing(self._spells(query)) as spells:
            async for spell in spells:
                yield UsageRow(spell.period, spell.name, described(spell.timed))

    async def _spells(self, query: UsageQuery) -> AsyncGenerator[Spell, None]:
        now, wanted = self._clock.now(), query
        if query.granularity == MONTH:
            wanted = replace(query, first=query.first[:6] + "01", last=days_of(query.last[:6], "9")[-1])
        days = [d for d in logged_days(now, self._log.retention) if wanted.first <= d <= following(wanted.last)]
        shards = [self._keys.shard(self._keys.person(query.user_id))] if query.user_id else range(LOG_SHARDS)
        await self._log.roll_up_days(days, shards)
        async with aclosing(self._reader.spells(wanted, day_of(now))) as spells:
            async for spell in spells:
                yield spell

    async def _day(self, date: str | None) -> str:
        """The day asked for, added up. Clocks differ: its last records may lie with those of the day after."""
        today = day_of(self._clock.now())
        day = plain(date) or today
        await self._log.roll_up_days([d for d in (day, following(day)) if d <= today] or [day])
        return day

    async def _by_model(self, period: str, more: Iterable[str]) -> tuple[Timed, dict[str, Timed]]:
        """A day or a month in all, and by model; `more` are models to be shown in any case."""
        names = list(dict.fromkeys((*more, *await self._views.names(MODEL, period[:6]))))
        views = [self._keys.view(ALL, "", period), *(self._keys.view(MODEL, name, period) for name in names)]
        shown, *found = await self._views.timed(views)
        return shown, dict(zip(names, found, strict=True))


def plain(date: str | None) -> str:
    """A day or month without its dashes; empty for none."""
    return (date or "").replace("-", "")


def following(day: str) -> str:
    """The next day."""
    return (datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) + timedelta(days=1)).strftime("%Y%m%d")


def days_of(month: str, today: str) -> list[str]:
    """The days of a month up to today, with the two days before it, whose last records may not be added up yet."""
    first = datetime.strptime(month + "01", "%Y%m%d").replace(tzinfo=UTC)
    days = [(first + timedelta(days=n)).strftime("%Y%m%d") for n in range(-2, 31)]
    return [day for day in days if day <= today and (day[:6] == month or day[:6] < month)]


def months_until(month: str) -> list[str]:
    """The last 13 months, oldest first, `month` included."""
    index = int(month[:4]) * 12 + int(month[4:]) - 1
    return [f"{i // 12:04d}{i % 12 + 1:02d}" for i in range(index - MONTHS + 1, index + 1)]


def event_of(record: UsageRecord) -> dict[str, Json]:
    """One request as the API lists it."""
    usage = record.usage
    return {
        "requestId": record.request_id,
        "timestamp": record.at,
        "kind": record.kind,
        "model": record.model,
        "modelRequested": record.requested,
        "task": record.task,
        "tier": record.tier,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cachedInputTokens": usage.cached_input_tokens,
        "cacheWriteTokens": usage.cache_write_tokens,
        "cacheWrite1hTokens": usage.cache_write_1h_tokens,
        "reasoningTokens": usage.reasoning_tokens,
        "estimated": usage.estimated,
        "cost": record.cost_micro_usd / 1_000_000,
        "wastedCost": record.wasted_micro_usd / 1_000_000,
        "ownKeys": record.own_keys,
        "saved": record.saved_micro_usd / 1_000_000,
        "baselineCost": record.baseline_micro_usd / 1_000_000 if record.baseline_micro_usd else None,
        "priceKnown": record.price_known,
        "latencyMs": record.latency_ms,
        "firstTokenMs": record.first_token_ms,
        "attempts": record.attempts,
        "fallback": record.fallback,
        "error": record.error or None,
        "status": record.status or None,
        "tags": list(record.tags),
        "keyId": record.key_id or None,
        "arm": record.arm.value if record.arm else None,
        "count": record.count,
    }
