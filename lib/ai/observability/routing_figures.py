"""What became of the router's choices on a day: mix of tasks and models, trials, a shadow policy, quality by votes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from lib.ai.lesson_book import lessons_in
from lib.ai.lessons import ENOUGH, NO_VOTES, Lessons, Votes, belief
from lib.ai.observability.shown import rate
from lib.ai.observability.totals import AGREED, AUTO, AUTO_TASK, SHADOW, SHADOWED, TRIED, Totals
from lib.ai.observability.views import Views
from lib.ai.plan import Task
from lib.ai.router.quality import shipped
from lib.catalog import ModelRow
from lib.contract import JsonObject
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.replies import Reply
from lib.kv.store import Store

NORMAL_95: Final = 1.96
WHOLE: Final = ""
"""Name of the view of all of a kind."""


class RoutingFigures:
    """Reads them. Methods raise StoreError. `models` are those of the catalogue, and others that have no row."""

    def __init__(self, store: Store, keys: Keys, views: Views, models: Mapping[str, ModelRow | None]) -> None:
        self._store = store
        self._keys = keys
        self._views = views
        self._models = models

    async def described(self, day: str) -> JsonObject:
        """The figures of a day that is added up, and what votes have taught until now."""
        quality, (auto, tried, shadowed, agreed) = await asyncio.gather(
            self._quality(), self._wholes(day, [(what, WHOLE) for what in (AUTO, TRIED, SHADOWED, AGREED)])
        )
        by_task, by_model, by_shadow = await asyncio.gather(
            self._mix(AUTO_TASK, [task.value for task in Task], day, auto),
            self._mix(AUTO, list(self._models), day, auto),
            self._mix(SHADOW, list(self._models), day, shadowed),
        )
        return {
            "requests": auto.requests,
            "tasks": {name: totals.requests for name, totals in by_task.items()},
            "models": {name: _of_model(totals) for name, totals in by_model.items()},
            "cost": auto.cost_micro_usd / 1e6,
            "answeredCost": auto.routed_micro_usd / 1e6,
            "baselineCost": auto.baseline_micro_usd / 1e6,
            "savedByRouting": auto.saved_by_routing / 1e6,
            "explored": tried.requests,
            "explorationShare": rate(tried.requests, auto.requests),
            "shadow": _compared(shadowed, agreed, by_shadow) if shadowed.requests else None,
            "qualityByFeedback": quality,
        }

    async def _wholes(self, day: str, names: list[tuple[str, str]]) -> list[Totals]:
        return await self._views.wholes([self._keys.view(what, name, day) for what, name in names])

    async def _mix(self, what: str, names: list[str], day: str, whole: Totals) -> dict[str, Totals]:
        """Those that have requests; nothing is read where all of them together have none."""
        if not whole.requests:
            return {}
        found = await self._wholes(day, [(what, name) for name in names])
        return {name: totals for name, totals in zip(names, found, strict=True) if totals.requests}

    async def _quality(self) -> JsonObject:
        replies = await self._store.run_many([("HGETALL", self._keys.task_votes(task)) for task in Task])
        known = {task: _lessons(reply) for task, reply in zip(Task, replies, strict=True)}
        return {task.value: self._of_task(task, lessons) for task, lessons in known.items() if lessons.cells}

    def _of_task(self, task: Task, lessons: Lessons) -> JsonObject:
        by_model: dict[str, Votes] = {}
        for (_, model), votes in lessons.cells.items():
            by_model[model] = by_model.get(model, NO_VOTES) + votes
        return {model: self._of_votes(task, model, lessons, votes) for model, votes in sorted(by_model.items())}

    def _of_votes(self, task: Task, model: str, lessons: Lessons, votes: Votes) -> JsonObject:
        counts: JsonObject = {"up": votes.up, "down": votes.down, "regenerate": votes.regenerate}
        if votes.up + votes.down + votes.regenerate < ENOUGH:
            return {**counts, "quality": None, "note": f"not enough votes yet: fewer than {ENOUGH}"}

        prior = shipped().prior(task, self._models)
        cells = {cell: each for cell, each in lessons.cells.items() if cell[1] == model}
        start = sum(prior(*cell) * each.weight for cell, each in cells.items()) / votes.weight
        found = belief(start, votes, lessons.leaning(model, prior))
        reach = NORMAL_95 * found.deviation
        low, high = max(0.0, found.mean - reach), min(1.0, found.mean + reach)
        quality: JsonObject = {"quality": round(found.mean, 4), "low": round(low, 4), "high": round(high, 4)}
        return {**counts, **quality, "shipped": round(start, 4)}


def _lessons(reply: Reply | StoreError) -> Lessons:
    if isinstance(reply, StoreError):
        raise reply
    return lessons_in(reply if isinstance(reply, list) else [])


def _of_model(totals: Totals) -> JsonObject:
    return {"requests": totals.requests, "cost": totals.cost_micro_usd / 1e6}


def _compared(shadowed: Totals, agreed: Totals, by_model: Mapping[str, Totals]) -> JsonObject:
    """The shadow policy beside the served one, both by what requests were expected to cost."""
    return {
        "requests": shadowed.requests,
        "agreement": rate(agreed.requests, shadowed.requests),
        "models": {name: totals.requests for name, totals in by_model.items()},
        "estimatedCost": sum(totals.cost_micro_usd for totals in by_model.values()) / 1e6,
        "servedEstimatedCost": shadowed.cost_micro_usd / 1e6,
    }
