"""Alerts as many instances share them, on every store."""

from __future__ import annotations

import asyncio
from typing import Final

from lib.ai.alerts.alert import State
from lib.ai.alerts.book import LEASE_SECONDS, MOST, AlertBook
from lib.ai.alerts.desk import AlertDesk
from lib.clock import Clock
from lib.kv.expiry import ExpirySweep
from lib.kv.keys import Keys
from lib.kv.replies import Command
from tests.contract.conftest import StoreUnderTest
from tests.support.alerts import KeepingChannel, an_alert
from tests.support.clock import HandTurnedClock

KEYS: Final = Keys("t", "secret")
STATES: Final = (State.DELIVERED, State.PENDING)


def desk(store: StoreUnderTest, clock: Clock, *channels: KeepingChannel) -> AlertDesk:
    return AlertDesk(AlertBook(store.kv, KEYS, clock), channels)


async def test_of_eight_instances_that_raise_the_same_at_once_one_tells_it(store: StoreUnderTest) -> None:
    clock, channel = HandTurnedClock(), KeepingChannel()
    desks = [desk(store, clock, channel) for _ in range(8)]
    await asyncio.gather(*(one.raise_alerts([an_alert("x"), an_alert("y")]) for one in desks))
    assert sorted(raised.alert.once for raised in channel.told) == ["x", "y"]
    assert len(await desks[0].book.latest(9)) == 2


async def test_every_key_of_an_alert_has_a_lifetime_and_its_claim_the_alerts_own(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    await desk(store, clock, KeepingChannel(failing=True)).raise_alerts([an_alert("x", seconds=77)])
    names = [str(name) for name in await store.kv.keys("t:*")]
    assert len(names) == 4
    lifetimes = {name: await store.kv.ttl(name) for name in names}
    assert all(0 < seconds <= 30 * 86_400 for seconds in lifetimes.values())
    assert 0 < lifetimes[KEYS.alert_claim("x")] <= 77


async def test_what_is_due_is_handed_to_one_instance_until_its_lease_ends(store: StoreUnderTest) -> None:
    clock, channel = HandTurnedClock(), KeepingChannel(failing=True)
    books = [AlertBook(store.kv, KEYS, clock) for _ in range(4)]
    await desk(store, clock, channel).raise_alerts([an_alert("x"), an_alert("y")])
    assert [await book.take_due() for book in books] == [[], [], [], []]
    clock.turn(60)
    taken = await asyncio.gather(*(book.take_due() for book in books))
    assert sorted(raised.alert.once for few in taken for raised in few) == ["x", "y"]
    clock.turn(LEASE_SECONDS - 1)
    assert await books[0].take_due() == []
    clock.turn(1)  # whoever took them has died
    assert len(await books[0].take_due()) == 2


async def test_a_delivery_is_tried_again_where_it_failed_and_nowhere_else(store: StoreUnderTest) -> None:
    clock, good, bad = HandTurnedClock(), KeepingChannel("email"), KeepingChannel("slack", failing=True)
    one, other = desk(store, clock, good, bad), desk(store, clock, good, bad)
    (raised,) = await one.raise_alerts([an_alert("x")])
    assert tuple(each.state for each in raised.deliveries) == STATES
    bad.failing = False
    clock.turn(60)
    assert [await other.deliver_due(), await other.deliver_due()] == [1, 0]
    assert (len(good.told), len(bad.told)) == (1, 1)
    assert bad.told[0].id == raised.id
    (kept,) = await one.book.latest(1)
    assert [(each.state, each.tries) for each in kept.deliveries] == [(State.DELIVERED, 1), (State.DELIVERED, 2)]
    clock.turn(86_400)
    assert await one.deliver_due() == 0


async def test_no_more_alerts_are_kept_than_may_be(store: StoreUnderTest) -> None:
    clock = HandTurnedClock()
    one = desk(store, clock)
    for n in range(0, MOST + 20, 52):
        clock.turn(1)
        await one.raise_alerts([an_alert(str(n + each)) for each in range(52)])
    assert await store.kv.zcard(KEYS.alerts) == MOST
    newest = await one.book.latest(MOST)
    assert len(newest) == MOST
    assert [raised.at for raised in newest] == sorted((raised.at for raised in newest), reverse=True)


async def test_what_is_known_of_a_user_is_forgotten_and_does_not_come_back(store: StoreUnderTest) -> None:
    clock, channel = HandTurnedClock(), KeepingChannel(failing=True)
    one = desk(store, clock, channel)
    await one.raise_alerts([an_alert("theirs", person="ab12"), an_alert("x")])
    clock.turn(60)
    await one.send_digest()
    taken = await one.book.take_due()
    assert await one.book.forget("ab12") == 2
    await store.kv.set(KEYS.tombstone("ab12"), "1")
    assert await one.raise_alerts([an_alert("theirs again", person="ab12")]) == []
    for raised in taken:  # a delivery was under way
        await one.book.note(raised.told({"webhook": "no"}))
    assert [raised.alert.once for raised in await one.book.latest(9)] == ["x"]
    texts = [str(await store.kv.get(str(name))) for name in await store.kv.keys("t:al:*")]
    assert not any("ab12" in text for text in texts)
    clock.turn(86_400)
    assert [raised.alert.once for raised in await one.book.take_due()] == ["x"]


async def test_a_digest_tells_everything_once_and_nothing_where_there_is_nothing(store: StoreUnderTest) -> None:
    clock, channel = HandTurnedClock(), KeepingChannel()
    one, other = desk(store, clock, channel), desk(store, clock, channel)
    await one.raise_alerts([an_alert("x", later=True), an_alert("y", later=True)])
    assert channel.told == []
    clock.turn(60)
    await asyncio.gather(one.send_digest(), other.send_digest())
    (digest,) = channel.told
    assert all(f"The price of {name}" in digest.alert.text for name in ("x", "y"))
    clock.turn(86_400)
    assert await one.send_digest() == 0
    assert len(channel.told) == 1
    await one.raise_alerts([an_alert("z", later=True)])
    clock.turn(60)
    assert await one.send_digest() == 1
    assert "The price of x" not in channel.told[1].alert.text


async def test_keys_without_a_lifetime_are_given_one_and_others_left_alone(store: StoreUnderTest) -> None:
    forgotten: list[Command] = [("SET", f"t:lost:{n}", "1") for n in range(700)]
    await store.kv.run_many([*forgotten, ("SET", "t:kept", "1", "EX", 50), ("SET", "tt:other", "1")])
    sweep = ExpirySweep(store.kv, KEYS, 1_000)
    looked = await sweep.run()
    assert (looked.expired, looked.whole) == (700, True)
    assert (await sweep.run()).expired == 0
    assert 0 < await store.kv.ttl("t:lost:3") <= 1_000
    assert 0 < await store.kv.ttl("t:kept") <= 50
    assert await store.kv.ttl("tt:other") == -1
