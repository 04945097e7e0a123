"""Subscription events in the store: each once, none lost, whatever runs beside it."""

from __future__ import annotations

import asyncio
from typing import Final

from lib.access.subscriptions import Subscription, decode
from lib.access.told import EVENT_SECONDS, SubscriptionBook, Taken
from lib.kv.keys import Keys
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import HandTurnedClock

KEYS: Final = Keys("t", "s")
STATE: Final = KEYS.subscriptions(KEYS.person("u1"))
TIERS: Final = ("free", "pro", "expert")


class Office:
    """A book, and whose tiers it said may have changed."""

    def __init__(self, store: StoreUnderTest) -> None:
        self.changed: list[str] = []
        self.clock = HandTurnedClock()
        self.kv = store.kv
        self.book = SubscriptionBook(store.kv, KEYS, self.clock, self.changed.append)

    async def tier(self) -> str:
        return decode(await self.kv.run("GET", STATE)).tier(self.clock.now(), TIERS)


async def test_an_event_is_taken_in_once_and_remembered_for_a_week(store: StoreUnderTest) -> None:
    office = Office(store)
    news = Subscription("sub_1", 10, "pro")
    assert await office.book.take("evt_1", "u1", news) is Taken.NEW
    assert await office.book.take("evt_1", "u1", Subscription("sub_1", 99, "expert")) is Taken.KNOWN
    assert await office.tier() == "pro"
    assert office.changed == [KEYS.person("u1")] * 2
    left = await office.kv.run("TTL", KEYS.webhook_event("evt_1"))
    assert isinstance(left, int)
    assert EVENT_SECONDS - 60 < left <= EVENT_SECONDS
    assert await office.kv.run("TTL", STATE) != -1


async def test_an_older_event_changes_nothing_and_is_known_afterwards(store: StoreUnderTest) -> None:
    office = Office(store)
    await office.book.take("evt_2", "u1", Subscription("sub_1", 20, "expert"))
    before = await office.kv.run("GET", STATE)
    assert await office.book.take("evt_1", "u1", Subscription("sub_1", 10, "pro")) is Taken.NEW
    assert await office.book.take("evt_1", "u1", Subscription("sub_1", 10, "pro")) is Taken.KNOWN
    assert await office.kv.run("GET", STATE) == before


async def test_events_that_come_at_once_are_all_taken_in(store: StoreUnderTest) -> None:
    office = Office(store)
    events = [Subscription(f"sub_{n}", n, "pro") for n in range(1, 5)]
    taking = [office.book.take(f"evt_{event.id}", "u1", event) for event in events]
    assert await asyncio.gather(*taking) == [Taken.NEW] * len(events)
    assert {each.id for each in decode(await office.kv.run("GET", STATE)).subscriptions} == {e.id for e in events}


async def test_one_event_delivered_many_times_at_once_is_new_once(store: StoreUnderTest) -> None:
    office = Office(store)
    news = Subscription("sub_1", 10, "pro")
    taken = await asyncio.gather(*(office.book.take("evt_1", "u1", news) for _ in range(10)))
    assert taken.count(Taken.NEW) == 1
