"""Salts of users' keys: one each, kept alive by use, none for who has just been deleted."""

from __future__ import annotations

import asyncio

from lib.kv.kept import TOMBSTONE_SECONDS
from lib.kv.keys import Keys
from lib.kv.seal import PLAIN
from lib.kv.vault import MOST_REMEMBERED, REMEMBERED_SECONDS, SALT_MS, Vault
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import HandTurnedClock

KEYS = Keys("aig", "hash-secret")
SECRET = "s" * 32
ANN = KEYS.person("ann")
NAME = "a name"


def vault(store: StoreUnderTest, clock: HandTurnedClock | None = None) -> Vault:
    return Vault(store.kv, KEYS, clock or HandTurnedClock(), [SECRET])


async def test_all_instances_find_the_same_key_whoever_came_first(store: StoreUnderTest) -> None:
    seals = await asyncio.gather(*(vault(store).of(ANN) for _ in range(5)))
    kept = [seal.seal(NAME, "text") for seal in seals if seal]
    assert [seal.open(NAME, text) for seal in seals if seal for text in kept] == ["text"] * 25


async def test_users_have_keys_of_their_own(store: StoreUnderTest) -> None:
    here = vault(store)
    ann, bob = await here.of(ANN), await here.of(KEYS.person("bob"))
    assert ann
    assert bob
    assert bob.open(NAME, ann.seal(NAME, "text")) is None
    assert here.shared.open(NAME, ann.seal(NAME, "text")) is None
    assert ann.open(NAME, here.shared.seal(NAME, "text")) is None


async def test_a_salt_lives_for_longer_than_any_text_and_use_keeps_it_alive(store: StoreUnderTest) -> None:
    await vault(store).of(ANN)
    await store.kv.run("PEXPIRE", KEYS.salt(ANN), 1_000_000)
    await vault(store).of(ANN)
    left = await store.kv.run("PTTL", KEYS.salt(ANN))
    assert isinstance(left, int)
    assert SALT_MS - 60_000 < left <= SALT_MS


async def test_who_has_just_been_deleted_has_no_key_and_then_another_one(store: StoreUnderTest) -> None:
    first = await vault(store).of(ANN)
    await store.kv.run("SET", KEYS.tombstone(ANN), 1, "EX", TOMBSTONE_SECONDS)
    await store.kv.run("DEL", KEYS.salt(ANN))
    assert await vault(store).of(ANN) is None
    assert await store.kv.run("EXISTS", KEYS.salt(ANN)) == 0
    await store.kv.run("DEL", KEYS.tombstone(ANN))
    second = await vault(store).of(ANN)
    assert first
    assert second
    assert second.open(NAME, first.seal(NAME, "text")) is None


async def test_an_instance_forgets_a_key_sooner_than_a_tombstone_falls(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    here = vault(store, clock)
    assert await here.of(ANN)
    clock.turn(REMEMBERED_SECONDS - 1)
    assert here.known(ANN)
    clock.turn(1)
    assert here.known(ANN) is None
    assert REMEMBERED_SECONDS < TOMBSTONE_SECONDS
    assert await here.of(ANN)
    here.forget(ANN)
    assert here.known(ANN) is None


async def test_an_instance_remembers_a_bounded_number_of_keys(store: StoreUnderTest) -> None:
    here = vault(store)
    for number in range(MOST_REMEMBERED + 2):
        here.learn(str(number), "salt")
    assert [here.known(str(number)) is None for number in range(3)] == [True, True, False]


async def test_without_keys_nothing_is_sealed_and_nothing_asked(store: StoreUnderTest) -> None:
    here = Vault(store.kv, KEYS, HandTurnedClock())
    assert here.known(ANN) is await here.of(ANN) is here.shared is PLAIN
    assert await store.kv.run("EXISTS", KEYS.salt(ANN)) == 0
