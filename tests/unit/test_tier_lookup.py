"""What users are entitled to: who is asked, how long it is remembered, and what holds when nobody answers."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.access.subscriptions import Subscription, Told, encode
from lib.access.supabase import SupabaseTiers
from lib.access.tier_lookup import INSTANCE_SECONDS, MOST_USERS, REST_SECONDS, TierLookup, TierRules
from lib.contract import Json, JsonObject
from lib.kv.keys import Keys
from lib.settings.identity import Subscriptions
from tests.support.clock import START, HandTurnedClock
from tests.support.fake_store import FakeStore
from tests.support.side_calls import ScriptedSideCalls
from tests.support.ticks import next_tick

TIERS: Final = ("free", "pro", "expert", "master")
KEY: Final = "service-role-key"
LIVE: Final[JsonObject] = {"tier": "pro", "status": "active", "current_period_end": "2026-12-24T12:00:00+00:00"}
SUPABASE: Final = Subscriptions.from_env(
    {"SUPABASE_URL": "https://project.supabase.example/", "SUPABASE_SERVICE_ROLE_KEY": KEY}, production=True
)


class Office:
    """A lookup, its store and the table it asks."""

    def __init__(self, *rows: JsonObject, table: bool = True) -> None:
        self.clock = HandTurnedClock()
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.table = ScriptedSideCalls(list(rows))
        self.keys = Keys("t", "s")
        self._table_is_there = table
        self.lookup = self.another()

    def another(self) -> TierLookup:
        """The lookup of another instance."""
        source = SupabaseTiers(SUPABASE, self.table, self.clock, TIERS) if self._table_is_there else None
        return TierLookup(self.store, self.keys, self.clock, TierRules(TIERS), source)

    async def told(self, tier: str, *, at: float) -> None:
        """Stripe said so."""
        state = Told(at, (Subscription("sub_1", int(at), tier, int(at) + 40 * 86_400),))
        await self.store.run("SET", self.keys.subscriptions(self.keys.person("u1")), encode(state), "EX", 86_400 * 40)

    async def tier(self, user: str = "u1") -> str:
        return await self.lookup.tier_of(user)


async def test_a_tier_is_read_from_the_table_with_the_service_key() -> None:
    office = Office(LIVE)
    assert await office.tier("a b&c=d,e/ü") == "pro"
    (sent,) = office.table.sent
    assert sent.url == (
        "https://project.supabase.example/rest/v1/subscriptions?select=tier,status,current_period_end"
        "&user_id=eq.a%20b%26c%3Dd%2Ce%2F%C3%BC&limit=50"
    )
    assert (sent.headers["apikey"], sent.headers["authorization"]) == (KEY, f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("rows", "tier"),
    [
        ([], "free"),
        ([LIVE], "pro"),
        ([{**LIVE, "status": "trialing"}], "pro"),
        ([{**LIVE, "status": "past_due"}], "free"),
        ([{**LIVE, "status": "canceled"}], "free"),
        ([{**LIVE, "current_period_end": "2026-11-24T11:59:59Z"}], "free"),
        ([{**LIVE, "current_period_end": "2026-11-24T12:00:00"}], "free"),
        ([{**LIVE, "current_period_end": "2026-11-24T12:00:01"}], "pro"),
        ([{**LIVE, "current_period_end": START + 1}], "pro"),
        ([{**LIVE, "current_period_end": START}], "free"),
        ([{**LIVE, "current_period_end": "soon"}], "free"),
        ([{**LIVE, "current_period_end": None}], "pro"),
        ([{**LIVE, "tier": "platinum"}], "free"),
        ([{**LIVE, "tier": None}], "free"),
        ([LIVE, {**LIVE, "tier": "expert"}, {**LIVE, "tier": "master", "status": "unpaid"}], "expert"),
        ([7, None, "x", LIVE], "pro"),
    ],
)
async def test_only_live_rows_of_a_running_period_count_and_the_best_one_wins(rows: list[Json], tier: str) -> None:
    office = Office()
    office.table.says = rows
    assert await office.tier() == tier


async def test_an_instance_remembers_and_the_kv_remembers_longer() -> None:
    office = Office(LIVE)
    assert [await office.tier() for _ in range(3)] == ["pro"] * 3
    assert (office.store.commands, len(office.table.sent)) == (2, 1)
    assert await office.another().tier_of("u1") == "pro"
    assert (office.store.commands, len(office.table.sent)) == (3, 1)
    office.table.says = [{**LIVE, "tier": "expert"}]
    office.clock.turn(299)
    assert await office.tier() == "pro"
    office.clock.turn(INSTANCE_SECONDS)
    assert await office.tier() == "expert"


async def test_that_a_user_has_nothing_is_remembered_too() -> None:
    office = Office()
    for _ in range(3):
        assert await office.tier() == "free"
    assert await office.another().tier_of("u1") == "free"
    assert len(office.table.sent) == 1


async def test_many_at_once_share_one_lookup() -> None:
    office = Office(LIVE)
    office.table.hold()
    asking = [asyncio.create_task(office.tier()) for _ in range(20)]
    await next_tick()
    asking[0].cancel()
    await next_tick()
    office.table.release()
    assert await asyncio.gather(*asking[1:]) == ["pro"] * 19
    assert len(office.table.sent) == 1


async def test_a_slow_table_holds_nobody_longer_than_allowed_and_its_answer_is_not_lost() -> None:
    office = Office(LIVE)
    office.table.hold()
    asking = asyncio.create_task(office.lookup.find("u1"))
    for _ in range(5):
        await next_tick()
    assert not asking.done()
    office.clock.turn(1.0)
    known = await asking
    assert (known.tier, known.stale) == ("free", True)
    office.table.release()
    for _ in range(5):
        await next_tick()
    assert await office.tier() == "pro"
    assert len(office.table.sent) == 1


async def test_a_table_that_fails_leaves_the_last_tier_for_a_day_marked_stale() -> None:
    office = Office(LIVE)
    assert await office.tier() == "pro"
    office.table.status = 0
    office.clock.turn(301)
    known = await office.lookup.find("u1")
    assert (known.tier, known.stale, known.source) == ("pro", True, "supabase")
    office.clock.turn(86_400)
    assert (await office.lookup.find("u1")).source == "default"


@pytest.mark.parametrize(("status", "says"), [(0, None), (500, []), (200, {}), (200, b"<html>"), (401, {"code": "x"})])
async def test_a_table_without_an_answer_is_left_alone_for_a_while(status: int, says: Json | bytes) -> None:
    office = Office()
    office.table.status, office.table.says = status, says
    assert [await office.tier(f"u{n}") for n in range(5)] == ["free"] * 5
    assert len(office.table.sent) == 1
    office.table.status, office.table.says = 200, [LIVE]
    office.clock.turn(REST_SECONDS)
    assert await office.tier() == "pro"


async def test_an_id_that_the_column_cannot_hold_has_no_rows() -> None:
    office = Office()
    office.table.status, office.table.says = 400, {"code": "22P02", "message": "invalid input syntax for type uuid"}
    known = await office.lookup.find("not-a-uuid")
    assert (known.tier, known.stale) == ("free", False)


async def test_what_stripe_told_holds_at_once_and_without_a_table_for_its_period() -> None:
    office = Office({**LIVE, "tier": "free"})
    assert await office.tier() == "free"
    await office.told("expert", at=START + 1)
    office.clock.turn(INSTANCE_SECONDS)
    assert await office.tier() == "expert"
    office.clock.turn(300)
    assert await office.tier() == "free", "the table is asked again in time"
    alone = Office(table=False)
    await alone.told("expert", at=START)
    assert await alone.tier() == "expert"
    alone.clock.turn(39 * 86_400)
    assert await alone.tier() == "expert"
    assert await alone.tier("u2") == "free"


async def test_without_the_kv_the_table_is_asked_and_without_both_the_lowest_holds() -> None:
    office = Office(LIVE)
    office.store.away = True
    assert [await office.tier(), await office.tier()] == ["pro", "pro"]
    assert len(office.table.sent) == 1
    office.table.status = 0
    assert await office.tier("u2") == "free"


async def test_nothing_of_a_forgotten_user_is_left() -> None:
    office = Office(LIVE)
    assert await office.tier() == "pro"
    await office.told("pro", at=START)
    assert not any("u1" in key.partition(":")[2].partition(":")[2] for key in await office.store.contents())
    await office.lookup.forget("u1")
    assert not await office.store.contents()
    office.table.says = []
    assert await office.tier() == "free"


async def test_memory_is_bounded() -> None:
    office = Office(table=False)
    for n in range(MOST_USERS + 5):
        await office.tier(f"u{n}")
    commands = office.store.commands
    await office.tier(f"u{MOST_USERS}")
    assert office.store.commands == commands
    await office.tier("u0")
    assert office.store.commands == commands + 1


async def test_a_damaged_record_is_looked_up_again() -> None:
    office = Office(LIVE)
    for text in ("", "gold 5", "pro", "pro x", "pro ²"):
        await office.store.run("SET", office.keys.tier(office.keys.person("u1")), text, "EX", 60)
        assert await office.another().tier_of("u1") == "pro"
