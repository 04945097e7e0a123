"""The section `cacheTtl` of the statistics: how old stored answers were when they were served, by lifetime class."""

from __future__ import annotations

from dataclasses import dataclass

from lib.ai.observability.ages import AGES, BLOCKS, Ages, described
from lib.ai.observability.views import Views
from lib.clock import Clock
from lib.contract import JsonObject
from lib.kv.cache import ClassSeconds, TtlClass
from lib.kv.keys import Keys, day_of
from lib.kv.store import Store


@dataclass(frozen=True, slots=True)
class AgeStats:
    """Reads it. `classes` are the lifetimes in force."""

    store: Store
    keys: Keys
    clock: Clock
    classes: ClassSeconds

    async def read(self) -> JsonObject:
        """Today's hits of all users. Raises StoreError."""
        day = day_of(self.clock.now())
        names = [self.keys.view(AGES, kind.value, day) for kind in TtlClass]
        found = await Views(self.store, self.keys).blocks(names, range(BLOCKS))
        return {
            kind.value: described(
                Ages.of([block.requests for block in blocks]),
                self.classes.of(kind),
                may_grow=kind is not TtlClass.TIME_SENSITIVE,
            )
            for kind, blocks in zip(TtlClass, found, strict=True)
        }
