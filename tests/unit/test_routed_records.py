"""What a usage record keeps of the router's choice, and what the totals make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from lib.ai.observability.record import FOUND, LOST, UNDONE, UsageRecord, decode, encode
from lib.ai.observability.totals import AGREED, AUTO, AUTO_TASK, SHADOW, SHADOWED, TRIED, choices_of, totals_of
from lib.ai.plan import Routed, Shadowed

SHADOWS: Final = Shadowed("openai/gpt-4o", 900, 400, agrees=False)
RECORD: Final = UsageRecord(
    request_id="req_1",
    person="ab" * 10,
    tier="pro",
    at=1_790_000_000.0,
    kind="call",
    model="openai/gpt-6-luna",
    requested="auto",
    task="simple_chat",
    cost_micro_usd=350,
    routed=Routed("s", 0.0125, explored=True, shadow=SHADOWS),
)


def added(record: UsageRecord) -> dict[tuple[str, str], tuple[int, int]]:
    """Requests and cost by view."""
    found = choices_of(record, totals_of(record))
    return {(what, name): (totals.requests, totals.cost_micro_usd) for what, name, totals in found}


@pytest.mark.parametrize(
    "routed",
    [None, Routed("s"), Routed("l", 0.961234, explored=False), Routed("", shadow=SHADOWS), RECORD.routed],
)
def test_a_choice_is_read_back_as_it_was_written(routed: Routed | None) -> None:
    record = replace(RECORD, routed=routed)
    assert decode(encode(record)) == record


@pytest.mark.parametrize("damaged", ["[1]", '"s"', '["s","x",0]', "{}", '["s",1,0,"m"]'])
def test_a_damaged_choice_is_none(damaged: str) -> None:
    line = encode(replace(RECORD, routed=Routed("s"))).replace('"ro":["s",1.0,0]', f'"ro":{damaged}')
    read = decode(line)
    assert read is not None
    assert read.routed is None


def test_each_auto_request_is_counted_by_task_and_model_and_beside_what_the_shadow_would_have_cost() -> None:
    assert added(RECORD) == {
        (AUTO, ""): (1, 350),
        (AUTO, "openai/gpt-6-luna"): (1, 350),
        (AUTO_TASK, "simple_chat"): (1, 350),
        (TRIED, ""): (1, 350),
        (SHADOW, "openai/gpt-4o"): (1, 900),
        (SHADOWED, ""): (1, 400),
    }
    agreeing = replace(RECORD, routed=Routed("s", shadow=replace(SHADOWS, agrees=True)))
    assert added(agreeing)[AGREED, ""] == (1, 0)


@pytest.mark.parametrize("record", [replace(RECORD, requested="gpt-4o"), replace(RECORD, kind="refused")])
def test_what_the_router_did_not_choose_is_not_counted(record: UsageRecord) -> None:
    assert added(record) == {}


@pytest.mark.parametrize(("kind", "taken_back"), [(LOST, FOUND), ("exact", UNDONE + "exact")])
def test_what_is_taken_back_comes_to_nothing(kind: str, taken_back: str) -> None:
    before, after = added(replace(RECORD, kind=kind)), added(replace(RECORD, kind=taken_back))
    assert before.keys() == after.keys()
    assert all(before[view][0] + after[view][0] == 0 for view in before)
    assert before[SHADOW, "openai/gpt-4o"][1] + after[SHADOW, "openai/gpt-4o"][1] == 0
