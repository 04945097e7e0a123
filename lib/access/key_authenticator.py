"""API keys as credentials. An instance remembers what it read for at most 30 seconds, so a revocation holds by then.

Busy keys are read again in time, beside the requests that use them, and requests that come at once share one read.
While the store is away what was read in the last quarter of an hour still counts; beyond that nobody can tell a good
key from a bad one, and the caller is asked to come again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from lib.access.api_keys import ApiKeys
from lib.access.credentials import Credentials
from lib.access.key_record import KeyRecord
from lib.access.key_token import PREFIX, KeyToken
from lib.access.latest import Latest
from lib.clock import Clock
from lib.contract import Caller, CallerKind, Grant
from lib.errors import AuthenticationFailed, GatewayError, Overloaded, StoreError

FRESH_SECONDS: Final = 30.0
"""How long a record counts as it was read, and so the longest that a revoked key goes on being taken."""
READ_AGAIN_SECONDS: Final = 15.0
"""Age from which a record in use is read again without anyone waiting for it."""
WITHOUT_STORE_SECONDS: Final = 900.0
REFUSED_SECONDS: Final = 5.0
"""How long a key that was refused is refused again unread."""
REMEMBERED: Final = 5_000
"""Keys, and refused keys."""
INVALID: Final = "The API key is not valid."


@dataclass(frozen=True, slots=True)
class _Read:
    """What the KV said of a key, and when it was asked (seconds since the epoch)."""

    record: KeyRecord | None
    at: float


class KeyAuthenticator:
    """Knows the callers behind API keys."""

    def __init__(self, api_keys: ApiKeys, clock: Clock) -> None:
        self._api_keys = api_keys
        self._clock = clock
        self._known: Latest[_Read] = Latest(REMEMBERED)
        self._refused: Latest[float] = Latest(REMEMBERED)
        """Until when, by the secret's hash."""
        self._reading: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[_Read | StoreError]] = {}

    async def recognise(self, credentials: Credentials) -> Caller | None:
        """The key's user; None for a credential that is no API key.

        Raises:
            AuthenticationFailed: no such key, or revoked (`invalid_api_key`); expired (`expired_api_key`).
            Overloaded: the store is away and this instance does not know the key.
        """
        if credentials.token is None or not credentials.token.startswith(PREFIX):
            return None
        token = self._api_keys.token_in(credentials.token)
        if token is None:
            raise AuthenticationFailed(INVALID)
        record = await self._proven(token)
        if record.expired(self._clock.now()):
            raise AuthenticationFailed("The API key has expired.", code="expired_api_key")
        terms = record.terms
        grant = Grant(
            key_id=record.id,
            daily_budget_micro_usd=terms.daily_budget_micro_usd,
            monthly_budget_micro_usd=terms.monthly_budget_micro_usd,
            daily_tokens=terms.daily_tokens,
            monthly_tokens=terms.monthly_tokens,
            models=terms.models,
            tags=terms.tags,
        )
        return Caller(record.user_id, terms.tier, CallerKind.USER, credentials.address, grant)

    async def _proven(self, token: KeyToken) -> KeyRecord:
        """The record of a key whose secret is right."""
        secret_hash, now = token.hash, self._clock.now()
        until = self._refused.get(secret_hash)
        if until is not None and 0 < until - now <= REFUSED_SECONDS:
            raise AuthenticationFailed(INVALID)
        read = self._known.get(token.id)
        record = self._proof(read, secret_hash)
        age = now - read.at if read is not None else -1.0
        if record is None or not 0 <= age < FRESH_SECONDS:  # what does not fit what is known may fit what is new
            record = await self._ask(token.id, secret_hash, now)
        elif age >= READ_AGAIN_SECONDS:
            _ = self._start_reading(token.id)
        if record is None:
            self._refused.put(secret_hash, self._clock.now() + REFUSED_SECONDS)
            raise AuthenticationFailed(INVALID)
        return record

    def _proof(self, read: _Read | None, secret_hash: str) -> KeyRecord | None:
        """The record, if it knows the secret and is not revoked."""
        record = read.record if read is not None else None
        if record is None or record.revoked_at is not None or not record.knows(secret_hash, self._clock.now()):
            return None
        return record

    async def _ask(self, key_id: str, secret_hash: str, now: float) -> KeyRecord | None:
        """What the KV says; where it says nothing, what it said a short while ago in the key's favour."""
        for _ in range(2):
            # Shielded: a caller that hangs up does not take along what others wait for.
            found = await asyncio.shield(self._start_reading(key_id))
            if isinstance(found, StoreError):
                break
            record = self._proof(found, secret_hash)
            if record is not None or found.at >= now:  # else it was under way before this caller came
                return record
        known = self._known.get(key_id)
        record = self._proof(known, secret_hash)
        if known is None or record is None or self._clock.now() - known.at >= WITHOUT_STORE_SECONDS:
            raise Overloaded("the API key cannot be checked at the moment; try again soon", retry_after=5.0)
        return record

    def _start_reading(self, key_id: str) -> asyncio.Task[_Read | StoreError]:
        loop = asyncio.get_running_loop()
        under_way = self._reading.get((loop, key_id))
        if under_way is None:
            under_way = self._reading[loop, key_id] = loop.create_task(self._read(key_id))
            under_way.add_done_callback(lambda _: self._reading.pop((loop, key_id)))
        return under_way

    async def _read(self, key_id: str) -> _Read | StoreError:
        read_at = self._clock.now()
        try:
            record = await self._api_keys.find(key_id)
        except StoreError as error:
            return error
        read = _Read(record, read_at)
        if record is None:
            self._known.drop(key_id)
            return read
        self._known.put(key_id, read)
        if record.status(read_at) == "active":
            await self._note_use(record)
        return read

    async def _note_use(self, record: KeyRecord) -> None:
        try:
            await self._api_keys.note_use(record)
        except (StoreError, GatewayError):
            """It is noted another time."""
