"""The plan in the light of how models have answered of late. Pure: the records are read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from lib.ai.plan import Plan
from lib.answer import Health
from lib.catalog import ModelRow

PLACE: Final = MappingProxyType({Health.HEALTHY: 0, Health.DEGRADED: 1, Health.DOWN: 2})


def adjusted(plan: Plan, health: Mapping[str, Health]) -> Plan:
    """The same models, the healthy ones first; a model missing from `health` is healthy.

    A model the caller named stays first unless it is down. Nothing is left out: a model that is down is still the last
    hope of a chain. The cost estimate stays that of the model first planned, for which the budget was reserved.
    """

    def place(position_and_row: tuple[int, ModelRow]) -> int:
        position, row = position_and_row
        status = health.get(row.id, Health.HEALTHY)
        named_and_up = position == 0 and not plan.automatic and status is not Health.DOWN
        return PLACE[Health.HEALTHY] if named_and_up else PLACE[status]

    chain = tuple(row for _, row in sorted(enumerate(plan.chain), key=place))
    if chain == plan.chain:
        return plan
    behind = ", ".join(
        f"{row.id} is {status.value}"
        for row in plan.chain
        if (status := health.get(row.id, Health.HEALTHY)) is not Health.HEALTHY
    )
    return replace(plan, chain=chain, reasoning=f"{plan.reasoning} Healthy models go first: {behind}.")
