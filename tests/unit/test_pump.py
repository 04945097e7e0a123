"""Reading an answer in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from lib.ai.pump import AHEAD, Pump
from tests.support.ticks import next_tick


class Source:
    """Counts up to `end`, waiting for `gate` before each number."""

    def __init__(self, end: int, error: Exception | None = None) -> None:
        self.end, self.error = end, error
        self.gate = asyncio.Event()
        self.gate.set()
        self.given = 0
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            while self.given < self.end:
                await self.gate.wait()
                self.given += 1
                yield self.given
            if self.error:
                raise self.error
        finally:
            self.closed = True


async def test_everything_comes_in_order() -> None:
    source = Source(500)
    assert [n async for n in Pump(source.items())] == list(range(1, 501))
    assert source.closed


async def test_what_the_source_raises_comes_after_its_items() -> None:
    items = aiter(Pump(Source(2, KeyError("x")).items()))
    assert [await anext(items), await anext(items)] == [1, 2]
    with pytest.raises(KeyError):
        await anext(items)


async def test_it_reads_only_so_far_ahead_of_a_slow_reader() -> None:
    source = Source(10_000)
    pump = Pump(source.items())
    for _ in range(1000):
        await next_tick()
    assert source.given <= AHEAD + 1
    await pump.stop()
    assert source.closed


async def test_a_reader_that_left_can_have_it_read_to_the_end() -> None:
    source = Source(1000)
    pump = Pump(source.items())
    async for n in pump:
        if n == 3:
            break
    await pump.finish()
    assert source.given == 1000
    assert not pump.running


async def test_a_silent_source_is_ended_by_stop() -> None:
    source = Source(5)
    source.gate.clear()
    pump = Pump(source.items())
    await next_tick()
    await pump.stop()
    assert source.closed
