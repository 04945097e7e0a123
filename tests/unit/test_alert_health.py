"""What one instance asks the store about models' health as requests finish: nothing while nothing changes."""

from __future__ import annotations

from typing import Final

from lib.ai.alerts.health_watch import HealthWatch
from lib.ai.health import HealthBoard
from lib.ai.retry import BreakerPolicy
from tests.support.alerts import AlertPlace

MODEL: Final = "openai/gpt-4o"


async def test_the_store_is_asked_when_a_model_changes_and_not_again() -> None:
    here = AlertPlace()
    board = HealthBoard(here.keys, BreakerPolicy(1, 60.0))
    watch = HealthWatch(here.desk, board, here.place)

    async def asked(*, ok: bool) -> int:
        before = here.store.commands
        board.note(MODEL, ok=ok, milliseconds=5, now=here.clock.now())
        await watch.after([MODEL, MODEL])
        return here.store.commands - before

    assert await asked(ok=True) == 0
    assert await asked(ok=False) > 0
    assert await asked(ok=False) == 0
    here.clock.turn(600)
    assert await asked(ok=True) > 0
    assert await asked(ok=True) == 0
    assert here.channel.kinds == ["model_down", "model_recovered"]


async def test_of_two_instances_that_see_the_same_one_tells_it() -> None:
    here = AlertPlace()
    boards = [HealthBoard(here.keys, BreakerPolicy(1, 60.0)) for _ in range(2)]
    for board in boards:
        board.note(MODEL, ok=False, milliseconds=5, now=here.clock.now())
        await HealthWatch(here.instance(), board, here.place).after([MODEL])
    assert here.channel.kinds == ["model_down"]
