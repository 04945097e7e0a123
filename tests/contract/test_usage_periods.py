"""Usage over ranges and single requests, read from a store: sums that agree, whatever they are split by."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

import pytest

from dev.kv import MemoryStore
from lib.ai.observability.log import UsageLog
from lib.ai.observability.periods import days_between
from lib.ai.observability.record import FOUND, LOST, OPEN, UNDONE, UsageRecord
from lib.ai.observability.requests import PIECE, RecentRequests
from lib.ai.observability.stats import Stats
from lib.answer import Attempt, Usage
from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.kv.keys import Keys
from lib.kv.retention import Retention
from lib.usage_query import GROUPS, RequestFilter, UsageQuery
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore

KEYS: Final = Keys("t", "secret")
NOON: Final = 1_790_769_600.0
"""2026-09-30 12:00 UTC."""
DAY: Final = 86_400.0
FIGURES: Final = (
    *("totalRequests", "totalTokens", "cachedInputTokens", "cacheWriteTokens", "reasoningTokens"),
    *("totalCostMicroUsd", "wastedCostMicroUsd", "savedCostMicroUsd", "errors", "refused", "cacheHits"),
)


class Site:
    """A store with usage in it."""

    def __init__(self) -> None:
        self.clock = HandTurnedClock(NOON + 3 * DAY)
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.log = UsageLog(self.store, KEYS)
        self.stats = Stats(self.store, KEYS, self.log, self.clock, {"demo/echo": None})
        self.requests = RecentRequests(self.store, KEYS, self.clock)

    async def write(self, *records: UsageRecord) -> None:
        for record in records:
            append = self.log.append(record)
            await self.log.after_append(append, await self.store.run_many(append.commands))

    async def usage(self, **asked: object) -> JsonObject:
        base: dict[str, object] = {"first": "20260928", "last": "20261003"}
        return await self.stats.get_usage(UsageQuery(**(base | asked)))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    async def page(self, **asked: object) -> tuple[list[JsonObject], str]:
        found = await self.requests.page(RequestFilter(**asked))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        shown, following = found["requests"], found["next"]
        assert isinstance(shown, list)
        return [each for each in shown if isinstance(each, dict)], str(following or "")


def made_up(number: int, at: float = NOON, **fields: object) -> UsageRecord:
    chance = random.Random(number)
    cost = chance.randint(0, 10**6)
    record = UsageRecord(
        request_id=f"r{number}",
        person=KEYS.person(f"u{chance.randint(1, 5)}"),
        tier=chance.choice(["free", "pro"]),
        at=at,
        kind=chance.choice(["call", "call", "error", "exact", "duplicate", "hangup", "refused"]),
        model=chance.choice(["openai/gpt-4o", "demo/echo", ""]),
        task=chance.choice(["simple_chat", "vision", ""]),
        usage=Usage(
            input_tokens=chance.randint(0, 9_000),
            output_tokens=chance.randint(0, 900),
            cached_input_tokens=chance.randint(0, 99),
            cache_write_tokens=chance.randint(0, 99),
            cache_write_1h_tokens=chance.randint(0, 99),
            reasoning_tokens=chance.randint(0, 99),
        ),
        cost_micro_usd=cost,
        wasted_micro_usd=chance.randint(0, cost),
        saved_micro_usd=chance.randint(0, 10**6),
        latency_ms=chance.randint(1, 30_000),
        first_token_ms=chance.randint(1, 3_000),
        attempts=chance.randint(1, 4),
        key_id=chance.choice(["", "k1", "k2"]),
    )
    return replace(record, **fields)  # type: ignore[arg-type]


async def filled() -> Site:
    site, chance = Site(), random.Random(5)
    await site.write(*(made_up(n, NOON + chance.choice([-2, -1, 0, 1, 2]) * DAY + n * 60) for n in range(120)))
    return site


def sums(shown: list[Json]) -> list[int]:
    return [sum(n for row in shown if isinstance(row, dict) and isinstance(n := row[name], int)) for name in FIGURES]


def rows(shown: JsonObject) -> list[Json]:
    found = shown["rows"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("granularity", ["hour", "day", "month"])
@pytest.mark.parametrize("group_by", ["all", *GROUPS])
async def test_whatever_usage_is_split_by_its_rows_add_up_to_the_same(granularity: str, group_by: str) -> None:
    if granularity == "hour" and group_by in ("user", "key"):
        pytest.skip("not kept")
    site = await filled()
    shown = await site.usage(granularity=granularity, group_by=group_by)
    whole = await site.usage()
    assert sums(rows(shown)) == sums([shown["total"]]) == sums([whole["total"]])
    assert sums([whole["total"]])[0] == 120
    if group_by != "all":
        assert len({str(row[group_by]) for row in rows(shown) if isinstance(row, dict)}) >= 2


async def test_records_and_totals_are_kept_as_long_as_is_configured() -> None:
    site = Site()
    site.log = UsageLog(site.store, KEYS, Retention(log_days=5, totals_days=40))
    await site.write(made_up(1, site.clock.now(), key_id="k1"))
    await site.log.roll_up_days(["20261003"])
    left = {name: ms for name, (_, ms) in (await site.store.contents()).items() if isinstance(ms, int)}
    days = {name.split(":")[1]: round(ms / 86_400_000) for name, ms in left.items()}
    assert days == {"ev": 6, "cu": 7, "t2": 40, "tr": 40}
    assert len(left) == len(await site.store.contents()) == 18


async def test_users_beyond_those_asked_for_are_one_row_and_come_in_order_of_cost() -> None:
    site = await filled()
    shown = rows(await site.usage(granularity="month", first="20260901", last="20260930", group_by="user", most=2))
    named = [row for row in shown if isinstance(row, dict)]
    assert [row["user"] == "other" for row in named] == [False, False, True]
    everyone = rows(await site.usage(granularity="month", first="20260901", last="20260930", group_by="user"))
    costs = [row["totalCostMicroUsd"] for row in everyone if isinstance(row, dict)]
    assert costs == sorted(costs, key=lambda n: -n if isinstance(n, int) else 0)
    assert [row["totalCostMicroUsd"] for row in named[:2]] == costs[:2]


async def test_a_users_days_and_months_are_those_of_their_requests() -> None:
    site = await filled()
    for granularity in ("day", "month"):
        mine = sums(rows(await site.usage(granularity=granularity, user_id="u1")))
        assert mine == sums([await site.stats.get_user_usage("u1")])
        assert mine[0] > 0


async def test_time_without_usage_has_a_row_and_a_group_without_usage_has_none() -> None:
    site = Site()
    await site.write(made_up(1, NOON))
    days = rows(await site.usage(first="20260929", last="20261001"))
    assert [(row["period"], row["totalRequests"]) for row in days if isinstance(row, dict)] == [
        ("2026-09-29", 0), ("2026-09-30", 1), ("2026-10-01", 0),
    ]  # fmt: skip
    (hour,) = rows(await site.usage(first="20260929", last="20261001", granularity="hour", group_by="task"))
    assert isinstance(hour, dict)
    assert hour["period"] == "2026-09-30T12:00Z"


async def test_percentiles_of_days_months_and_first_tokens_are_within_five_percent() -> None:
    site = Site()
    times = [random.Random(n).randint(2, 60_000) for n in range(301)]
    await site.write(*(made_up(n, kind="call", latency_ms=t, first_token_ms=1 + t // 3) for n, t in enumerate(times)))
    for shown in (await site.stats.get_daily_stats("2026-09-30"), await site.stats.get_monthly_stats("2026-09")):
        for name, share in (("latency", 1), ("firstToken", 3)):
            figures = shown[name]
            assert isinstance(figures, dict)
            for q, label in ((0.5, "p50Ms"), (0.95, "p95Ms"), (0.99, "p99Ms")):
                truth = sorted(t if share == 1 else 1 + t // 3 for t in times)[int(q * 301)]
                assert figures[label] == pytest.approx(truth, rel=0.05, abs=1)


async def test_more_rows_than_one_document_holds_are_refused_by_name_but_told_row_by_row() -> None:
    site = await filled()
    query = UsageQuery(first="20260929", last="20261001", group_by="model")
    assert len(rows(await site.stats.get_usage(query, 9))) == 9
    with pytest.raises(InvalidRequest) as caught:
        await site.stats.get_usage(query, 8)
    assert caught.value.param == "from"
    assert len([row async for row in site.stats.usage_rows(query)]) == 9


async def test_pages_of_recent_requests_are_in_order_and_miss_none() -> None:
    site = Site()
    records = [made_up(n, NOON + 2 * DAY + 300 * n) for n in range(3 * PIECE)]
    await site.write(*records)
    found, mark = list[JsonObject](), ""
    while True:
        page, mark = await site.page(most=25, before=mark)
        found += page
        if not mark:
            break
    assert [each["requestId"] for each in found] == [record.request_id for record in reversed(records)]


async def test_only_matching_requests_are_told_of() -> None:
    site = Site()
    here = site.clock.now()
    await site.write(
        made_up(1, here, person=KEYS.person("u1"), model="a/b", error="timeout", kind="error"),
        made_up(2, here, person=KEYS.person("u2"), model="a/c", tags=("x",), key_id="k9", kind="call"),
    )
    for asked, expected in (
        ({"user_id": "u1"}, "r1"), ({"person": KEYS.person("u2")}, "r2"), ({"model": "a/c"}, "r2"),
        ({"error": "any"}, "r1"), ({"error": "timeout"}, "r1"), ({"tag": "x"}, "r2"), ({"key_id": "k9"}, "r2"),
    ):  # fmt: skip
        page, _ = await site.page(**asked)
        assert [each["requestId"] for each in page] == [expected], asked
    assert (await site.page(error="auth"))[0] == []


async def test_open_requests_and_those_taken_back_are_not_told_of_but_lost_ones_are() -> None:
    site, here = Site(), Site().clock.now()
    first = made_up(1, here, kind="exact")
    await site.write(
        replace(first, request_id="open", kind=OPEN),
        first,
        replace(first, kind=UNDONE + "exact"),
        replace(first, kind="call"),
        replace(first, request_id="lost", kind=LOST),
        replace(first, request_id="back", kind=LOST),
        replace(first, request_id="back", kind=FOUND),
    )
    page, _ = await site.page()
    assert [(each["requestId"], each["kind"]) for each in page] == [("lost", LOST), ("r1", "call")]


async def test_a_request_tells_its_tries_and_what_was_wasted() -> None:
    site = Site()
    tries = (Attempt("a/b", "rate_limited", 429, 12, 30), Attempt("a/c", "ok", 200, 80, 70))
    split = {"cost_micro_usd": 100, "wasted_micro_usd": 30, "attempts": 2, "reason": "asked for"}
    await site.write(made_up(1, site.clock.now(), kind="call", tries=tries, **split))
    ((event,), _) = await site.page()
    assert event["costSplit"] == {"answer": 0.00007, "wasted": 0.00003}
    assert event["routing"] == "asked for"
    assert event["tries"] == [
        {"model": "a/b", "outcome": "rate_limited", "status": 429, "ms": 12, "cost": 0.00003},
        {"model": "a/c", "outcome": "ok", "status": 200, "ms": 80, "cost": 0.00007},
    ]


@pytest.mark.parametrize("before", ["yesterday", "20261003-1", "20261003" + "-1" * 17, "2026100"])
async def test_a_mark_that_no_page_gave_is_refused(before: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await Site().page(before=before)
    assert caught.value.param == "before"


async def test_old_days_are_looked_for_a_few_at_a_time() -> None:
    site = Site()
    await site.write(made_up(1, site.clock.now() - 20 * DAY))
    pages, mark = 0, ""
    found: list[JsonObject] = []
    while not found:
        found, mark = await site.page(before=mark)
        pages += 1
        assert mark
    assert pages > 3
    assert days_between("20260930", "20261002") == ["20260930", "20261001", "20261002"]
