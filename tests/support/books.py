"""What a deployment has booked: the raw usage log, the lines to be imported, and budgets as the store holds them."""

from __future__ import annotations

from collections import Counter

import pytest

from lib.ai.observability.record import ABOUT_OTHERS, UNDONE, UsageRecord, decode
from lib.kv.keys import LOG_SHARDS, day_of
from tests.support.deployment import Deployment
from tests.support.kv import client_of

UNBOOKED = "unbooked "


async def logged(site: Deployment) -> list[UsageRecord]:
    """Today's records of finished requests, without those that were taken back."""
    keys = site.instance().gateway.keys
    kv = client_of(site.store, site.clock)
    records: list[UsageRecord] = []
    for shard in range(LOG_SHARDS):
        lines = await kv.run("LRANGE", keys.log(day_of(site.clock.now()), shard), 0, -1)
        assert isinstance(lines, list)
        records += [record for line in lines if (record := decode(str(line)))]
    undone = {(record.request_id, record.kind) for record in records if record.kind.startswith(UNDONE)}
    return [r for r in records if r.kind not in ABOUT_OTHERS and (r.request_id, UNDONE + r.kind) not in undone]


def to_import(caplog: pytest.LogCaptureFixture) -> list[UsageRecord]:
    """The records that an operator is told to import where they are missing."""
    lines = [message.removeprefix(UNBOOKED) for message in caplog.messages if message.startswith(UNBOOKED)]
    records = [decode(line) for line in lines]
    assert None not in records
    return [record for record in records if record]


async def counted_once(site: Deployment, caplog: pytest.LogCaptureFixture) -> set[str]:
    """The ids of all requests in the books after the import; none is there twice, or said to be missing twice."""
    there = Counter(record.request_id for record in await logged(site))
    said = Counter(record.request_id for record in to_import(caplog))
    assert not [name for name, times in (*there.items(), *said.items()) if times > 1]
    return {*there, *said}


async def spent_today(site: Deployment, user: str = "u1") -> int:
    """Micro-dollars of the day, holds included, as the budget counts them."""
    gateway = site.instance().gateway
    text = await client_of(site.store, site.clock).run("GET", gateway.keys.user_state(gateway.keys.person(user)))
    if text is None:
        return 0
    _, day, _, holds, _ = str(text).split("|")
    held = sum(int(hold.split(",")[1]) for hold in holds.split(";") if hold)
    return int(day.split(",")[1]) + held
