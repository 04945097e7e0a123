"""Ending a block when the client goes, and only then."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from lib.web.asgi import AsgiMessage, ClientGone
from lib.web.hangup import WhileConnected
from tests.support.ticks import next_tick


class Client:
    """Sends an odd late message, then hangs up when told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.told_more = False

    async def receive(self) -> AsgiMessage:
        if not self.told_more:
            self.told_more = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_block_whose_client_goes_is_ended_after_its_own_cleanup() -> None:
    client, cleaned = Client(), asyncio.Event()
    client.gone.set()

    async def block() -> None:
        async with WhileConnected(client.receive):
            try:
                await forever()
            finally:
                cleaned.set()

    with pytest.raises(ClientGone):
        await block()
    assert cleaned.is_set()


async def test_the_task_can_go_on_afterwards_as_if_it_had_never_been_cancelled() -> None:
    client = Client()
    client.gone.set()
    with pytest.raises(ClientGone):
        async with WhileConnected(client.receive):
            await forever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await next_tick()


async def test_a_block_that_ignores_the_hang_up_still_ends_in_it() -> None:
    client = Client()
    client.gone.set()

    async def block() -> None:
        async with WhileConnected(client.receive):
            with suppress(asyncio.CancelledError):
                await forever()

    with pytest.raises(ClientGone):
        await block()


async def test_a_hang_up_and_a_cancellation_at_once_are_a_cancellation() -> None:
    client = Client()

    async def block() -> None:
        async with WhileConnected(client.receive):
            await forever()

    task = asyncio.create_task(block())
    await next_tick()
    client.gone.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    client = Client()

    async def block() -> None:
        async with WhileConnected(client.receive):
            await forever()

    task = asyncio.create_task(block())
    await next_tick()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        async with WhileConnected(Client().receive):
            raise ZeroDivisionError


async def test_a_block_that_ends_by_itself_leaves_no_watcher() -> None:
    before = len(asyncio.all_tasks())
    async with WhileConnected(Client().receive):
        await next_tick()
    await next_tick()
    await next_tick()
    assert len(asyncio.all_tasks()) == before
