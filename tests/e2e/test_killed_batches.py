"""A durable job whose functions are killed at random: every item is answered once, and none is paid for twice.

Real processes, a real Redis where there is one, SIGKILL. What a killed function was in the middle of buying may be
bought once more; what it had bought may not.
"""

from __future__ import annotations

import pytest

from dev.kv import RedisBridge
from tests.support.batches import content_of
from tests.support.killed_batch import Account, batch_site, killed_batch
from tests.support.redis_server import redis_url

__all__ = ["redis_url"]

ITEMS = 120
KILLS = 4


def holds(account: Account, items: int) -> None:
    assert (account.job["status"], account.job["done"], account.job["failed"]) == ("completed", items, 0)
    assert [result["index"] for result in account.results] == list(range(items))
    assert [content_of(result) for result in account.results] == [f"echo: Question {n}" for n in range(items)]
    assert set(account.asked) == set(range(items))
    assert account.bought_again() == set()
    assert account.beyond_kills() == set()
    assert account.differences == []
    assert account.lost >= sum(account.repeated.values())


@pytest.mark.redis
@pytest.mark.slow
async def test_every_item_is_answered_once_and_none_is_paid_for_twice(redis_url: str) -> None:
    backend = RedisBridge.from_url(redis_url)
    await backend.run([[b"FLUSHALL"]])
    async with batch_site(backend) as place:
        account = await killed_batch(place, items=ITEMS, kills=KILLS, workers=2)
    await backend.aclose()
    holds(account, ITEMS)
    assert sum(account.repeated.values()) > 0  # or nobody died over anything
