"""Streams in the KV: written at most once whatever is repeated, gone when deleted, found by their user alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lib.clock import SystemClock
from lib.kv.keys import Keys
from lib.kv.stream_buffer import KEPT_MS, LEASE_MS, SEEN_MS, SLOT_SECONDS, Sign, StreamBuffer, StreamName, Wish
from tests.contract.conftest import StoreUnderTest
from tests.support.shifted_clock import ShiftedClock

KEYS = Keys("t", "secret")
NAME = StreamName(KEYS.person("u1"), "r1")
HEAD = "h{}\n"


@dataclass
class Site:
    """A buffer on the store under test."""

    store: StoreUnderTest
    buffer: StreamBuffer

    async def text(self, offset: int = 0) -> str:
        return (await self.buffer.read(NAME, offset, wish=False)).text

    async def lifetime(self) -> int:
        left = await self.store.kv.run("PTTL", KEYS.stream(NAME.person, NAME.request_id))
        assert isinstance(left, int)
        return left


@pytest.fixture
async def site(store: StoreUnderTest) -> Site:
    buffer = StreamBuffer(store.kv, KEYS, SystemClock())
    await buffer.begin(NAME, "chat-1", HEAD, KEPT_MS)
    return Site(store, buffer)


async def test_text_is_added_where_it_belongs_and_read_from_any_offset(site: Site) -> None:
    assert await site.buffer.extend(NAME, len(HEAD), "d☃\n", KEPT_MS)
    assert await site.text() == HEAD + "d☃\n"
    assert await site.text(len(HEAD)) == "d☃\n"
    assert await site.text(len((HEAD + "d☃\n").encode())) == ""


async def test_what_is_written_twice_is_there_once(site: Site) -> None:
    for text in ("d1\n", "d1\n", "d1\nd☃\n", "d1\nd☃\n"):
        assert await site.buffer.extend(NAME, len(HEAD), text, KEPT_MS)
    assert await site.text() == HEAD + "d1\nd☃\n"


@pytest.mark.parametrize("offset", [1, len(HEAD) + 1])
async def test_text_that_leaves_a_gap_or_ends_before_what_is_there_is_not_taken(site: Site, offset: int) -> None:
    assert not await site.buffer.extend(NAME, offset, "x\n", KEPT_MS)
    assert await site.text() == HEAD


async def test_a_stream_that_was_deleted_does_not_come_back(site: Site) -> None:
    await site.store.kv.run("DEL", *await site.buffer.keys_of(NAME.person))
    assert not await site.buffer.extend(NAME, 0, HEAD, KEPT_MS)
    assert await site.buffer.look(NAME) == Sign(there=False, wish=Wish.NOTHING)
    assert await site.buffer.extend_and_look(NAME, 0, HEAD) == Sign(there=False, wish=Wish.NOTHING)
    assert await site.text() == ""
    assert await site.store.kv.run("DBSIZE") == 0


async def test_every_write_carries_a_lifetime(site: Site) -> None:
    await site.buffer.extend(NAME, len(HEAD), "d\n", SEEN_MS)
    assert 0 < await site.lifetime() <= SEEN_MS
    await site.buffer.look(NAME)
    assert SEEN_MS < await site.lifetime() <= KEPT_MS
    await site.buffer.read(NAME, 0, wish=True)
    await site.buffer.stop(NAME)
    for key in await site.buffer.keys_of(NAME.person):
        left = await site.store.kv.run("PTTL", key)
        assert left == -2 or (isinstance(left, int) and 0 < left <= 2_000 * SLOT_SECONDS)


async def test_a_writer_that_gives_no_sign_of_life_counts_as_dead(site: Site) -> None:
    assert (await site.buffer.read(NAME, 0, wish=False)).alive
    key = KEYS.stream(NAME.person, NAME.request_id)
    await site.store.kv.run("PEXPIRE", key, KEPT_MS - LEASE_MS - 1)
    assert not (await site.buffer.read(NAME, 0, wish=False)).alive
    await site.buffer.look(NAME)
    assert (await site.buffer.read(NAME, 0, wish=False)).alive


async def test_the_writer_learns_what_readers_want_and_a_stop_outweighs_reading(site: Site) -> None:
    assert (await site.buffer.look(NAME)).wish is Wish.NOTHING
    await site.buffer.read(NAME, 0, wish=True)
    assert (await site.buffer.look(NAME)).wish is Wish.READ
    await site.buffer.stop(NAME)
    await site.buffer.read(NAME, 0, wish=True)
    assert (await site.buffer.extend_and_look(NAME, len(HEAD), "d\n")).wish is Wish.STOP


async def test_only_its_user_finds_a_stream_and_only_by_its_chat(site: Site) -> None:
    assert await site.buffer.find(NAME.person, "chat-1") == NAME
    assert await site.buffer.find(KEYS.person("u2"), "chat-1") is None
    assert await site.buffer.find(NAME.person, "chat-2") is None
    assert await site.buffer.keys_of(KEYS.person("u2")) == [
        KEYS.streams_of(KEYS.person("u2"), slot) for slot in slots(SystemClock())
    ]


async def test_a_stream_is_found_in_the_next_slot_of_time_too(store: StoreUnderTest) -> None:
    early, late = SystemClock(), ShiftedClock(SLOT_SECONDS)
    await StreamBuffer(store.kv, KEYS, early).begin(NAME, "chat-1", HEAD, KEPT_MS)
    after = StreamBuffer(store.kv, KEYS, late)
    assert await after.find(NAME.person, "chat-1") == NAME
    assert KEYS.stream(NAME.person, NAME.request_id) in await after.keys_of(NAME.person)


def slots(clock: SystemClock) -> tuple[int, int]:
    now = int(clock.now()) // SLOT_SECONDS
    return now, now - 1
