"""What was last told of each model, as all instances agree on it, and telling what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lib.ai.alerts.alert import Alert, Raised
from lib.ai.alerts.desk import AlertDesk
from lib.ai.alerts.health_news import TOLD_SECONDS, level_of, news_of
from lib.ai.health import HealthBoard
from lib.answer import Health
from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

STATES: Final = {state.value: state for state in Health}


@dataclass(frozen=True, slots=True)
class Place:
    """The KV, and the time."""

    store: Store
    keys: Keys
    clock: Clock


class HealthWatch:
    """One per instance. Methods raise StoreError."""

    def __init__(self, desk: AlertDesk, health: HealthBoard, place: Place) -> None:
        self._desk = desk
        self._health = health
        self._place = place
        self._seen: dict[str, Health] = {}

    async def after(self, models: Sequence[str]) -> list[Raised]:
        """Look at models that have just been asked; the KV is asked only where one is in another state than before."""
        changed = [model for model in dict.fromkeys(models) if self._changed(model)]
        return await self._tell(changed)

    async def look(self, models: Sequence[str]) -> list[Raised]:
        """Look at models whoever asked them."""
        now = self._place.clock.now()
        if models and (read := self._health.read_command(models, now)):
            self._health.learn(models, await self._place.store.run(*read), now)
        return await self._tell(models)

    def _changed(self, model: str) -> bool:
        level = level_of(self._health.verdict(model, self._place.clock.now()))
        if level is None or level is self._seen.get(model, Health.HEALTHY):
            return False
        self._seen[model] = level
        return True

    async def _tell(self, models: Sequence[str]) -> list[Raised]:
        if not models:
            return []
        store, keys = self._place.store, self._place.keys
        found = await self._news(models)
        raised = await self._desk.raise_alerts([alert for _, alert in found])
        levels = {alert.once: level for level, alert in found}
        writes: list[Command] = [
            ("SET", keys.health_told(each.alert.subject), levels[each.alert.once].value, "EX", TOLD_SECONDS)
            for each in raised
        ]
        for reply in await store.run_many(writes) if writes else ():
            if isinstance(reply, StoreError):
                raise reply
        return raised

    async def _news(self, models: Sequence[str]) -> list[tuple[Health, Alert]]:
        """What nobody was told yet."""
        keys, now = self._place.keys, self._place.clock.now()
        told = await self._place.store.run("MGET", *map(keys.health_told, models))
        known = told if isinstance(told, list) else [None] * len(models)
        return [
            news
            for model, state in zip(models, known, strict=True)
            if (news := news_of(model, self._health.verdict(model, now), told_of(state)))
        ]


def told_of(reply: Reply) -> Health:
    """The state that was last told; of a model nobody was told of, that it is well."""
    return STATES.get(reply, Health.HEALTHY) if isinstance(reply, str) else Health.HEALTHY
