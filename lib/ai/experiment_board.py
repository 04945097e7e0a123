"""The experiments that are on, as all instances read them, and how they are set.

A request never waits for them: they are read with an admission and hold from the next request on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lib.clock import Clock
from lib.errors import InvalidRequest, NotFound, Overloaded, StoreError
from lib.experiment import Assigned, Experiment, assigned, decode, encode
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store

TRUSTED_SECONDS: Final = 30.0
LIFETIME: Final = 400 * 86_400
"""Seconds, from the last change on."""
MOST: Final = 8
"""Experiments at a time."""
TRIES: Final = 3


class ExperimentBoard:
    """One per process."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._swap = script("replace")
        self._known: tuple[Experiment, ...] = ()
        self._since = float("-inf")

    def arm_of(self, person: str) -> Assigned | None:
        """A user's arm, by what is known here."""
        return assigned(self._known, person)

    def asking(self) -> Command | None:
        """The read, for `learn` to take in; None while what is known may be trusted."""
        known = 0 <= self._clock.now() - self._since < TRUSTED_SECONDS
        return None if known else ("GET", self._keys.experiments)

    def learn(self, reply: Reply | StoreError) -> None:
        """Take in the reply; without one, what was known holds on."""
        if isinstance(reply, StoreError):
            return
        self._known = decode(reply) if isinstance(reply, str) else ()
        self._since = self._clock.now()

    async def all(self) -> tuple[Experiment, ...]:
        """Those that are on now. Raises StoreError."""
        self.learn(await self._store.run("GET", self._keys.experiments))
        return self._known

    async def put(self, experiment: Experiment) -> tuple[Experiment, ...]:
        """Begin an experiment, or begin the one of that name anew; all that are on then.

        Raises InvalidRequest when there are MOST, Overloaded when others keep changing them, StoreError.
        """

        def change(before: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
            others = tuple(each for each in before if each.name != experiment.name)
            if len(others) >= MOST:
                raise InvalidRequest(f"There are {MOST} experiments; end one of them first.", param="name")
            return (*others, experiment)

        return await self._change(change)

    async def end(self, name: str) -> tuple[Experiment, ...]:
        """End an experiment; those that are left. Raises NotFound, Overloaded, StoreError."""

        def change(before: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
            after = tuple(each for each in before if each.name != name)
            if after == before:
                raise NotFound("There is no experiment of that name.", param="name")
            return after

        return await self._change(change)

    async def _change(
        self, change: Callable[[tuple[Experiment, ...]], tuple[Experiment, ...]]
    ) -> tuple[Experiment, ...]:
        for _ in range(TRIES):
            reply = await self._store.run("GET", self._keys.experiments)
            text = reply if isinstance(reply, str) else ""
            after = encode(change(decode(text)))
            if await self._store.run("EVAL", self._swap, 1, self._keys.experiments, text, after, LIFETIME) == 1:
                self.learn(after)
                return self._known
        raise Overloaded("experiments are being changed by somebody else; look at them again", retry_after=1.0)
