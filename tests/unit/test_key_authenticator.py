"""API keys as credentials: how often the store is asked, how soon a revocation holds, what holds without the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.access.api_keys import ApiKeys, Issued
from lib.access.credentials import Credentials
from lib.access.key_authenticator import (
    FRESH_SECONDS,
    READ_AGAIN_SECONDS,
    REFUSED_SECONDS,
    WITHOUT_STORE_SECONDS,
    KeyAuthenticator,
)
from lib.access.key_record import KeyTerms
from lib.access.key_token import new_token
from lib.access.latest import Latest
from lib.contract import Caller, CallerKind, Grant
from lib.errors import AuthenticationFailed, Overloaded, StoreError, StoreUnavailable
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore
from tests.support.ticks import next_tick

KEYS: Final = Keys("aig", "hash secret")
ADDRESS: Final = "203.0.113.9"
PROMISED: Final = 30.0
"""Seconds after which a revocation holds everywhere, as docs/access.md says."""


@dataclass
class WatchedStore:
    """Counts reads of records, can hold them back, and can be away."""

    inner: FakeStore
    reads: int = 0
    away: bool = False
    gate: asyncio.Event | None = None

    async def run(self, *command: str | int) -> Reply:
        if self.away:
            raise StoreUnavailable("away")
        reply = await self.inner.run(*command)
        if command[0] == "GET":
            self.reads += 1
            if self.gate is not None:
                await self.gate.wait()
        return reply

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        return await self.inner.run_many(commands)


@dataclass
class Place:
    """A store, and an instance that lets callers in."""

    clock: HandTurnedClock = field(default_factory=HandTurnedClock)

    def __post_init__(self) -> None:
        inner = FakeStore(MemoryStore(self.clock.now))
        self.store = WatchedStore(inner)
        self.keys = ApiKeys(inner, KEYS, self.clock)
        self.here = KeyAuthenticator(ApiKeys(self.store, KEYS, self.clock), self.clock)

    async def create(self, **terms: object) -> Issued:
        """A key that has been used today."""
        issued = await self.keys.create("ann", replace(KeyTerms(), **terms))  # type: ignore[arg-type]
        await self.keys.note_use(issued.record)
        return issued

    async def caller(self, token: str) -> Caller:
        caller = await self.here.recognise(Credentials(token, ADDRESS))
        assert caller is not None
        return caller

    async def refusal(self, token: str) -> str:
        """The code of the 401."""
        with pytest.raises(AuthenticationFailed) as caught:
            await self.caller(token)
        return caught.value.code


async def test_a_key_is_its_user_with_what_the_key_allows() -> None:
    place = Place()
    issued = await place.create(
        tier="pro", daily_budget_micro_usd=5, monthly_budget_micro_usd=0, models=("demo/echo",), tags=("a",)
    )
    grant = Grant(
        key_id=issued.record.id,
        daily_budget_micro_usd=5,
        monthly_budget_micro_usd=0,
        models=("demo/echo",),
        tags=("a",),
    )
    assert await place.caller(issued.token) == Caller("ann", "pro", CallerKind.USER, ADDRESS, grant)


async def test_a_key_without_a_tier_leaves_it_to_the_lookup() -> None:
    place = Place()
    assert (await place.caller((await place.create()).token)).tier == ""


@pytest.mark.parametrize("token", [None, "", "sk-123", "eyJhbGciOi.x.y", "AIG_0"])
async def test_other_credentials_are_left_to_others(token: str | None) -> None:
    assert await Place().here.recognise(Credentials(token, None)) is None


@pytest.mark.parametrize("token", ["aig_", "aig_x_y", f"aig_{'0' * 16}_{'0' * 56}", f"aig_{'é' * 73}"])
async def test_junk_never_reaches_the_store(token: str) -> None:
    place = Place()
    assert await place.refusal(token) == "invalid_api_key"
    assert place.store.reads == 0


async def test_a_key_in_use_is_read_once_in_a_while_and_not_per_request() -> None:
    place = Place()
    token = (await place.create()).token
    for _ in range(100):
        await place.caller(token)
    assert place.store.reads == 1


async def test_first_uses_at_the_same_time_share_one_read() -> None:
    place = Place()
    token = (await place.create()).token
    place.store.gate = asyncio.Event()
    asking = [asyncio.create_task(place.caller(token)) for _ in range(20)]
    await next_tick()
    place.store.gate.set()
    assert len({caller.user_id for caller in await asyncio.gather(*asking)}) == 1
    assert place.store.reads == 1


async def test_a_caller_that_hangs_up_does_not_take_along_what_others_wait_for() -> None:
    place = Place()
    token = (await place.create()).token
    place.store.gate = asyncio.Event()
    first, second = (asyncio.create_task(place.caller(token)) for _ in range(2))
    await next_tick()
    first.cancel()
    await next_tick()
    place.store.gate.set()
    assert (await second).user_id == "ann"
    assert place.store.reads == 1


async def test_a_busy_key_is_read_again_in_time_and_nobody_waits_for_it() -> None:
    place = Place()
    token = (await place.create()).token
    await place.caller(token)
    place.clock.turn(READ_AGAIN_SECONDS)
    place.store.gate = asyncio.Event()
    await place.caller(token)
    await next_tick()
    assert place.store.reads == 2
    place.store.gate.set()
    await next_tick()
    place.clock.turn(FRESH_SECONDS - 1)
    await place.caller(token)
    await next_tick()
    assert place.store.reads == 3


@pytest.mark.parametrize("idle", [PROMISED, PROMISED + 3_600])
async def test_a_revoked_key_is_refused_after_30_seconds_at_the_latest(idle: float) -> None:
    place = Place()
    issued = await place.create()
    await place.caller(issued.token)
    await place.keys.revoke(issued.record.id)
    place.clock.turn(idle)
    assert await place.refusal(issued.token) == "invalid_api_key"


async def test_a_busy_revoked_key_is_refused_after_30_seconds_at_the_latest() -> None:
    place = Place()
    issued = await place.create()
    await place.caller(issued.token)
    await place.keys.revoke(issued.record.id)
    taken = 0.0
    for second in range(40):
        try:
            await place.caller(issued.token)
            taken = second
        except AuthenticationFailed:
            break
        place.clock.turn(1)
        await next_tick()
    assert taken < PROMISED


async def test_a_clock_that_was_set_back_makes_no_record_last_longer() -> None:
    place = Place()
    issued = await place.create()
    await place.caller(issued.token)
    await place.keys.revoke(issued.record.id)
    place.clock.turn(-1_000)
    assert await place.refusal(issued.token) == "invalid_api_key"


async def test_an_expired_key_is_told_so_and_only_its_owner_is() -> None:
    place = Place()
    issued = await place.create(expires_at=int(place.clock.now()) + 10)
    await place.caller(issued.token)
    place.clock.turn(10)
    assert await place.refusal(issued.token) == "expired_api_key"
    stranger = replace(new_token(lambda size: "ab" * size), id=issued.record.id)
    assert await place.refusal(stranger.text(KEYS)) == "invalid_api_key"


async def test_a_secret_that_is_not_the_keys_is_refused_and_asked_for_once_in_a_while() -> None:
    place = Place()
    issued = await place.create()
    await place.caller(issued.token)
    wrong = replace(new_token(lambda size: "ab" * size), id=issued.record.id).text(KEYS)
    for _ in range(50):
        assert await place.refusal(wrong) == "invalid_api_key"
    assert place.store.reads == 2
    place.clock.turn(REFUSED_SECONDS + 0.001)
    await place.refusal(wrong)
    assert place.store.reads == 3


async def test_an_unknown_key_does_not_hammer_the_store() -> None:
    place = Place()
    unknown = new_token(lambda size: "cd" * size).text(KEYS)
    for _ in range(50):
        assert await place.refusal(unknown) == "invalid_api_key"
    assert place.store.reads == 1


async def test_a_new_secret_is_good_at_once_and_the_old_one_until_its_overlap_ends() -> None:
    place = Place()
    issued = await place.create()
    await place.caller(issued.token)
    again = await place.keys.rotate(issued.record.id, 60)
    assert (await place.caller(again.token)).user_id == (await place.caller(issued.token)).user_id == "ann"
    place.clock.turn(60)
    assert await place.refusal(issued.token) == "invalid_api_key"
    await place.caller(again.token)


async def test_a_read_under_way_since_before_a_rotation_does_not_speak_against_the_new_secret() -> None:
    place = Place()
    issued = await place.create()
    place.store.gate = asyncio.Event()
    early = asyncio.create_task(place.caller(issued.token))
    await next_tick()
    again = await place.keys.rotate(issued.record.id, 60)
    place.clock.turn(0.01)
    late = asyncio.create_task(place.caller(again.token))
    await next_tick()
    place.store.gate.set()
    assert (await early).user_id == (await late).user_id == "ann"


async def test_without_the_store_a_key_that_was_read_of_late_is_still_good() -> None:
    place = Place()
    token = (await place.create()).token
    await place.caller(token)
    place.store.away = True
    place.clock.turn(WITHOUT_STORE_SECONDS - 1)
    assert (await place.caller(token)).user_id == "ann"


async def test_without_the_store_nobody_else_is_called_a_stranger_but_asked_to_come_again() -> None:
    place = Place()
    token = (await place.create()).token
    await place.caller(token)
    place.store.away = True
    place.clock.turn(WITHOUT_STORE_SECONDS)
    for each in (token, new_token(lambda size: "cd" * size).text(KEYS)):
        with pytest.raises(Overloaded) as caught:
            await place.caller(each)
        assert (caught.value.status, caught.value.retry_after) == (503, 5.0)
    place.store.away = False
    assert (await place.caller(token)).user_id == "ann"


async def test_without_the_store_a_key_seen_revoked_or_expired_stays_so() -> None:
    place = Place()
    revoked, expiring = await place.create(), await place.create(expires_at=int(place.clock.now()) + 60)
    await place.caller(revoked.token)
    await place.caller(expiring.token)
    await place.keys.revoke(revoked.record.id)
    place.clock.turn(FRESH_SECONDS)
    await place.refusal(revoked.token)
    place.store.away = True
    place.clock.turn(60)
    with pytest.raises(Overloaded):
        await place.caller(revoked.token)
    assert await place.refusal(expiring.token) == "expired_api_key"


async def test_a_first_use_is_noted() -> None:
    place = Place()
    issued = await place.keys.create("ann", KeyTerms())
    await place.caller(issued.token)
    assert (await place.keys.get(issued.record.id)).used_at == int(place.clock.now())


def test_what_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    memory: Latest[int] = Latest(2)
    for number, name in enumerate("ab"):
        memory.put(name, number)
    memory.get("a")
    memory.put("c", 2)
    assert [memory.get(name) for name in "abc"] == [0, None, 2]
    memory.drop("a")
    memory.drop("a")
    assert [memory.get(name) for name in "abc"] == [None, None, 2]


class UnwritableStore(WatchedStore):
    """Takes no writes."""

    async def run(self, *command: str | int) -> Reply:
        if command[0] == "EVAL":
            raise StoreError("READONLY")
        return await super().run(*command)


async def test_a_use_that_cannot_be_noted_is_no_reason_to_refuse_anyone() -> None:
    place = Place()
    issued = await place.keys.create("ann", KeyTerms())
    store = UnwritableStore(place.store.inner)
    here = KeyAuthenticator(ApiKeys(store, KEYS, place.clock), place.clock)
    caller = await here.recognise(Credentials(issued.token, None))
    assert caller is not None
    assert caller.user_id == "ann"


def test_every_event_loop_reads_for_itself() -> None:
    place = Place()
    token = asyncio.run(place.create()).token
    assert asyncio.run(place.caller(token)).user_id == "ann"
    place.clock.turn(FRESH_SECONDS)
    assert asyncio.run(place.caller(token)).user_id == "ann"
    assert place.store.reads == 2
