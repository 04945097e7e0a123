"""API keys on a store: what is written, listed and forgotten, and changes at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.access.api_keys import PAGE, ApiKeys, Issued
from lib.access.key_record import EarlierSecret, KeyRecord, KeyTerms
from lib.errors import Conflict, GatewayError, InvalidRequest, NotFound, Overloaded, StoreError
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply
from lib.kv.store import Store
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import START, HandTurnedClock
from tests.support.fake_store import FakeStore

KEYS: Final = Keys("aig", "hash secret")
DAY: Final = 86_400
NOW: Final = int(START)


@dataclass
class Place:
    """A store and what administers keys on it."""

    store: Store
    clock: HandTurnedClock = field(default_factory=HandTurnedClock)

    def __post_init__(self) -> None:
        self.keys = ApiKeys(self.store, KEYS, self.clock)

    async def lifetime(self, key: str) -> int:
        seconds = await self.store.run("TTL", key)
        assert isinstance(seconds, int)
        return seconds

    async def create(self, user: str = "ann", **terms: object) -> Issued:
        return await self.keys.create(user, replace(KeyTerms(), **terms))  # type: ignore[arg-type]

    async def listed(self, user: str = "") -> list[KeyRecord]:
        """All pages."""
        records: list[KeyRecord] = []
        cursor = ""
        while True:
            page = await self.keys.page(user, cursor)
            records += page.records
            cursor = page.cursor
            if not cursor:
                return records


@pytest.fixture
def place(store: StoreUnderTest) -> Place:
    return Place(store.kv)


def alone() -> Place:
    """On a store whose keys expire by the test's clock."""
    clock = HandTurnedClock()
    return Place(FakeStore(MemoryStore(clock.now)), clock)


async def test_a_key_is_found_by_its_public_id_with_all_that_it_allows(place: Place) -> None:
    terms = KeyTerms(
        name="n", tier="pro", daily_budget_micro_usd=5, models=("demo/echo",), tags=("a",), expires_at=NOW + DAY
    )
    issued = await place.keys.create("ann", terms)
    assert await place.keys.get(issued.record.id) == issued.record
    assert issued.record == KeyRecord(
        id=issued.record.id, user_id="ann", hash=issued.record.hash, created_at=NOW, terms=terms
    )


async def test_the_store_holds_no_secret_and_no_user_in_a_keys_name(place: Place) -> None:
    issued = await place.create("ann@example.com")
    names = await place.store.run("KEYS", "*")
    assert isinstance(names, list)
    held = repr(names) + repr(await place.store.run("GET", KEYS.api_key(issued.record.id)))
    token = place.keys.token_in(issued.token)
    assert token is not None
    assert token.secret not in held
    assert issued.token not in held
    assert "ann@example.com" not in repr(names)


async def test_every_key_of_the_store_has_a_lifetime(place: Place) -> None:
    issued = await place.create()
    await place.keys.revoke(issued.record.id)
    await place.create()
    names = await place.store.run("KEYS", "*")
    assert isinstance(names, list)
    assert len(names) == 4
    assert all([await place.lifetime(str(name)) > 0 for name in names])


async def test_a_key_that_is_not_there_is_not_found(place: Place) -> None:
    for key_id in ("0" * 16, "../x", ""):
        for act in (place.keys.get(key_id), place.keys.rotate(key_id, 0), place.keys.revoke(key_id)):
            with pytest.raises(NotFound):
                await act


async def test_lists_come_in_pages_the_newest_first_without_loss_or_repetition(place: Place) -> None:
    made: list[str] = []
    for _ in range(PAGE + 3):
        made.append((await place.create()).record.id)
        place.clock.turn(1)
    first = await place.keys.page("ann")
    assert len(first.records) == PAGE
    await place.create()  # a newer one does not shift what follows
    rest = await place.keys.page("ann", first.cursor)
    assert [record.id for record in (*first.records, *rest.records)] == made[::-1]
    assert rest.cursor == ""


async def test_a_user_has_a_list_of_their_own(place: Place) -> None:
    ann, bob = await place.create("ann"), await place.create("bob")
    assert [record.id for record in await place.listed("ann")] == [ann.record.id]
    assert {record.id for record in await place.listed()} == {ann.record.id, bob.record.id}
    assert await place.listed("cid") == []


