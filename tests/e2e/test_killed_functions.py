"""A function killed at each stage of a request: nobody waits for it for long, and the books say what it cost.

Real processes, ended by SIGKILL at moments that the store or the provider holds still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from dev.kv import Backend, RedisBridge
from dev.reconcile.command import reconcile, unbooked
from lib.contract import JsonObject
from lib.transport import TransportError
from tests.scripted.provider import LONGEST_WAIT
from tests.scripted.sayings import says
from tests.scripted.steps import Act, with_inserted
from tests.support.deployment import ASK, Instance, text_in
from tests.support.processes import Running, Site, site
from tests.support.redis_server import redis_url
from tests.support.shifted_clock import ShiftedClock
from tests.support.ticks import next_tick

__all__ = ["redis_url"]

LATER: Final = 2_000.0
"""Seconds after which a hold has expired and an open record is overdue, also when midnight lies between."""
FOLLOWERS: Final = 3
ANSWER: Final = "echo: What is a lease?"


async def held_by_the_store(place: Site, doomed: Running) -> None:
    """The request is kept where the store was told to keep it."""
    with suppress(TransportError):
        asking = asyncio.create_task(doomed.chat())
        await place.store.held.wait()
        await doomed.kill()
        await asking


async def before_the_claim(place: Site, doomed: Running) -> None:
    place.store.before = b'"EVAL"'
    await held_by_the_store(place, doomed)


async def after_the_claim(place: Site, doomed: Running) -> None:
    place.store.after = b'"EVAL"'
    await held_by_the_store(place, doomed)


async def while_the_model_thinks(place: Site, doomed: Running) -> None:
    place.provider.hold()
    asking = asyncio.create_task(doomed.chat())
    await place.provider.until(lambda p: p.in_flight == 1)
    await doomed.kill()
    with pytest.raises(TransportError):
        await asking
    place.provider.release()


async def in_the_middle_of_a_stream(place: Site, doomed: Running) -> None:
    place.provider.script("gpt-4o", [with_inserted(says("half ", "an answer"), 2, Act.HOLD)])
    async with doomed.transport.send(doomed.request({**ASK, "stream": True})) as response:
        received = b""
        chunks = response.chunks()
        while b"half" not in received:
            received += await anext(chunks)
        await doomed.kill()
        with pytest.raises(TransportError):
            await anext(chunks)


async def before_the_write_back(place: Site, doomed: Running) -> None:
    place.store.before = b"nameless"
    status, body = await doomed.chat()
    assert (status, body["content"]) == (200, ANSWER)
    await place.store.held.wait()
    await doomed.kill()


async def during_the_write_back(place: Site, doomed: Running) -> None:
    place.store.after = b"nameless"
    status, body = await doomed.chat()
    assert (status, body["content"]) == (200, ANSWER)
    await place.store.held.wait()
    await doomed.kill()


@dataclass(frozen=True)
class Stage:
    """When it dies, how often the provider is asked in all, and what is missing in the books afterwards."""

    dies: Callable[[Site, Running], Coroutine[None, None, None]]
    provider_calls: int
    lost: int
    booked: int = 0
    """Records that the killed function has written itself."""


STAGES: Final = (
    Stage(before_the_claim, provider_calls=1, lost=0),
    Stage(after_the_claim, provider_calls=1, lost=1),
    Stage(while_the_model_thinks, provider_calls=2, lost=1),
    Stage(in_the_middle_of_a_stream, provider_calls=2, lost=1),
    Stage(before_the_write_back, provider_calls=2, lost=1),
    Stage(during_the_write_back, provider_calls=1, lost=0, booked=1),
)


def by(said: list[str], word: str) -> list[str]:
    return [line for line in said if line.startswith(word)]


def figures(usage: JsonObject) -> tuple[object, ...]:
    return usage["totalRequests"], usage["errors"], usage["totalCostMicroUsd"]


async def books_of(here: Instance, stage: Stage, requests: int) -> None:
    """Reconcile, twice: what is lost is booked once, and every total is that of its records."""
    said = await reconcile(here.gateway)
    assert (len(by(said, "lost")), by(said, "differs"), by(said, "found")) == (stage.lost, [], [])
    usage = await here.gateway.stats.get_user_usage("u1")
    assert usage["totalRequests"] == requests + stage.lost + stage.booked
    assert usage["errors"] == stage.lost
    again = await reconcile(here.gateway)
    assert (by(again, "lost"), by(again, "differs")) == ([], [])
    assert figures(await here.gateway.stats.get_user_usage("u1")) == figures(usage)


async def take_over(place: Site, here: Instance, stage: Stage) -> None:
    """Identical requests elsewhere get an answer, and one of them at most asks the provider."""
    document = {**ASK, "stream": False}
    responses = await asyncio.gather(*(here.chat(document) for _ in range(FOLLOWERS)))
    assert [(response.status, text_in(response)) for response in responses] == [(200, ANSWER)] * FOLLOWERS
    assert len(place.provider.requests) == stage.provider_calls


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.dies.__name__)
async def test_others_take_over_once_and_the_books_balance(stage: Stage) -> None:
    async with site() as place:
        here = place.instance()
        await stage.dies(place, await place.process())
        await take_over(place, here, stage)
        await books_of(place.instance(ShiftedClock(LATER)), stage, FOLLOWERS)


@pytest.mark.parametrize("stage", STAGES[1::2], ids=lambda stage: stage.dies.__name__)
async def test_a_hold_on_a_budget_expires_and_stands_for_what_was_lost(stage: Stage) -> None:
    async with site(TIER_DAILY_BUDGETS_USD="pro=1", TIER_MONTHLY_BUDGETS_USD="pro=30") as place:
        here = place.instance()
        await stage.dies(place, await place.process())
        await take_over(place, here, stage)
        next_day = place.instance(ShiftedClock(LATER))
        new = await next_day.chat({**ASK, "cache": {"read": False}, "temperature": 0.3})
        assert new.status == 200
        await books_of(place.instance(ShiftedClock(2 * LATER)), stage, FOLLOWERS + 1)


@pytest.mark.redis
async def test_on_a_real_redis_too(redis_url: str) -> None:
    for stage in STAGES[3:]:
        backend: Backend = RedisBridge.from_url(redis_url)
        await backend.run([[b"FLUSHALL"]])
        async with site(backend) as place:
            here = place.instance()
            await stage.dies(place, await place.process())
            await take_over(place, here, stage)
            await books_of(place.instance(ShiftedClock(LATER)), stage, FOLLOWERS)
        await backend.aclose()


async def test_what_a_process_log_kept_is_imported_once_and_takes_the_loss_back(tmp_path: Path) -> None:
    async with site(KV_TIMEOUT_SECONDS="0.2") as place:
        log = tmp_path / "process.log"
        doomed = await place.process(log)
        place.store.before = b"nameless"
        status, body = await doomed.chat()
        assert status == 200
        await place.store.held.wait()
        async with asyncio.timeout(LONGEST_WAIT):
            while b"unbooked" not in log.read_bytes():
                await next_tick()
        await doomed.kill()
        place.env["KV_TIMEOUT_SECONDS"] = "30"  # whoever comes later is patient, however busy the machine is
        later = place.instance(ShiftedClock(LATER))
        assert len(by(await reconcile(later.gateway), "lost")) == 1
        with log.open(encoding="utf-8") as lines:
            records = unbooked(lines)
        said = await reconcile(later.gateway, imported=records)
        assert (len(by(said, "found")), by(said, "differs"), said[0]) == (1, [], "1 of 1 unbooked records imported")
        usage = await later.gateway.stats.get_user_usage("u1")
        assert figures(usage) == (1, 0, round(float(str(body["cost"])) * 1_000_000))
        again = await reconcile(later.gateway, imported=records)
        assert (by(again, "found"), by(again, "differs"), again[0]) == ([], [], "0 of 1 unbooked records imported")
