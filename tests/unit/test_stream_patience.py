"""How long a try may take: the first token, silences after it, answers in one piece, and what a timeout leads to."""

from __future__ import annotations

import asyncio

import pytest

from lib.ai.attempt import Waits
from lib.ai.providers.failures import transport_failure
from lib.catalog.rows import ModelRow, Protocol
from lib.errors import NextStep
from lib.transport import Timeouts, TransportError
from tests.scripted.sayings import says
from tests.scripted.steps import Act, Step, with_inserted
from tests.support.provider_calls import asking, hear, line, model

QUICK, THINKING = (
    model(),
    ModelRow(
        id="test/thinking",
        provider="test",
        wire_name="thinking",
        context_window=1,
        max_output=1,
        capabilities=frozenset({"reasoning"}),
        quality=1,
        speed=1,
    ),
)
WAITS = Waits(first_token=3, between=2, whole=7, reasoning_first_token=30, reasoning_between=20, reasoning_whole=70)


@pytest.mark.parametrize(
    ("row", "stream", "expected"),
    [
        (QUICK, True, Timeouts(5, 3, 2, 100)),
        (THINKING, True, Timeouts(5, 30, 20, 100)),
        (QUICK, False, Timeouts(5, 7, 7, 7)),
        (THINKING, False, Timeouts(5, 70, 70, 70)),
    ],
)
def test_each_class_of_models_has_its_own_patience(row: ModelRow, stream: bool, expected: Timeouts) -> None:
    assert WAITS.timeouts(row, stream=stream, left=100) == expected


@pytest.mark.parametrize("stream", [True, False])
def test_nothing_is_waited_for_beyond_the_deadline(stream: bool) -> None:
    assert WAITS.timeouts(QUICK, stream=stream, left=1) == Timeouts(1, 1, 1, 1)


def test_a_model_that_kept_silent_is_not_asked_again_but_the_next_one() -> None:
    assert transport_failure(TransportError("timeout", "x", sent=True)).next_step is NextStep.NEXT_MODEL
    assert transport_failure(TransportError("reset", "x", sent=True)).next_step is NextStep.RETRY
    assert transport_failure(TransportError("connect", "x", sent=False)).next_step is NextStep.RETRY


def kept_alive(step: Step) -> Step:
    """Comments and pings, then silence, then the answer."""
    return with_inserted(step, 0, b": processing\n\n", b": processing\n\n", Act.HOLD)


@pytest.mark.parametrize("protocol", [Protocol.OPENAI, Protocol.ANTHROPIC])
async def test_signs_of_life_do_not_stand_for_the_first_token(protocol: Protocol) -> None:
    async with line(protocol) as wire:
        wire.provider.script("*", [kept_alive(says("too late"))])
        one = wire.call(asking(stream=True), timeouts=Timeouts(first_byte=0.1, between_bytes=60))
        heard = await hear(wire.adapter, one)
        assert (heard.failure.kind, heard.text) == ("timeout", "")


@pytest.mark.parametrize("protocol", [Protocol.OPENAI, Protocol.ANTHROPIC])
async def test_the_first_token_has_its_time_also_after_early_headers(protocol: Protocol) -> None:
    async with line(protocol) as wire:
        wire.provider.script("*", [with_inserted(says("late"), 0, Act.HOLD), kept_alive(says("too late"))])
        patient = Timeouts(first_byte=60, between_bytes=0.05)
        one = wire.adapter.call(wire.call(asking(stream=True), timeouts=patient))
        # The other call's timeout shows that more than `between_bytes` has passed since this one's headers.
        hasty = wire.call(asking(stream=True), timeouts=Timeouts(first_byte=0.2, between_bytes=60))
        first = asyncio.ensure_future(anext(one))
        await wire.provider.until(lambda provider: provider.stalled == 1)
        assert (await hear(wire.adapter, hasty)).failure.kind == "timeout"
        assert not first.done()
        wire.provider.release()
        assert getattr(await first, "text", "") == "late"
        await one.aclose()


@pytest.mark.parametrize("protocol", [Protocol.OPENAI, Protocol.ANTHROPIC])
async def test_after_the_first_token_silences_count(protocol: Protocol) -> None:
    async with line(protocol) as wire:
        wire.provider.script("*", [with_inserted(says(*"abcdef"), 6, Act.HOLD)])
        one = wire.call(asking(stream=True), timeouts=Timeouts(first_byte=60, between_bytes=0.1))
        heard = await hear(wire.adapter, one)
        assert heard.failure.kind == "timeout"
        assert heard.text
        assert "abcdef".startswith(heard.text)
