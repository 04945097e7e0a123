"""Whose texts are sealed with what (`lib.kv.seal`), where the operator has set keys for that; nothing is, otherwise.

A user's key comes of the deployment's and of a random salt that lies in the KV. Deleting the salt shreds all that was
sealed for that user, copies included. Salts are read with admission and remembered for a while.
"""

from __future__ import annotations

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from secrets import token_bytes
from typing import Final

from lib.clock import Clock
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.seal import PLAIN, Seal, seal_of
from lib.kv.store import Store

REMEMBERED_SECONDS: Final = 300.0
"""How long an instance may still know the key of a user who was deleted elsewhere: less than their tombstone stands, so
that nothing is ever sealed under it again."""
MOST_REMEMBERED: Final = 1_024
SALT_BYTES: Final = 32
SALT_MS: Final = 120 * 86_400_000
"""Longer than settings let any text live (10,000,000 s); counted from the last use."""


class Vault:
    """`person` is a user's hash; `secrets` are the deployment's keys, of which the first seals and all open."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        clock: Clock,
        secrets: Sequence[str] = (),
        fresh: Callable[[int], bytes] = token_bytes,
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._secrets = secrets
        self._fresh = fresh
        self._known: OrderedDict[str, tuple[float, Seal]] = OrderedDict()

    @cached_property
    def shared(self) -> Seal:
        """For what belongs to no single user."""
        return seal_of(self._secrets, b"", "", self._fresh) if self._secrets else PLAIN

    def known(self, person: str) -> Seal | None:
        """A user's seal as far as it is known here; None where it has to be asked for."""
        if not self._secrets:
            return PLAIN
        since, seal = self._known.get(person, (float("-inf"), None))
        return seal if 0 <= self._clock.now() - since < REMEMBERED_SECONDS else None

    def asking(self, person: str) -> Command:
        """What asks for it, for `learn` to take in."""
        named = (self._keys.salt(person), self._keys.tombstone(person))
        fresh = b64encode(self._fresh(SALT_BYTES)).decode()
        return ("EVAL", script("salt"), len(named), *named, fresh, SALT_MS)

    def learn(self, person: str, reply: Reply | StoreError) -> Seal | None:
        """The seal by the reply; None where there is no reply, or the user has just been deleted: keep no text then."""
        if not isinstance(reply, str) or not reply:
            return None
        seal = seal_of(self._secrets, reply.encode(), person, self._fresh)
        self._known[person] = self._clock.now(), seal
        self._known.move_to_end(person)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return seal

    async def of(self, person: str) -> Seal | None:
        """A user's seal, asked for where it is not known; None where they have just been deleted. Raises StoreError."""
        return self.known(person) or self.learn(person, await self._store.run(*self.asking(person)))

    def forget(self, person: str) -> None:
        """Do not know a user's key any more."""
        self._known.pop(person, None)
