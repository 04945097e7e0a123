"""The rows of faults, in the order of an exchange: refusals, silence, broken connections, bodies, streams."""

from __future__ import annotations

from typing import Final

from tests.scripted.fault_rows_bodies import BODIES
from tests.scripted.fault_rows_http import CONNECTIONS, STATUSES
from tests.scripted.fault_rows_streams import HARMLESS, STREAMS
from tests.scripted.faults import Fault

FAULTS: Final[tuple[Fault, ...]] = (*STATUSES, *CONNECTIONS, *BODIES, *STREAMS, *HARMLESS)


def named(name: str) -> Fault:
    """The row of that name. Raises KeyError."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise KeyError(name)
