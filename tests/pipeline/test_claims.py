"""Duplicates of an original whose function dies or whose store hiccups: who runs, and what that counts against."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.asgi_client import Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ASK, Deployment, Instance, deployed, finished
from tests.support.faulty_kv import Fault, FaultyKv
from tests.support.ticks import next_tick

LEASE_SECONDS = 10.0


def beside_a_shaky_store(site: Deployment) -> tuple[Instance, FaultyKv]:
    store = FaultyKv(site.store)
    return site.instance(kv_transport=AsgiTransport(store)), store


async def started(site: Deployment, here: Instance) -> asyncio.Task[Response]:
    """A request that has reached the provider, which does not answer yet."""
    site.provider.hold()
    task = asyncio.create_task(here.chat())
    await site.provider.until(lambda p: p.in_flight == 1)
    return task


async def pass_time(site: Deployment, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        site.clock.turn(0.05)
        for _ in range(8):
            await next_tick()


@pytest.mark.parametrize(("limit", "status"), [(1, 429), (2, 200)])
async def test_a_duplicate_that_takes_over_from_a_dead_original_counts_against_the_models_class(
    limit: int, status: int
) -> None:
    async with deployed(MODEL_CLASS_LIMITS=f"gpt-4o={limit}") as site:
        dying, store = beside_a_shaky_store(site)
        original = await started(site, dying)
        store.always = Fault.DROP
        duplicate = asyncio.create_task(site.instance().chat())
        await pass_time(site, LEASE_SECONDS - 0.5)
        assert not duplicate.done()
        await pass_time(site, 2.0)
        site.provider.release()
        (response,) = await finished(site, [duplicate])
        assert response.status == status
        assert len(site.provider.requests) == limit
        other = await site.instance().chat(ASK | {"temperature": 0.5})
        assert other.status == 429
        await finished(site, [original])


async def test_one_failed_renewal_does_not_end_a_lease() -> None:
    async with deployed() as site:
        here, store = beside_a_shaky_store(site)
        original = await started(site, here)
        store.script.append(Fault.DROP)
        duplicate = asyncio.create_task(site.instance().chat())
        await pass_time(site, 2 * LEASE_SECONDS)
        assert not store.script
        assert not duplicate.done()
        site.provider.release()
        first, second = await finished(site, [original, duplicate])
        assert (first.status, second.status) == (200, 200)
        assert len(site.provider.requests) == 1
