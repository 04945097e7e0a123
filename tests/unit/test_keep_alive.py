"""Comments in a silent stream."""

from __future__ import annotations

from lib.web.asgi import AsgiMessage, Wire
from lib.web.encoders import KEEP_ALIVE
from lib.web.keep_alive import KeepAlive
from tests.support.clock import HandTurnedClock
from tests.support.ticks import next_tick


class Line:
    """Where the pieces go; a broken one refuses them."""

    def __init__(self) -> None:
        self.pieces: list[object] = []
        self.broken = False

    async def send(self, message: AsgiMessage) -> None:
        if self.broken:
            raise ConnectionResetError
        self.pieces.append(message["body"])


async def turned(clock: HandTurnedClock, seconds: float) -> None:
    await next_tick()
    clock.turn(seconds)
    await next_tick()
    await next_tick()


async def test_only_a_whole_period_of_silence_is_filled_with_a_comment() -> None:
    line, clock = Line(), HandTurnedClock()
    async with KeepAlive(Wire(line.send), clock, 15) as wire:
        await next_tick()
        await wire.chunk(b"word")
        await turned(clock, 15)
        assert line.pieces == [b"word"]
        await turned(clock, 14)
        assert line.pieces == [b"word"]
        await turned(clock, 1)
        assert line.pieces == [b"word", KEEP_ALIVE]


async def test_an_empty_piece_is_not_sent_and_does_not_count() -> None:
    line, clock = Line(), HandTurnedClock()
    async with KeepAlive(Wire(line.send), clock, 15) as wire:
        await next_tick()
        await wire.chunk(b"")
        await turned(clock, 15)
    assert line.pieces == [KEEP_ALIVE]


async def test_a_client_that_has_gone_ends_the_comments_without_an_error() -> None:
    line, clock = Line(), HandTurnedClock()
    line.broken = True
    async with KeepAlive(Wire(line.send), clock, 15):
        await turned(clock, 15)
        await turned(clock, 15)
    assert clock.slept == [15]


async def test_nothing_is_sent_after_the_stream_or_where_it_is_switched_off() -> None:
    line, clock = Line(), HandTurnedClock()
    async with KeepAlive(Wire(line.send), clock, None) as wire:
        await wire.chunk(b"word")
    async with KeepAlive(Wire(line.send), clock, 15):
        await next_tick()
    await turned(clock, 60)
    assert line.pieces == [b"word"]