@pytest.mark.parametrize("cursor", ["x", "+", "0" * 28, "(1795521600:0123456789abcdef"])
async def test_a_cursor_that_no_list_gave_is_refused(place: Place, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await place.keys.page("", cursor)
    assert caught.value.param == "cursor"


async def test_a_key_that_the_store_forgot_leaves_the_list_it_is_looked_for_in(place: Place) -> None:
    gone, kept = await place.create(), await place.create()
    await place.store.run("DEL", KEYS.api_key(gone.record.id))
    assert [record.id for record in await place.listed()] == [kept.record.id]
    assert await place.store.run("ZCARD", KEYS.api_keys) == 1


async def test_a_damaged_record_is_not_listed_and_not_found(place: Place) -> None:
    issued = await place.create()
    await place.store.run("SET", KEYS.api_key(issued.record.id), "nonsense", "EX", 60)
    assert await place.listed() == []
    assert await place.keys.find(issued.record.id) is None


async def test_terms_change_and_the_secret_stays(place: Place) -> None:
    issued = await place.create()
    record = await place.keys.change(issued.record.id, lambda terms: replace(terms, tags=("new",)))
    assert record == replace(issued.record, terms=KeyTerms(tags=("new",)))
    assert await place.keys.get(issued.record.id) == record


async def test_a_rotation_gives_a_new_secret_and_keeps_the_old_one_for_the_overlap(place: Place) -> None:
    issued = await place.create()
    again = await place.keys.rotate(issued.record.id, 60)
    assert again.token != issued.token
    assert again.record.earlier == (EarlierSecret(issued.record.hash, NOW + 60),)
    assert await place.keys.get(issued.record.id) == again.record


async def test_of_two_rotations_at_the_same_time_both_give_a_secret_that_is_valid(place: Place) -> None:
    issued = await place.create()
    both = await asyncio.gather(*(place.keys.rotate(issued.record.id, 60) for _ in range(2)))
    record = await place.keys.get(issued.record.id)
    for one in (issued, *both):
        token = place.keys.token_in(one.token)
        assert token is not None
        assert record.knows(token.hash, NOW)


async def test_changes_at_the_same_time_are_all_made(place: Place) -> None:
    issued = await place.create()

    def tagged(tag: str) -> asyncio.Future[KeyRecord]:
        return asyncio.ensure_future(
            place.keys.change(issued.record.id, lambda terms: replace(terms, tags=(*terms.tags, tag)))
        )

    await asyncio.gather(*(tagged(str(number)) for number in range(10)))
    assert sorted((await place.keys.get(issued.record.id)).terms.tags) == [str(number) for number in range(10)]


async def test_a_revocation_stands_whatever_goes_on_at_the_same_time(place: Place) -> None:
    issued = await place.create()
    key = issued.record.id
    done = await asyncio.gather(
        place.keys.rotate(key, 3_600),
        place.keys.change(key, lambda terms: replace(terms, name="x")),
        place.keys.revoke(key),
        place.keys.rotate(key, 3_600),
        place.keys.note_use(issued.record),
        return_exceptions=True,
    )
    assert all(outcome is None or isinstance(outcome, (Conflict, Issued, KeyRecord)) for outcome in done)
    record = await place.keys.get(key)
    assert (record.status(NOW), record.earlier) == ("revoked", ())


async def test_a_revoked_key_can_neither_be_rotated_nor_changed_and_only_be_revoked_again(place: Place) -> None:
    key = (await place.create()).record.id
    gone = await place.keys.revoke(key)
    place.clock.turn(5)
    for act in (place.keys.rotate(key, 0), place.keys.change(key, lambda terms: terms)):
        with pytest.raises(Conflict):
            await act
    assert await place.keys.revoke(key) == gone


async def test_use_is_noted_once_a_day_and_keeps_key_and_lists(place: Place) -> None:
    issued = await place.create()
    key = KEYS.api_key(issued.record.id)
    await place.store.run("EXPIRE", key, 60)
    await place.store.run("DEL", KEYS.api_keys)
    await place.keys.note_use(issued.record)
    used = await place.keys.get(issued.record.id)
    assert used.used_at == NOW
    assert await place.lifetime(key) > 399 * DAY
    assert [record.id for record in await place.listed()] == [issued.record.id]
    place.clock.turn(DAY - 1)
    await place.keys.note_use(used)
    assert await place.keys.get(issued.record.id) == used


async def test_a_note_of_use_does_not_bring_back_what_was_changed_meanwhile(place: Place) -> None:
    issued = await place.create()
    await place.keys.revoke(issued.record.id)
    await place.keys.note_use(issued.record)
    assert (await place.keys.get(issued.record.id)).revoked_at == NOW


async def test_a_key_is_forgotten_a_month_after_its_end_and_unused_after_400_days() -> None:
    place = alone()
    revoked, expiring, unused, used = [await place.create() for _ in range(4)]
    await place.keys.revoke(revoked.record.id)
    await place.keys.change(expiring.record.id, lambda terms: replace(terms, expires_at=NOW + 10 * DAY))
    known = {
        30: [expiring, unused, used],
        40: [unused, used],
        399: [unused, used],
        400: [used],
    }
    for day, kept in known.items():
        place.clock.turn(START + day * DAY + 1 - place.clock.now())
        assert {record.id for record in await place.listed()} == {issued.record.id for issued in kept}, day
        await place.keys.note_use(used.record if day < 40 else await place.keys.get(used.record.id))


async def test_a_fresh_id_that_is_taken_overwrites_nothing() -> None:
    clock = HandTurnedClock()
    store = FakeStore(MemoryStore(clock.now))
    keys = ApiKeys(store, KEYS, clock, lambda size: "ab" * size)
    issued = await keys.create("ann", KeyTerms())
    with pytest.raises(Overloaded):
        await keys.create("bob", KeyTerms())
    assert await keys.get(issued.record.id) == issued.record


async def test_a_key_that_never_rests_is_given_up_with_advice_to_come_again() -> None:
    place = alone()
    key = (await place.create()).record.id
    busy = ApiKeys(Contested(place.store), KEYS, place.clock)
    with pytest.raises(GatewayError) as caught:
        await busy.change(key, lambda terms: replace(terms, name="x"))
    assert (caught.value.status, caught.value.retry_after) == (503, 1.0)


@dataclass
class Contested:
    """Someone else is always faster."""

    store: Store

    async def run(self, *command: str | int) -> Reply:
        return 0 if command[0] == "EVAL" else await self.store.run(*command)

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        return await self.store.run_many(commands)
