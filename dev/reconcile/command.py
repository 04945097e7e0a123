"""What `python -m dev.reconcile` does: import, sweep, take back, add up, compare."""

from __future__ import annotations

import argparse
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from dev.reconcile.audit import Auditor
from lib.ai.observability.late import Latecomers
from lib.ai.observability.record import ABOUT_OTHERS, UsageRecord, decode
from lib.composition import Gateway
from lib.errors import StoreError

UNBOOKED: Final = re.compile(r"\bunbooked (\{.*\})\s*$")
"""The line by which an instance says that the store may lack a record."""
ANY_RECORD: Final = re.compile(r"(\{\"id\":.*\})\s*$")
"""The line that every request leaves, booked or not."""
BALANCED, DIFFERENT, UNREADABLE = 0, 1, 2
"""Exit statuses."""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """`--day 20261124`, `--import-log FILE`."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.reconcile", description="Books what killed functions lost, then compares totals and records"
    )
    parser.add_argument("--day", help="only this UTC day, such as 20261124, instead of the 31 days the log is kept")
    parser.add_argument("--import-log", type=Path, metavar="FILE", help="a process log whose unbooked records to add")
    parser.add_argument(
        "--every-record",
        action="store_true",
        help="import every record of the log that the store lacks, marked or not; only once no instance that wrote "
        "the log lives any more, since a living one may still send what it keeps",
    )
    return parser.parse_args(given)


def unbooked(lines: Iterable[str], *, every: bool = False) -> list[UsageRecord]:
    """The marked records of a process log; with `every`, the others too, but for refusals, which are booked in sums."""
    records: list[UsageRecord] = []
    for line in lines:
        marked = UNBOOKED.search(line)
        found = marked or (ANY_RECORD.search(line) if every else None)
        record = decode(found[1]) if found else None
        skipped = ABOUT_OTHERS if marked else {*ABOUT_OTHERS, "refused"}
        if record and record.request_id and record.kind not in skipped:
            records.append(record)
    return records


async def reconcile(gateway: Gateway, *, day: str | None = None, imported: Sequence[UsageRecord] = ()) -> list[str]:
    """Close the books; what was done, then what differs after `differs: `. Raises StoreError."""
    auditor = Auditor(gateway.store, gateway.keys, gateway.log, gateway.world.clock)
    late = Latecomers(gateway.store, gateway.keys, gateway.log.retention)
    added = await late.bring_in(imported, auditor.days())
    lost = await gateway.sweep.run()
    back = await late.take_back(auditor.days())
    books = await auditor.read(day)
    said = [f"{len(added)} of {len(imported)} unbooked records imported"] if imported else []
    said += [f"lost: {r.request_id} {r.model or '-'} {r.cost_micro_usd / 1e6:.6f} dollars estimated" for r in lost]
    said += [f"found after all: {record.request_id}" for record in back]
    said += [f"differs: {line}" for line in books.differences()]
    return [*said, f"{len(books.stored)} totals compared"]


async def run(gateway: Gateway, given: argparse.Namespace) -> int:
    """Print what `reconcile` says; the exit status."""
    records: list[UsageRecord] = []
    if given.import_log:
        with given.import_log.open(encoding="utf-8", errors="replace") as lines:
            records = unbooked(lines, every=given.every_record)
    try:
        said = await reconcile(gateway, day=given.day, imported=records)
    except StoreError as error:
        print(f"the store cannot be read: {error}")
        return UNREADABLE
    print("\n".join(said))
    return DIFFERENT if any(line.startswith("differs: ") for line in said) else BALANCED


@asynccontextmanager
async def closing(gateway: Gateway) -> AsyncGenerator[Gateway]:
    """The gateway, whose connections are closed at the end."""
    try:
        yield gateway
    finally:
        await gateway.world.transport.aclose()
