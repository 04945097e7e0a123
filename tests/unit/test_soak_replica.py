"""The soak's late replica: what it changes, and what it must leave alone."""

from __future__ import annotations

from bench.soak.replica import StaleReads
from dev.kv.memory import MemoryStore


async def test_stale_reads_see_the_replica_and_writes_the_primary() -> None:
    primary, replica = MemoryStore(), MemoryStore()
    backend = StaleReads(primary, replica)
    await primary.run([[b"SET", b"k", b"new"], [b"SET", b"same", b"1"]])
    await replica.run([[b"SET", b"k", b"old"], [b"SET", b"same", b"1"]])
    asked = [[b"GET", b"k"], [b"SET", b"other", b"1"], [b"mget", b"same"]]
    assert await backend.run(asked) == [b"new", b"OK", [b"1"]]
    backend.stale = True
    assert await backend.run(asked) == [b"old", b"OK", [b"1"]]
    assert (backend.reads, backend.wrong) == (2, 1)
    assert await replica.run([[b"GET", b"other"]]) == [None]


async def test_scripts_and_transactions_run_on_the_primary_alone() -> None:
    primary = MemoryStore()
    backend = StaleReads(primary, MemoryStore())
    backend.stale = True
    await primary.run([[b"SET", b"k", b"1"]])
    script = [b"EVAL", b"return redis.call('GET', KEYS[1])", b"1", b"k"]
    assert await backend.run([script]) == [b"1"]
    assert await backend.run_as_transaction([[b"GET", b"k"]]) == [b"1"]
    assert backend.reads == 0
