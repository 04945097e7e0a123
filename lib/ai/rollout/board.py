"""How far the rollout has come, as all instances agree on it in the KV, and the count that turns it back.

An instance trusts what it has read for some seconds. Without the KV it goes on by what it knew last, or by the setting.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from lib.ai.rollout.rules import AutoRollback, Counts, Rollout, arm_of, decode, encode, why_back
from lib.clock import Clock
from lib.contract import Arm, JsonObject
from lib.errors import Overloaded, StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

LOG: Final = logging.getLogger(__name__)
TRUSTED_SECONDS: Final = 8.0
"""A change made elsewhere is seen within ten, the longest wait for the KV included."""
LIFETIME: Final = 400 * 86_400
"""Seconds, begun anew by each reading."""
WINDOW_SECONDS: Final = 1_800
"""The present window and the one before are looked at: half an hour to an hour."""
WINDOWS_KEPT: Final = 3 * WINDOW_SECONDS
TRIES: Final = 3
SIDES: Final = (Arm.NEW, Arm.OLD)
GETS: Final = tuple(piece for at in range(2 * len(SIDES)) for piece in ("GET", "u32", f"#{at}"))


class RolloutBoard:
    """One per process. `default` holds where nothing has been set."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, default: Rollout) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._default = default
        self._swap = script("replace")
        self._known: Rollout | None = None
        self._text = ""
        self._trusted_until = 0.0
        self._before: tuple[str, tuple[Counts, Counts]] | None = None
        self._touched = ""

    @property
    def latest(self) -> Rollout:
        """As last read, or by the setting."""
        return self._known or self._default

    async def arm_for(self, user_id: str) -> Arm:
        """The side a user is on. Raises nothing: a KV that is away changes nothing."""
        return arm_of(self._keys.person(user_id), await self.current())

    async def current(self) -> Rollout:
        """The rollout as this instance may still trust it, read anew where it may not."""
        now = self._clock.now()
        if self._known is not None and now < self._trusted_until:
            return self._known
        if self._known is not None:
            self._trusted_until = now + TRUSTED_SECONDS  # whoever comes meanwhile goes by what is known
        try:
            return await self.read()
        except StoreError as error:
            LOG.warning("the rollout could not be read: %s", error)
            self._known = self.latest
            self._trusted_until = now + TRUSTED_SECONDS
            return self._known

    async def read(self) -> Rollout:
        """The rollout as it is now. Raises StoreError."""
        reply = await self._store.run("GETEX", self._keys.rollout, "EX", LIFETIME)
        text = reply if isinstance(reply, str) else ""
        return self._learn(text, decode(text) or self._default)

    def _learn(self, text: str, rollout: Rollout) -> Rollout:
        self._text, self._known = text, rollout
        self._trusted_until = self._clock.now() + TRUSTED_SECONDS
        return rollout

    async def set(self, percent: float | None, auto: tuple[bool, float, int] | None) -> JsonObject:
        """Set it, from now on for all; what is None stays. `auto` as in AutoRollback. What is then in force.

        Raises StoreError, Overloaded when others keep changing it.
        """
        hundredths = None if percent is None else round(percent * 100)
        rule = AutoRollback(*auto) if auto else None
        for _ in range(TRIES):
            rollout = (await self.read()).changed(self._clock.now(), hundredths=hundredths, auto=rule)
            if await self._replace(rollout):
                return await self.describe()
        raise Overloaded("the rollout is being changed by somebody else; look at it again", retry_after=1.0)

    async def _replace(self, rollout: Rollout) -> bool:
        text = encode(rollout)
        done = await self._store.run("EVAL", self._swap, 1, self._keys.rollout, self._text, text, LIFETIME)
        if done == 1:
            self._learn(text, rollout)
        else:
            self._trusted_until = 0.0
        return done == 1

    async def count(self, rollout: Rollout, arm: Arm, *, failed: bool) -> None:
        """Count a request that ended under `rollout`, and turn that back if it is one too many. Raises nothing."""
        if not rollout.watched:
            return
        try:
            sides = await self._counted(rollout, arm, failed=failed)
            if reason := why_back(*sides, rollout.auto):
                await self._turn_back(rollout, reason)
        except StoreError as error:
            LOG.warning("a request of the rollout could not be counted: %s", error)

    async def _turn_back(self, rollout: Rollout, reason: str) -> None:
        """Unless it is another rollout by now; of all instances that would, one does."""
        if (await self.read()).generation != rollout.generation:
            return
        if await self._replace(rollout.back(self._clock.now(), reason)):
            LOG.error("the rollout was turned back from %g %%: %s", rollout.percent, reason)

    async def _counted(self, rollout: Rollout, arm: Arm, *, failed: bool) -> tuple[Counts, Counts]:
        """Both sides over the present window, this request included, and the one before."""
        present, before = self._windows(rollout)
        at = 2 * SIDES.index(arm)
        commands: list[Command] = [
            ("BITFIELD", present, *("INCRBY", "u32", f"#{at}", 1, "INCRBY", "u32", f"#{at + 1}", int(failed)), *GETS)
        ]
        if self._touched != present:
            commands.append(("EXPIRE", present, WINDOWS_KEPT))
        ended = self._before[1] if self._before and self._before[0] == before else None
        if ended is None:
            commands.append(("BITFIELD", before, *GETS))
        replies = await self._store.run_many(commands)
        counted = counts_in(replies[0])
        self._touched = present
        if ended is None:
            ended = counts_in(replies[-1])
            self._before = (before, ended)
        return counted[0] + ended[0], counted[1] + ended[1]

    def _windows(self, rollout: Rollout) -> tuple[str, str]:
        window = int(self._clock.now() // WINDOW_SECONDS)
        name = self._keys.rollout_window
        return name(rollout.generation, window), name(rollout.generation, window - 1)

    async def describe(self) -> JsonObject:
        """All that is known about it. Raises StoreError."""
        rollout = await self.read()
        present, before = await self._store.run_many([("BITFIELD", key, *GETS) for key in self._windows(rollout)])
        sides = [sum(pair, Counts()) for pair in zip(counts_in(present), counts_in(before), strict=True)]
        auto, back = rollout.auto, rollout.turned_back
        counts: JsonObject = {
            arm.value: {"requests": side.requests, "errors": side.errors, "errorRate": round(side.rate, 4)}
            for arm, side in zip(SIDES, sides, strict=True)
        }
        return {
            "percent": rollout.percent,
            "changedAt": rollout.changed_at or None,
            "autoRollback": {
                "enabled": auto.enabled,
                "marginPercent": auto.margin_percent,
                "minRequests": auto.min_requests,
            },
            "turnedBack": back is not None and back.at == rollout.changed_at,
            "lastRollback": {"at": back.at, "fromPercent": back.from_percent, "reason": back.reason} if back else None,
            "lately": {"seconds": 2 * WINDOW_SECONDS, **counts},
        }


def counts_in(reply: Reply | StoreError) -> tuple[Counts, Counts]:
    """Both sides, as a BITFIELD that ends with GETS answers. Raises StoreError."""
    if isinstance(reply, StoreError):
        raise reply
    cells: Sequence[Reply] = reply[-4:] if isinstance(reply, list) else ()
    match [cell for cell in cells if isinstance(cell, int)]:
        case [a, b, c, d]:
            return Counts(a, b), Counts(c, d)
        case _:
            raise StoreError("a window of the rollout is no list of counters")
